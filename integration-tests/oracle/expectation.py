"""Which alerts must have fired.

An alert is opened by the first window that holds and lives on while further windows hold. Which of
several neighbouring windows was first depends on the order of arrival, which nobody promises; so
only a window that holds alone makes an alert that is known to the letter. Of neighbours it is known
that one of them opened an alert, and that nothing else did.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from oracle.watch import Group, Watch
from oracle.windows import Tally, Windows

DISORDER: Final = 30_000
"""Milliseconds by which partitions may run ahead of each other while a backlog is worked off."""
JUDGED_TWICE: Final = frozenset({"p95", "share"})
"""Figures that go both ways."""


@dataclass(frozen=True, slots=True)
class Episode:
    """Windows that hold, close together: they make one alert if they are `alone`, else some."""

    rule: str
    group: Group
    starts: tuple[int, ...]
    alone: bool

    @property
    def opened_by(self) -> int:
        return self.starts[0]


def holds(watch: Watch, window: Tally) -> bool:
    """Tell whether a complete window holds."""
    if watch.figure == "absent":
        return False
    return window.count >= watch.min_count and window.figure(watch.figure) > watch.threshold


def episodes(windows: Windows, watches: Iterable[Watch]) -> Iterator[Episode]:
    """Yield what must have fired, rule by rule and group by group."""
    by_id = {watch.id: watch for watch in watches}
    for (rule, group), found in windows.items():
        watch = by_id[rule]
        held = sorted(start for start, window in found.items() if holds(watch, window))
        for starts in _apart(held, watch.size + watch.resolve_after + DISORDER):
            yield Episode(rule, group, starts, alone=_alone(watch, starts, found))


def _apart(starts: Sequence[int], distance: int) -> Iterator[tuple[int, ...]]:
    """Cut a row of window starts where two follow each other by at least a distance."""
    cuts = [at for at, (one, two) in enumerate(pairwise(starts), 1) if two - one >= distance]
    for begin, end in pairwise([0, *cuts, len(starts)]):
        if begin < end:
            yield tuple(starts[begin:end])


def _alone(watch: Watch, starts: Sequence[int], windows: Mapping[int, Tally]) -> bool:
    """Tell whether it is known which window of an episode opened its alert.

    Of overlapping windows it is, if what made them hold came in one stretch, which all of them
    have in common: they hold together or not at all.
    """
    if watch.tumbling or watch.figure in JUDGED_TWICE:
        return len(starts) == 1
    shared = starts[-1] - starts[0] < watch.size
    same = {windows[start].count for start in starts}
    around = [
        start for start in windows if starts[0] - watch.size < start < starts[-1] + watch.size
    ]
    return shared and len(same) == 1 and all(start in starts for start in around)
