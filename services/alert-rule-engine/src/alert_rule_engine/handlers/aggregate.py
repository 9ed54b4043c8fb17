"""Stage two: partials become state and alerts, and the state is stored."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import msgspec

from alert_contracts.rule_status import RuleStatus
from alert_rule_engine import telemetry
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.applied import Applied
from alert_rule_engine.domain.conditions import rule_key
from alert_rule_engine.domain.evaluators import evaluator_of
from alert_rule_engine.domain.evidence import Selector
from alert_rule_engine.domain.inforce import REPEATS
from alert_rule_engine.domain.journal import Journal, restore
from alert_rule_engine.domain.partials import Message, Partial
from alert_rule_engine.domain.partition import Partition
from alert_rule_engine.domain.parts import Change, Stages
from alert_rule_engine.domain.rules import RuleBook
from alert_rule_engine.domain.statuses import statuses
from alert_rule_engine.domain.vector import Outcome
from alert_rule_engine.failpoints import Point, Reach, unarmed
from alert_rule_engine.handlers.evidence import Witness
from alert_rule_engine.ports import Clock, StateStore
from service_runtime.consumer import Record
from service_runtime.errors import PoisonError
from service_runtime.telemetry import logger

log = logger(__name__)
SELECTORS: Final = 1_000
_evaluator: Final = lru_cache(SELECTORS)(evaluator_of)


@dataclass(slots=True)
class Cut:
    """What one flush must store, taken at one moment."""

    alerts: list[Awaitable[object]]
    changes: dict[int, Stages]
    vectors: dict[int, Change]
    done: list[Any]
    """Tokens of the records that this flush covers, in order."""
    clocks: dict[int, int] = field(default_factory=dict)
    """How far the log's clock had come in each partition."""


def _open() -> None:
    """Let pass."""


@dataclass(slots=True)
class ApplyPartials:
    """Stage two: the partitions that this process holds.

    Alerts are handed over at once, and their acknowledgements awaited before the state that
    remembers them is stored; at most `cap` records of a rule between two flushes.
    """

    clock: Clock
    witness: Witness
    store: StateStore
    lateness: int
    cap: int
    reach: Reach = unarmed
    fence: Callable[[], None] = _open
    """Ends the process before it writes what another may have written since."""
    book: RuleBook = field(default_factory=RuleBook)
    journals: dict[int, Journal] = field(default_factory=dict)
    counted: telemetry.CountedEvents = field(default_factory=telemetry.CountedEvents)
    newest_accepted: int = 0
    """Acceptance of the newest batch applied."""
    _kept: dict[int, int] = field(default_factory=dict)
    """How far the log's clock had come in what is stored of each partition."""
    _spent: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _sent: list[Awaitable[object]] = field(default_factory=list)
    _done: list[Any] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a record is applied and its alerts handed over, so that no cut falls between."""

    async def restore(self, partitions: Iterable[int], stored: Mapping[bytes, bytes]) -> None:
        """Hold exactly these partitions, as they are stored, under the rules that they were under.

        Today's are taken over in time; see `turn`.

        Raises:
            StateFormatError: they were stored by a version that wrote another format, or are
                damaged.
        """
        async with self._lock:
            self._forget_flight()
            self.journals = {
                number: restore(number, stored, book=self.book, lateness=self.lateness)
                for number in partitions
            }
            self._kept = {
                number: journal.partition.vector.log_now
                for number, journal in self.journals.items()
            }
            for number in self.journals:
                self._say(number)

    async def release(self) -> None:
        """Hold nothing any more."""
        async with self._lock:
            self._forget_flight()
            self.journals = {}

    def _forget_flight(self) -> None:
        self._spent.clear()
        self._sent = []
        self._done = []
        self.witness.forget()

    async def follow(self, book: RuleBook) -> None:
        """Judge by these rules from now on; to be called while nothing else is being stored."""
        self.book = book
        await self.turn()

    async def turn(self) -> None:
        """Let the partitions judge by today's rules that may; to be called like `follow`.

        What was told by the rules until now is stored before, and so are the new ones: after a
        crash each record is judged again by those that judged it.
        """
        async with self._lock:
            due = [each for each in self.journals.values() if each.due(self.book)]
            if not due:
                return
            for number in self.journals:
                self._say(number)
            cut = self._cut()
            await self.keep(cut)
            self._done = cut.done
            for journal in due:
                book = self.book if journal.repeated() else journal.partition.book
                stages = journal.rules(book)
                await self._write(journal.partition.number, stages.parts)
                await self._write(journal.partition.number, stages.records)
                if book is not journal.partition.book:
                    journal.partition.follow(book)
                self._say(journal.partition.number)

    def reached(self, ends: Mapping[int, int]) -> None:
        """Note where the logs of partitions end: who has come there has repeated all."""
        for number in self.journals.keys() & ends.keys():
            if self.expects(number) >= ends[number]:
                self.journals[number].repeats_until = -1

    def ahead(self, partition: int) -> bool:
        """Tell whether so much is applied that it has to be stored before there is more."""
        if partition not in self.journals:
            return False
        now = self.journals[partition].partition.vector.log_now
        return now > self._kept[partition] + REPEATS

    def selector(self, spec: str) -> Selector | None:
        """Return what tells which events a pane spec counts; None if no rule reads it now."""
        gathered = self.book.specs.get(spec)
        return None if gathered is None else _evaluator(gathered.spec)

    def expects(self, partition: int) -> int:
        """Return the log offset that comes next."""
        return self.journals[partition].partition.vector.applied + 1

    async def apply(self, record: Record, done: object) -> None:
        """Apply one record of `rule-partials`; `done` comes back with the flush that stores it.

        Raises:
            PoisonError: it is none. It counts as applied and done all the same.
        """
        async with self._lock:
            self._done.append(done)
            partition = self.journals[record.partition].partition
            try:
                messages = _decode(record)
            except PoisonError:
                partition.skip(record.offset)
                raise
            applied = partition.apply(messages, record.offset)
            partials_of = [message for message in messages if isinstance(message, Partial)]
            for partial, each in zip(partials_of, applied, strict=True):
                self._note(partial, each)
            self._report(partition)
            self._say(record.partition)

    def statuses(self, turn: int = 0, turns: int = 1) -> Iterator[RuleStatus]:
        """Yield how each rule whose turn it is fares in each partition that is held."""
        now = self.clock()
        for journal in self.journals.values():
            yield from statuses(journal.partition, now, turn=turn, turns=turns)

    def _report(self, partition: Partition) -> None:
        for fault in partition.faults.report():
            telemetry.RULE_ERRORS.labels(fault.rule.tenant, fault.rule.id).inc()
            event: telemetry.LogEvent = (
                "rule_quarantined" if fault.quarantined else "rule_undecided"
            )
            log.error(event, rule=rule_key(fault.rule), reason=fault.reason)

    def _note(self, partial: Partial, applied: Applied) -> None:
        series = telemetry.series
        series(telemetry.PARTIALS, applied.outcome).inc()
        series(telemetry.LATE, str(partial.source)).inc(applied.losses.late)
        series(telemetry.SURPLUS, "groups").inc(applied.losses.surplus)
        series(telemetry.SURPLUS, "values").inc(applied.losses.excess)
        if applied.gap:
            telemetry.GAPS.inc()
            held = applied.outcome is Outcome.EARLY
            log.error("partial_gap", source=partial.source, offset=partial.offset, held=held)
        if applied.outcome is Outcome.APPLIED:
            self.newest_accepted = max(self.newest_accepted, partial.accepted_at)

    def _say(self, number: int) -> None:
        partition = self.journals[number].partition
        if partition.waiting():
            said = partition.take(
                now=self.clock(), cap=self.cap, spent=self._spent, room=self.witness.room()
            )
            self._sent += [self.witness.say(alert, question) for alert, question in said]

    async def cut(self) -> Cut:
        """Take what has changed, at once: the state of one moment."""
        async with self._lock:
            return self._cut()

    def _cut(self) -> Cut:
        changes = {number: each.changes() for number, each in self.journals.items()}
        vectors = {number: each.vector() for number, each in self.journals.items()}
        sent, self._sent = self._sent, []
        done, self._done = self._done, []
        self._spent.clear()
        return Cut(
            sent,
            {number: stages for number, stages in changes.items() if any(stages)},
            {number: vector for number, vector in vectors.items() if vector is not None},
            done,
            {number: each.partition.vector.log_now for number, each in self.journals.items()},
        )

    async def keep(self, cut: Cut) -> None:
        """Store a cut: alerts, then buckets, then vectors, each acknowledged before the next."""
        for sent in cut.alerts:
            await sent
        self.reach(Point.BEFORE_BUCKETS)
        for number, stages in cut.changes.items():
            await self._write(number, stages.parts)
            await self._write(number, stages.records)
        self.reach(Point.BEFORE_VECTOR)
        for number, vector in cut.vectors.items():
            await self._write(number, [vector])
        self._kept |= cut.clocks
        self.reach(Point.BEFORE_ACK)

    async def _write(self, number: int, changes: Sequence[Change]) -> None:
        self.fence()
        await self.store.write(number, changes)

    async def retry(self) -> None:
        """Say what was above the cap before the last flush."""
        async with self._lock:
            for number in self.journals:
                self._say(number)

    def measure(self) -> None:
        """Publish the size of what is held."""
        held = [journal.partition for journal in self.journals.values()]
        panes = [panes for each in held for b in each.buckets for panes in b.specs.values()]
        telemetry.GROUPS.set(sum(len(each.groups) for each in panes))
        telemetry.PANES.set(sum(each.size() for each in panes))
        waiting = sum(each.waiting() for each in held)
        telemetry.WAITING.set(waiting)
        if waiting:
            telemetry.CAPPED.inc()
        for each in held:
            telemetry.WATERMARK.labels(str(each.number)).set(each.watermark() / 1000)
        self.counted.value = sum(each.vector.counted for each in held)


def _decode(record: Record) -> list[Message]:
    try:
        messages = partials.decode(record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise PoisonError(str(exc)) from exc
    for message in messages:
        if message.format != partials.FORMAT:
            text = f"the partial has format {message.format}, this version reads {partials.FORMAT}"
            raise PoisonError(text)
    return messages
