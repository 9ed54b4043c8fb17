"""Panes and windows: arithmetic on epoch milliseconds. A window is a run of whole panes."""

from collections.abc import Iterator
from math import gcd
from typing import Final, NamedTuple

from alert_contracts.rules import Window

PANE: Final = 10_000
MAX_PANES: Final = 360
MIN_PANES: Final = 6
_LENGTHS: Final = (
    *(900_000, 600_000, 300_000, 240_000, 180_000, 120_000, 60_000, 30_000, 20_000, PANE),
    *(5_000, 2_500, 2_000, 1_000, 500, 250, 200, 100),
)


def pane_length(size: int, step: int) -> int:
    """Return the pane of windows: 10 s; finer below a minute, coarser above an hour.

    It divides the window and its step, so a window of an odd length (61.234 s) may be one single
    pane.
    """
    common = gcd(size, step)
    target = max(min(PANE, size // MIN_PANES), size // MAX_PANES)
    fitting = (length for length in _LENGTHS if length <= target and common % length == 0)
    pane = next(fitting, common)
    return pane if size // pane <= 2 * MAX_PANES else common


class Shape(NamedTuple):
    """How panes make windows: their length, and by what the next one is shifted.

    Windows start at the multiples of `step`.
    """

    size: int
    step: int

    @property
    def tumbling(self) -> bool:
        """Tell whether each moment lies in one window only."""
        return self.step == self.size

    def holding(self, pane_start: int, pane: int) -> int:
        """Return the start of the window that ends first of those that hold a pane."""
        return -((self.size - pane_start - pane) // self.step) * self.step

    def all_holding(self, pane_start: int, pane: int) -> range:
        """Return the starts of the windows that hold a pane."""
        return range(self.holding(pane_start, pane), pane_start + 1, self.step)

    def ends(self, after: int, until: int) -> range:
        """Return the ends of windows in (after, until]."""
        first = ((after - self.size) // self.step + 1) * self.step + self.size
        return range(first, until + 1, self.step)


def shape_of(window: Window) -> Shape:
    """Return the shape of a rule's window."""
    return Shape(window.size, window.step)


def boundaries(after: int, until: int, step: int) -> Iterator[int]:
    """Yield the multiples of `step` in (after, until]."""
    return iter(range((after // step + 1) * step, until + 1, step))
