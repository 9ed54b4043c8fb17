"""Which alerts must have fired.

An alert is opened by the first window that holds and lives on while further windows hold. Which of
several neighbouring windows was first depends on the order of arrival, which nobody promises; so
only a window that holds alone makes an alert that is known to the letter. Of neighbours it is known
that one of them opened an alert, and that nothing else did. Windows that are judged at their end
are judged in the order of time, whatever arrived when: there the first that holds is known.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from oracle.presence import Presence
from oracle.watch import Group, Judged, Watch
from oracle.windows import Tally, Windows

DISORDER: Final = 30_000
"""Milliseconds by which partitions may run ahead of each other while a backlog is worked off."""
NOTHING: Final = Tally()


@dataclass(frozen=True, slots=True)
class Episode:
    """Windows that hold, close together: they make one alert if they are `alone`, else some."""

    rule: str
    group: Group
    starts: tuple[int, ...]
    alone: bool
    sure: bool = True
    """At least one of them surely holds; of the others nobody can know."""

    @property
    def opened_by(self) -> int:
        return self.starts[0]


def holds(watch: Watch, window: Tally, before: Tally) -> bool:
    """Tell whether a complete window holds."""
    if window.count < watch.min_count:
        return False
    if watch.compares and before.count < watch.min_reference:
        return False
    match watch.figure:
        case "absent":
            return window.count == 0
        case "rise":
            return window.count > before.count * watch.factor
        case "fall":
            return window.count * watch.factor < before.count
        case figure:
            return window.figure(figure) > watch.threshold


def judge(watch: Watch, windows: Mapping[int, Tally], presence: Presence) -> dict[int, bool]:
    """Return the starts of a group's windows that hold; True if they surely do."""
    if not watch.compares and watch.figure != "absent":
        held = [start for start in windows if holds(watch, windows[start], NOTHING)]
        if watch.judged is not Judged.END:
            return dict.fromkeys(held, True)
        seen = [start for start in held if not presence.forbids(watch, start)]
        return {start: start > min(windows) and not presence.doubts(watch, start) for start in seen}
    first = min(windows)
    sure: dict[int, bool] = {}
    for start in range(first, presence.until, watch.step):
        window = windows.get(start, NOTHING)
        before = windows.get(start - watch.size, NOTHING)
        there = start + watch.size - watch.needs - first
        if there < 0 or not holds(watch, window, before) or presence.forbids(watch, start):
            continue
        # Of a group's first window the counts do not tell whether it was there when that began.
        sure[start] = there > 0 and not presence.doubts(watch, start)
    return sure


def episodes(windows: Windows, watches: Iterable[Watch], presence: Presence) -> Iterator[Episode]:
    """Yield what must have fired, rule by rule and group by group."""
    by_id = {watch.id: watch for watch in watches}
    for (rule, group), found in windows.items():
        watch = by_id[rule]
        held = judge(watch, found, presence)
        distance = watch.size + watch.resolve_after + DISORDER
        ends = {start: presence.outlasts(watch, start, distance) + distance for start in held}
        for starts in _apart(sorted(held), ends):
            alone = held[starts[0]] and _alone(watch, starts, found)
            sure = any(held[start] for start in starts)
            yield Episode(rule, group, starts, alone=alone, sure=sure)


def _apart(starts: Sequence[int], ends: Mapping[int, int]) -> Iterator[tuple[int, ...]]:
    """Cut a row of window starts where the next one comes only when the alert of one is over."""
    cuts = [at for at, (one, two) in enumerate(pairwise(starts), 1) if two >= ends[one]]
    for begin, end in pairwise([0, *cuts, len(starts)]):
        if begin < end:
            yield tuple(starts[begin:end])


def _alone(watch: Watch, starts: Sequence[int], windows: Mapping[int, Tally]) -> bool:
    """Tell whether it is known which window of an episode opened its alert.

    Of overlapping windows it is, if what made them hold came in one stretch, which all of them
    have in common: they hold together or not at all.
    """
    if watch.judged is Judged.END:
        return starts[-1] - starts[0] == (len(starts) - 1) * watch.step
    if watch.tumbling or watch.judged is Judged.CLOSE:
        return len(starts) == 1
    shared = starts[-1] - starts[0] < watch.size
    same = {windows[start].count for start in starts}
    around = [
        start for start in windows if starts[0] - watch.size < start < starts[-1] + watch.size
    ]
    return shared and len(same) == 1 and all(start in starts for start in around)
