"""Panes and windows: arithmetic on epoch milliseconds. A window is a run of whole panes."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from alert_contracts.rules import Window

PANE: Final = 10_000
MAX_PANES: Final = 360
MIN_PANES: Final = 6
_LENGTHS: Final = (
    *(900_000, 600_000, 300_000, 240_000, 180_000, 120_000, 60_000, 30_000, 20_000, PANE),
    *(5_000, 2_500, 2_000, 1_000, 500, 250, 200, 100),
)


def pane_length(size: int) -> int:
    """Return the pane of a window: 10 s; finer below a minute, coarser above an hour.

    It divides the window, so a window of an odd length (61.234 s) may be one single pane.
    """
    target = max(min(PANE, size // MIN_PANES), size // MAX_PANES)
    fitting = (length for length in _LENGTHS if length <= target and size % length == 0)
    pane = next(fitting, size)
    return pane if size // pane <= 2 * MAX_PANES else size


class Shape(NamedTuple):
    """How panes make windows: the length of a window, and by what the next one is shifted."""

    size: int
    tumbling: bool

    def holding(self, pane_start: int, pane: int) -> int:
        """Return the start of the window that ends with, or (tumbling) holds, a pane."""
        if self.tumbling:
            return pane_start - pane_start % self.size
        return pane_start + pane - self.size


def shape_of(window: Window) -> Shape:
    """Return the shape of a rule's window; a sliding window steps by a pane."""
    return Shape(window.size, window.kind == "tumbling")


def boundaries(after: int, until: int, step: int) -> Iterator[int]:
    """Yield the multiples of `step` in (after, until]."""
    return iter(range((after // step + 1) * step, until + 1, step))
