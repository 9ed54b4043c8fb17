"""How long the panes are of which a rule's windows are made, in milliseconds.

The engine cuts event time by it; the gateway takes it for the step of a sliding window that names
none, and for how often a rule is looked at.
"""

from math import gcd
from typing import Final

MAX_PANES: Final = 720
"""Panes, and steps, of one window."""
_USUAL: Final = 10_000
_PANES_OF_LONG: Final = 360
_PANES_OF_SHORT: Final = 6
_ROUND: Final = (
    *(900_000, 600_000, 300_000, 240_000, 180_000, 120_000, 60_000, 30_000, 20_000, _USUAL),
    *(5_000, 2_500, 2_000, 1_000, 500, 250, 200, 100),
)


def pane_length(size: int, step: int) -> int:
    """Return the pane of windows: 10 s; finer below a minute, coarser above an hour.

    It divides the window and its step, so a window of an odd length (61.234 s) may be one single
    pane.
    """
    common = gcd(size, step)
    target = max(min(_USUAL, size // _PANES_OF_SHORT), size // _PANES_OF_LONG)
    fitting = (length for length in _ROUND if length <= target and common % length == 0)
    pane = next(fitting, common)
    return pane if size // pane <= MAX_PANES else common
