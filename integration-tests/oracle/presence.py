"""When the log could be written: what was silent while it could not proves nothing.

The engine promises to judge no silence of which more than five seconds went by without a record
being accepted, from anyone; of short windows, half of that. Where such a span begins and ends is
not known to the second, so there is a margin in which either verdict is right.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from oracle.journal import Batch
from oracle.watch import Judged, Watch

Span = tuple[int, int]
DOUBTFUL: Final = 1_500
LIKELY: Final = 2_000
SURE: Final = 8_000
"""Milliseconds without any record: perhaps, probably, and surely, a span of which nothing is known.
"""
LITTLE: Final = 10
"""Little is one part of so many."""
ORDER: Final = 2_000
"""Milliseconds that event time waits for order."""
DELAY: Final = 10_000
"""Milliseconds by which a verdict may come late."""
CLOSING: Final = 4_000
"""The same when all is calm, at the end."""
NEW: Final = 6_000
"""Milliseconds after which all events count for a rule that is new. The engine promises five."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Until when records were accepted, and the spans in which none were."""

    until: int
    gaps: tuple[Span, ...] = ()
    """By the times that the records tell."""
    waits: tuple[Span, ...] = ()
    """By when they were acknowledged: what was posted before may have come late."""
    live: int = 0
    """When the rules were known to all workers; 0 if that was long before."""

    def forbids(self, watch: Watch, start: int) -> bool:
        """Tell whether a window, or the one before, was surely not seen whole when it was over."""
        end = start + watch.size
        return watch.judged is Judged.END and any(
            begin < end and over > end - watch.needs and over - begin > SURE
            for begin, over in self.gaps
        )

    def doubts(self, watch: Watch, start: int) -> bool:
        """Tell whether perhaps it was not, or not judged."""
        end = start + watch.size
        judged = end + ORDER + (watch.lateness if watch.judged is Judged.END else 0)
        return (
            end - watch.needs < self.live + NEW
            or judged + CLOSING > self.until
            or any(
                begin < judged + DELAY and over > end - watch.needs
                for begin, over in (*self.gaps, *self.waits)
            )
        )

    def silent(self, at: int) -> bool:
        """Tell whether surely nobody could be heard at a time, nor for a while before."""
        return any(begin + SURE < at < over for begin, over in self.gaps)

    def outlasts(self, watch: Watch, start: int, distance: int) -> int:
        """Return the start of a window that held, or a later one that is as good.

        No alert ends while nobody can be heard: that is no quiet. It ends, like any, a while after
        the last window that held, but after the first that was seen whole, and if it compares, the
        one before that, too. What hides little of a window puts off by no more than it lasts those
        that are told by what came.
        """
        by_lack = watch.judged is Judged.END or watch.compares
        for begin, over in self.gaps:
            if begin >= start + distance:
                continue
            hides = LITTLE * (over - begin) > watch.size
            if over - begin > LIKELY and (by_lack or hides):
                start = max(start, over + watch.needs - watch.size + watch.step)
            elif not by_lack:
                start += over - begin
        return start


def presence(batches: Iterable[Batch], *, live: int = 0) -> Presence:
    """Return what accepted batches tell by their times, with events or without."""
    times = [(batch.posted_at, batch.accepted_at) for batch in batches]
    posted, accepted = (sorted(each) for each in zip(*times, strict=True)) if times else ([], [])
    return Presence(max(posted, default=0), _gaps(posted), _gaps(accepted), live)


def _gaps(times: Sequence[int]) -> tuple[Span, ...]:
    return tuple((one, two) for one, two in pairwise(times) if two - one > DOUBTFUL)
