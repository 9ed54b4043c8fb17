"""Panes and windows: arithmetic on epoch milliseconds. A window is a run of whole panes."""

from typing import NamedTuple

from alert_contracts.rules import Window


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

    def last_end(self, pane_start: int) -> int:
        """Return the end of the window that ends last of those that hold a pane."""
        return pane_start // self.step * self.step + self.size

    def ends(self, after: int, until: int) -> range:
        """Return the ends of windows in (after, until]."""
        first = ((after - self.size) // self.step + 1) * self.step + self.size
        return range(first, until + 1, self.step)


def shape_of(window: Window) -> Shape:
    """Return the shape of a rule's window."""
    return Shape(window.size, window.step)


def boundaries(after: int, until: int, step: int) -> range:
    """Return the multiples of `step` in (after, until]."""
    return range((after // step + 1) * step, until + 1, step)
