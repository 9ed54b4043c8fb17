"""For how long groups have to be remembered so that their silence is told, in milliseconds."""

from typing import Final

from alert_contracts.rules import TimeInterval, Window
from alert_contracts.time_intervals import longest_pause

_DAY: Final = 86_400_000


def least_forget(window: Window, hold: int) -> int:
    """Return the shortest memory with which no silence goes untold, whenever it begins.

    A group's last event may be at the very beginning of a window: the first without any is over a
    step and a window later. It must hold for `hold`, and is judged when its lateness is over.
    """
    lasting = -(-hold // window.step) * window.step
    return window.size + window.step + lasting + window.allowed_lateness


def usual_forget(window: Window, hold: int, active: tuple[TimeInterval, ...]) -> int:
    """Return for how long groups are remembered where nobody says: whole days.

    There is room for a second window, for the first may prove nothing: not all of it was seen.
    Who falls silent while no alert may begin is told of when one may: after a weekend.
    """
    enough = least_forget(window, hold) + window.size + longest_pause(active)
    return -(-enough // _DAY) * _DAY
