"""One partition of the state: applies the log of partials, each exactly once in effect.

Everything that decides comes out of the log: what was counted, how far event time has come, and
the log's own clock. Records are told apart by what they carry (source offset, batch id), not by
how often they are delivered.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from alert_contracts.alerts import Alert
from alert_contracts.topics import LOG_EVENTS_PARTITIONS
from alert_rule_engine.domain.aggregates import Arrival
from alert_rule_engine.domain.bucket import Bucket, Losses
from alert_rule_engine.domain.lifecycle import AlertState, say
from alert_rule_engine.domain.partials import BUCKETS, Block, Partial, Tick, bucket_of
from alert_rule_engine.domain.rules import RuleBook, rule_key

REMEMBERED: Final = 256
"""Batch ids remembered per source partition."""
STRIDE: Final = 1_000
"""Event time between two looks at the windows, and log time between two at news; ms."""


class Outcome(StrEnum):
    """What became of a partial."""

    APPLIED = "applied"
    REPLAYED = "replayed"  # the same source record again
    REPEATED = "repeated"  # the same batch in another source record: a client's repeated POST
    EARLY = "early"  # its predecessor is still to come, and it with it once more


class Applied(NamedTuple):
    """What a record did."""

    outcome: Outcome
    gap: bool
    """Partials between this one and the last of its source are missing: lost, or still to come if
    the outcome is `EARLY`."""
    losses: Losses


@dataclass(slots=True)
class Vector:
    """How far the log and its sources have been applied. Stored last, read first."""

    applied: int = -1
    """Last offset of the log."""
    sources: dict[int, int] = field(default_factory=dict)
    """Last source offset, by source partition."""
    clocks: dict[int, int] = field(default_factory=dict)
    """Event time reached, by source partition."""
    recent: dict[int, deque[int]] = field(default_factory=dict)
    """The last batch ids, by source partition."""
    log_now: int = 0
    """Clock of the log: stage one's wall clock, never backwards."""
    counted: int = 0
    """Events counted exactly once, ever."""
    excused: set[int] = field(default_factory=set)
    """Source partitions whose next partial may leave a gap: the log itself has lost records."""


@dataclass(slots=True)
class Partition:
    """State and rules of one target partition. `lateness`: ms that event time waits for order."""

    number: int
    book: RuleBook
    lateness: int
    vector: Vector = field(default_factory=Vector)
    buckets: list[Bucket] = field(default_factory=lambda: [Bucket() for _ in range(BUCKETS)])
    judged: int = 0
    """Event time up to which windows were looked at."""
    refreshed: int = 0
    """Second of the log's clock in which alerts with news were looked at."""

    def watermark(self) -> int:
        """Return the event time before which nothing in order is to come; 0 if not yet known.

        Known when each source has spoken; an idle one speaks by ticks.
        """
        clocks = self.vector.clocks
        if len(clocks) < LOG_EVENTS_PARTITIONS:
            return 0
        return max(0, min(clocks.values()) - self.lateness)

    def apply(self, partial: Partial, offset: int) -> Applied:
        """Apply a partial that stands at `offset` of the log."""
        vector = self.vector
        losses = Losses()
        if not self._follows(offset):
            return Applied(Outcome.REPLAYED, gap=False, losses=losses)
        due = vector.sources.get(partial.source, -1) + 1
        if partial.offset < due:
            return Applied(Outcome.REPLAYED, gap=False, losses=losses)
        if partial.offset > max(due, partial.settled) and partial.source not in vector.excused:
            return Applied(Outcome.EARLY, gap=True, losses=losses)
        gap = partial.source in vector.sources and partial.offset > due
        vector.excused.discard(partial.source)
        vector.sources[partial.source] = partial.offset
        vector.log_now = max(vector.log_now, partial.at)
        outcome = Outcome.APPLIED
        if self._is_repeat(partial):
            outcome = Outcome.REPEATED
        else:
            losses = self._count(partial, offset)
            vector.counted += partial.events
        self._reach(partial.source, partial.clock)
        self._advance(offset)
        return Applied(outcome, gap, losses)

    def tick(self, tick: Tick, offset: int) -> None:
        """Let the sources that had nothing to tell reach the tick's wall clock.

        A tick counts for a source only if all that the source had told by then was applied here.
        """
        vector = self.vector
        if not self._follows(offset):
            return
        vector.log_now = max(vector.log_now, tick.at)
        for source, following in tick.idle.items():
            last = vector.sources.get(source)
            if last is None or last + 1 == following:
                self._reach(source, tick.at)
        self._advance(offset)

    def skip(self, offset: int) -> None:
        """Leave out a record that cannot be read. Whose partial it was is not known."""
        if self._follows(offset):
            self._excuse()

    def _follows(self, offset: int) -> bool:
        """Tell whether the record at an offset of the log is new; if so, it counts as applied."""
        vector = self.vector
        if offset <= vector.applied:
            return False
        if offset > vector.applied + 1:
            self._excuse()
        vector.applied = offset
        return True

    def _excuse(self) -> None:
        self.vector.excused = set(range(LOG_EVENTS_PARTITIONS))

    def _is_repeat(self, partial: Partial) -> bool:
        recent = self.vector.recent.get(partial.source)
        if recent is None:
            recent = self.vector.recent[partial.source] = deque(maxlen=REMEMBERED)
        if partial.batch in recent:
            return True
        recent.append(partial.batch)
        return False

    def _reach(self, source: int, clock: int) -> None:
        self.vector.clocks[source] = max(self.vector.clocks.get(source, 0), clock)

    def _count(self, partial: Partial, offset: int) -> Losses:
        arrival = Arrival(partial.source, partial.offset, partial.accepted_at, partial.traceparent)
        watermark = self.watermark()
        losses = Losses(surplus=sum(block.surplus for block in partial.blocks))
        for number, blocks in _by_bucket(partial.blocks).items():
            bucket = self.buckets[number]
            if offset > bucket.restored:
                lost = bucket.apply(blocks, arrival, watermark=watermark, book=self.book)
                losses.late += lost.late
                losses.surplus += lost.surplus
        return losses

    def _advance(self, offset: int) -> None:
        """Let every bucket that is not ahead of the log look at its windows."""
        watermark = self.watermark() // STRIDE * STRIDE
        moved = watermark > self.judged
        due = self.vector.log_now // STRIDE > self.refreshed
        if not moved and not due:
            return
        self.judged = max(self.judged, watermark)
        self.refreshed = self.vector.log_now // STRIDE
        for bucket in self.buckets:
            if offset <= bucket.restored:
                continue
            if moved and watermark > bucket.judged:
                bucket.advance(watermark, self.vector.log_now, self.book)
            elif bucket.alerts.news:
                bucket.refresh(self.vector.log_now, self.book)

    def resume(self, book: RuleBook) -> None:
        """Go on from stored state under today's rules.

        A bucket that was not written has not changed since, but had been judged until then; what
        it had forgotten may still be stored.
        """
        self.book = book
        self.judged = self.watermark() // STRIDE * STRIDE
        self.refreshed = self.vector.log_now // STRIDE
        for bucket in self.buckets:
            bucket.judged = max(bucket.judged, self.judged)
            bucket.forget(book)
            bucket.follow(book, book)

    def follow(self, book: RuleBook) -> None:
        """Take over a changed set of rules."""
        old, self.book = self.book, book
        for bucket in self.buckets:
            bucket.follow(old, book)

    def take(self, *, now: int, cap: int, spent: dict[str, int]) -> Iterator[Alert]:
        """Yield what is to be said, at most `cap` records of a rule; `spent` counts them.

        What is above the cap stays, in order, for a later call. `now`: wall clock.
        """
        for bucket in self.buckets:
            for state in list(bucket.alerts.pending.values()):
                yield from self._say(bucket, state, now=now, cap=cap, spent=spent)

    def _say(
        self, bucket: Bucket, state: AlertState, *, now: int, cap: int, spent: dict[str, int]
    ) -> Iterator[Alert]:
        rule = rule_key(state.rule)
        while state.id in bucket.alerts.pending and spent.get(rule, 0) < cap:
            spent[rule] = spent.get(rule, 0) + 1
            bucket.dirty = True
            yield say(state, log_now=self.vector.log_now, now=now)
            bucket.alerts.said(state)

    def waiting(self) -> int:
        """Return how many alerts have something to say."""
        return sum(len(bucket.alerts.pending) for bucket in self.buckets)


def _by_bucket(blocks: list[Block]) -> dict[int, list[Block]]:
    found: dict[int, dict[str, Block]] = {}
    for block in blocks:
        for row in block.rows:
            mine = found.setdefault(bucket_of(row.slot), {})
            if block.spec not in mine:
                mine[block.spec] = Block(block.spec, block.pane, [])
            mine[block.spec].rows.append(row)
    return {number: list(mine.values()) for number, mine in found.items()}
