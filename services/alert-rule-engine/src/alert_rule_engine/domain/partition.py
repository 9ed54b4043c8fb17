"""One partition of the state: applies the log of partials, each exactly once in effect.

Everything that decides comes out of the log: what was counted, how far event time has come, and
the log's own clock. Records are told apart by what they carry (source offset, batch id), not by
how often they are delivered.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from alert_rule_engine.domain.aggregates import pack_reference
from alert_rule_engine.domain.applied import NO_LOSSES, Applied, Losses
from alert_rule_engine.domain.brought import Brought
from alert_rule_engine.domain.bucket import Bucket
from alert_rule_engine.domain.endless import ENDLESS
from alert_rule_engine.domain.faults import Faults
from alert_rule_engine.domain.filling import STRIDE, Expiring, Lanes, chosen
from alert_rule_engine.domain.lanes import Arrival, Lane, Ways, apart
from alert_rule_engine.domain.looks import look_turned_away
from alert_rule_engine.domain.panes import LIVE
from alert_rule_engine.domain.partials import (
    BUCKETS,
    Block,
    Group,
    Message,
    Partial,
    Tick,
    bucket_of,
    slot_of,
    target_of,
)
from alert_rule_engine.domain.rules import RuleBook, arrived, revision_of
from alert_rule_engine.domain.saying import Said, question_of, say
from alert_rule_engine.domain.sifting import Found
from alert_rule_engine.domain.vector import Outcome, Tally, Vector


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
    faults: Faults = field(default_factory=Faults)
    _lanes: dict[str, Lanes] = field(default_factory=dict)
    _expiring: Expiring = field(default_factory=dict)
    _ways: Ways = field(default_factory=dict)
    _newest: int = -1
    """The newest log offset that a bucket contained when it was restored."""

    def __post_init__(self) -> None:
        for index, bucket in enumerate(self.buckets):
            bucket.place = (self.number, index)
            bucket.faults = self.faults

    def watermark(self) -> int:
        """Return the event time before which nothing in order is to come; 0 if not yet known."""
        return self.vector.watermark(self.lateness)

    def apply(self, messages: Iterable[Message], offset: int) -> list[Applied]:
        """Apply a record that stands at `offset` of the log; tell what its partials did."""
        if not self.vector.follows(offset):
            replayed = Applied(Outcome.REPLAYED, gap=False, losses=NO_LOSSES)
            return [replayed for message in messages if isinstance(message, Partial)]
        applied = []
        for message in messages:
            if isinstance(message, Tick):
                self._tick(message, offset)
            else:
                applied.append(self._apply(message, offset))
        return applied

    def _apply(self, partial: Partial, offset: int) -> Applied:
        outcome, gap = self.vector.take(partial)
        losses = self._count(partial, offset) if outcome is Outcome.APPLIED else NO_LOSSES
        if outcome in (Outcome.APPLIED, Outcome.REPEATED):
            self.vector.reach(partial.source, partial.clock)
            self._advance(offset)
        return Applied(outcome, gap, losses)

    def _tick(self, tick: Tick, offset: int) -> None:
        """Let the sources that had nothing to tell reach the tick's wall clock.

        A tick counts for a source only if all that the source had told by then was applied here.
        """
        vector = self.vector
        vector.hear(tick.at)
        for source, following in tick.idle.items():
            last = vector.sources.get(source)
            if last is None or last + 1 == following:
                vector.reach(source, tick.at)
        self._advance(offset)

    def skip(self, offset: int) -> None:
        """Leave out a record that cannot be read. Whose partial it was is not known."""
        if self.vector.follows(offset):
            self.vector.excuse()

    def _count(self, partial: Partial, offset: int) -> Losses:
        """Add the rows of a partial to their panes, and let them be judged."""
        watermark = self.watermark()
        accepted = (partial.accepted_at, partial.traceparent or "")
        reference = pack_reference(partial.source, partial.offset)
        fresh = offset > self._newest
        arrival = Arrival(reference, accepted, watermark, self.judged if fresh else ENDLESS)
        lost_late = lost_surplus = lost_excess = 0
        for block in apart(partial.blocks, self._ways, self._begin, self.buckets, arrival):
            lanes = self._lanes.get(block.spec) or self._lanes_of(block.spec, block.pane)
            events = sum(block.counts)
            if block.surplus and block.lacks_rows:
                self.vector.sight.miss({block.spec: block.start + block.pane})
            if lanes.closes(block.start) <= watermark:
                lost_late += events
                lost_excess += block.surplus
                lanes.tally.late += events
                continue
            mine = block if fresh else self._unknown(block, offset)
            surplus, excess = self._fill(lanes, mine, partial, arrival)
            lanes.tally.matched += events - surplus - excess
            lanes.tally.surplus += surplus + excess + block.surplus
            lost_excess += excess + block.surplus
            if surplus:
                lost_surplus += surplus
                self._overflow(lanes, block, partial, surplus)
        return Losses(lost_late, lost_surplus, lost_excess)

    def _unknown(self, block: Block, offset: int) -> Block:
        """Return a block without the rows of the buckets that contain them already."""
        ahead = {number for number, each in enumerate(self.buckets) if offset <= each.restored}
        known = [row for row, slot in enumerate(block.slots) if bucket_of(slot) not in ahead]
        return chosen(block, known)

    def _begin(self, spec: str, block: Block, watermark: int) -> Lane | None:
        """Return the lane for rows of a spec, unless they come too late."""
        lanes = self._lanes.get(spec) or self._lanes_of(spec, block.pane)
        return lanes.lane(block.start) if watermark < lanes.closes(block.start) else None

    def _lanes_of(self, spec: str, pane: int) -> Lanes:
        known = self.book.specs.get(spec)
        lanes = self._lanes[spec] = Lanes(
            spec,
            pane,
            self.buckets,
            known,
            tally=self.vector.tally(spec) if known else Tally(),
            expiring=self._expiring,
            ways=self._ways,
            since=self.vector.sight.new.get(spec, 0),
        )
        return lanes

    def _overflow(self, lanes: Lanes, block: Block, partial: Partial, surplus: int) -> None:
        """Let one bucket of all partitions tell the owners that groups were turned away."""
        known = lanes.known
        home = slot_of(block.spec, ())
        if known is None or target_of(home) != self.number:
            return
        bucket = self.buckets[bucket_of(home)]
        groups = sum(len(each.specs[block.spec].groups) for each in lanes.buckets_held())
        for rule in known.rules:
            look = look_turned_away(rule, block.start, groups, surplus)
            bucket.overflow(rule, look, partial.accepted_at)

    def _fill(
        self, lanes: Lanes, block: Block, partial: Partial, arrival: Arrival
    ) -> tuple[int, int]:
        """Add rows, and judge what they change; return the surplus and the excess of `Losses`."""
        found: dict[Group, Found] = {}
        surplus = excess = 0
        if lanes.sifts:
            block, found, surplus, excess, _ = lanes.sift(block, partial.accepted_at)
        filled, grown = lanes.take(block, arrival)
        if filled is not block:
            surplus += sum(block.counts) - sum(filled.counts)
        end = block.start + block.pane
        if grown or end <= self.judged:
            at = min(max(partial.clock, block.start), end)
            brought = Brought(partial, block.start, at, max(0, self.judged - end))
            lanes.judge(grown, brought, found)
            if end <= self.judged:
                lanes.judge_again(filled, brought, found)
        return surplus, excess

    def _see(self) -> None:
        """Let the buckets know what silence proves by now: the same in a replay of the log."""
        blind = self.vector.sight.blind(self.judged)
        for bucket in self.buckets:
            bucket.blind = blind

    def _advance(self, offset: int) -> None:
        """Let every bucket that is not ahead of the log look at its windows."""
        watermark = self.watermark() // STRIDE * STRIDE
        moved = watermark > self.judged
        due = self.vector.log_now // STRIDE > self.refreshed
        if not moved and not due:
            return
        self.judged = max(self.judged, watermark)
        self.faults.now = self.vector.log_now
        self.refreshed = self.vector.log_now // STRIDE
        self._see()
        for bucket in self.buckets:
            if offset <= bucket.restored:
                continue
            bucket.judge_late(self.book)
            if moved and watermark > bucket.judged:
                bucket.advance(watermark, self.vector.log_now, self.book)
            else:
                bucket.refresh(self.vector.log_now, self.book)
        if moved:
            for end in [end for end in self._expiring if end <= self.judged]:
                for lanes in self._expiring.pop(end):
                    lanes.forget(self.judged)

    def resume(self, book: RuleBook, came: Mapping[str, int] | None = None) -> None:
        """Go on from stored state under these rules.

        A bucket that was not written has not changed since, but had been judged until then; what
        it had forgotten may still be stored. `came`: pane specs that did with these rules.
        """
        old, self.book = self.book, book
        self.judged = self.watermark() // STRIDE * STRIDE
        self.refreshed = self.vector.log_now // STRIDE
        self._newest = max(bucket.restored for bucket in self.buckets)
        known = self.vector.revisions
        counted = self.vector.tallies.keys() | self.vector.sight.new.keys()
        came = arrived(book, known, counted) if came is None else came
        changed = [each for key, each in book.rules.items() if known.get(key) != revision_of(each)]
        self._take_over(book, came)
        for bucket in self.buckets:
            bucket.judged = max(bucket.judged, self.judged)
            bucket.dirty |= bucket.alerts.arrange(bucket.judged)
            bucket.alerts.looked = max(bucket.alerts.looked, self.refreshed * STRIDE)
            bucket.dirty |= bucket.alerts.follow(book, old, bucket.windows, self.vector.log_now)
            bucket.forget(book, since=0)
            # One that is newer than the vector may have been judged under today's rules already.
            news = changed if bucket.rules != book.digest else []
            bucket.follow(book, news, self.vector.log_now)

    def arriving(self, book: RuleBook) -> dict[str, int]:
        """Return the pane specs that come with these rules, and when they were asked for."""
        return arrived(book, self.vector.revisions, self.book.specs.keys())

    def follow(self, book: RuleBook) -> None:
        """Take over a changed set of rules."""
        new, old, self.book = self.arriving(book), self.book, book
        self.vector.tallies |= {spec: each.tally for spec, each in self._lanes.items()}
        self._lanes.clear()
        self._expiring.clear()
        self._ways.clear()
        self._take_over(book, new)
        changed = [each for key, each in book.rules.items() if old.rules.get(key) != each]
        for bucket in self.buckets:
            bucket.dirty |= bucket.alerts.follow(book, old, bucket.windows, self.vector.log_now)
            bucket.follow(book, changed, self.vector.log_now)
            for spec in new.keys() & bucket.specs.keys():
                bucket.dirty |= bucket.specs[spec].begin(self.vector.sight.new.get(spec, 0))

    def _take_over(self, book: RuleBook, came: Mapping[str, int]) -> None:
        """Forget what was known of rules and specs that are no more, and note those that came.

        Those are of no concern if all that is known was judged by these rules.
        """
        vector, known = self.vector, self.vector.revisions
        self.faults.follow(book)
        vector.tallies = {spec: each for spec, each in vector.tallies.items() if spec in book.specs}
        vector.revisions = {key: revision_of(each) for key, each in book.rules.items()}
        vector.sight.keep({*book.specs, *(each.spec.tenant for each in book.specs.values())})
        if known != vector.revisions:  # Stage one counts soon after, though we may be behind.
            asked = {spec: max(at, vector.log_now) for spec, at in came.items()}
            new = {spec: at + LIVE for spec, at in asked.items() if at and spec in book.specs}
            vector.sight.come(new)
        self._see()

    def take(self, *, now: int, cap: int, spent: dict[str, int], room: int) -> Iterator[Said]:
        """Yield what is to be said, at most `cap` records of a rule and `room` in all.

        What is above that stays, in order, for a later call. `spent` counts the records of each
        rule; `now`: wall clock.
        """
        for bucket in self.buckets:
            for rule, mine in list(bucket.alerts.outbox.items()):
                while mine and spent.get(rule, 0) < cap and room > 0:
                    spent[rule] = spent.get(rule, 0) + 1
                    room -= 1
                    state = next(iter(mine.values()))
                    bucket.dirty = True
                    alert = say(state, log_now=self.vector.log_now, now=now)
                    asked = question_of(state, self.book, bucket.specs, alert.status)
                    yield Said(alert, asked)
                    bucket.alerts.said(state, over=alert.status == "resolved")

    def waiting(self) -> int:
        """Return how many alerts have something to say."""
        return sum(bucket.alerts.waiting() for bucket in self.buckets)
