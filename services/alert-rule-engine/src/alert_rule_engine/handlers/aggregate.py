"""Stage two: partials become state and alerts, and the state is stored."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from alert_rule_engine import telemetry
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.journal import Journal, restore
from alert_rule_engine.domain.partials import Partial, Tick
from alert_rule_engine.domain.partition import Outcome
from alert_rule_engine.domain.parts import Change, Stages
from alert_rule_engine.domain.rules import RuleBook
from alert_rule_engine.ports import AlertSink, Clock, StateStore
from service_runtime.consumer import Record
from service_runtime.errors import PoisonError
from service_runtime.telemetry import logger

log = logger(__name__)


@dataclass(slots=True)
class Cut:
    """What one flush must store, taken at one moment."""

    alerts: list[Awaitable[object]]
    changes: dict[int, Stages]
    vectors: dict[int, Change]
    done: list[Any]
    """Tokens of the records that this flush covers, in order."""


@dataclass(slots=True)
class ApplyPartials:
    """Stage two: the partitions that this process holds.

    Alerts are handed over at once, and their acknowledgements awaited before the state that
    remembers them is stored; at most `cap` records of a rule between two flushes.
    """

    clock: Clock
    alerts: AlertSink
    store: StateStore
    lateness: int
    cap: int
    book: RuleBook = field(default_factory=RuleBook)
    journals: dict[int, Journal] = field(default_factory=dict)
    counted: telemetry.CountedEvents = field(default_factory=telemetry.CountedEvents)
    newest_accepted: int = 0
    """Acceptance of the newest batch applied."""
    _spent: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _sent: list[Awaitable[object]] = field(default_factory=list)
    _done: list[Any] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a record is applied and its alerts handed over, so that no cut falls between."""

    async def restore(self, partitions: Iterable[int], stored: Mapping[bytes, bytes]) -> None:
        """Hold exactly these partitions, as they are stored.

        Raises:
            StateFormatError: they were stored by a version that wrote another format.
            msgspec.DecodeError: a record is damaged.
        """
        async with self._lock:
            self._forget_flight()
            self.journals = {
                number: restore(number, stored, book=self.book, lateness=self.lateness)
                for number in partitions
            }

    async def release(self) -> None:
        """Hold nothing any more."""
        async with self._lock:
            self._forget_flight()
            self.journals = {}

    def _forget_flight(self) -> None:
        self._spent.clear()
        self._sent = []
        self._done = []

    async def follow(self, book: RuleBook) -> None:
        """Judge by these rules from now on."""
        async with self._lock:
            self.book = book
            for number, journal in self.journals.items():
                journal.partition.follow(book)
                await self._say(number)

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
                message = _decode(record)
            except PoisonError:
                partition.skip(record.offset)
                raise
            if isinstance(message, Tick):
                partition.tick(message, record.offset)
            else:
                self._apply(message, record)
            await self._say(record.partition)

    def _apply(self, partial: Partial, record: Record) -> None:
        applied = self.journals[record.partition].partition.apply(partial, record.offset)
        telemetry.PARTIALS.labels(applied.outcome).inc()
        telemetry.LATE.inc(applied.losses.late)
        telemetry.SURPLUS.inc(applied.losses.surplus)
        if applied.gap:
            telemetry.GAPS.inc()
            held = applied.outcome is Outcome.EARLY
            log.error("partial_gap", source=partial.source, offset=partial.offset, held=held)
        if applied.outcome is Outcome.APPLIED:
            self.newest_accepted = max(self.newest_accepted, partial.accepted_at)

    async def _say(self, number: int) -> None:
        partition = self.journals[number].partition
        if not partition.waiting():
            return
        now = self.clock()
        for alert in partition.take(now=now, cap=self.cap, spent=self._spent):
            self._sent.append(await self.alerts.send(alert))
            telemetry.ALERTS.labels(alert.status).inc()
            if alert.status == "firing" and alert.accepted_at is not None:
                telemetry.EVENT_TO_ALERT.observe(max(0, now - alert.accepted_at) / 1000)

    async def cut(self) -> Cut:
        """Take what has changed, at once: the state of one moment."""
        async with self._lock:
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
        )

    async def keep(self, cut: Cut) -> None:
        """Store a cut: alerts, then buckets, then vectors, each acknowledged before the next."""
        for sent in cut.alerts:
            await sent
        for number, stages in cut.changes.items():
            await self.store.write(number, stages.parts)
            await self.store.write(number, stages.records)
        for number, vector in cut.vectors.items():
            await self.store.write(number, [vector])

    async def retry(self) -> None:
        """Say what was above the cap before the last flush."""
        async with self._lock:
            for number in self.journals:
                await self._say(number)

    def measure(self) -> None:
        """Publish the size of what is held."""
        held = [journal.partition for journal in self.journals.values()]
        panes = [panes for each in held for b in each.buckets for panes in b.specs.values()]
        telemetry.GROUPS.set(sum(len(each.groups) for each in panes))
        telemetry.PANES.set(sum(sum(each.groups.values()) for each in panes))
        waiting = sum(each.waiting() for each in held)
        telemetry.WAITING.set(waiting)
        if waiting:
            telemetry.CAPPED.inc()
        for each in held:
            telemetry.WATERMARK.labels(str(each.number)).set(each.watermark() / 1000)
        self.counted.value = sum(each.vector.counted for each in held)


def _decode(record: Record) -> Partial | Tick:
    try:
        message = partials.decode(record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise PoisonError(str(exc)) from exc
    if message.format != partials.FORMAT:
        text = f"the partial has format {message.format}, this version reads {partials.FORMAT}"
        raise PoisonError(text)
    return message
