"""Stage two: partials in, alerts and state out.

Partitions are held from their recovery to their revocation; what arrives in between is skipped
without acknowledgement and comes again.
"""

import asyncio
import time
from typing import Any, Final

import faust
from aiokafka.errors import KafkaError
from faust.types import TP, TableT

from alert_contracts.topics import Topic
from alert_rule_engine import telemetry
from alert_rule_engine.domain.bulletin import Bulletin
from alert_rule_engine.domain.rules import RuleBook
from alert_rule_engine.entrypoints.brake import Brake
from alert_rule_engine.entrypoints.guard import DeafWatch, StallWatch, close_gap, was_skipped
from alert_rule_engine.entrypoints.records import record_of
from alert_rule_engine.entrypoints.statuses import tell_statuses
from alert_rule_engine.handlers.aggregate import ApplyPartials
from alert_rule_engine.ports import Clock, End, Outlet, StateStore
from service_runtime.consumer import LAG
from service_runtime.errors import PoisonError
from service_runtime.telemetry import logger

log = logger(__name__)
GROUP: Final = "rule-state-v1"
TABLE: Final = "panes"
BROKER_SECONDS: Final = 5.0
AT_ONCE: Final = 1_000
"""Statuses to be told at once; of more rules some are told at a time."""
TURNS: Final = 4
"""In so many times all are told: as often as one that has not changed."""


class AggregateWorker:
    """Reads, applies, stores, acknowledges."""

    def __init__(
        self,
        app: faust.App,
        table: TableT[bytes, bytes],
        handler: ApplyPartials,
        store: StateStore,
        outlet: Outlet,
        *,
        clock: Clock,
        end: End,
        deaf: DeafWatch,
    ) -> None:
        self._app = app
        self._handler = handler
        self._store = store
        self._outlet = outlet
        self._clock = clock
        self._end = end
        self._active = False
        self._brake = Brake(time.monotonic)
        self._done = 0
        self._lag = 0
        self._stall = StallWatch(end)
        self._deaf = deaf
        self._bulletins = [Bulletin() for _ in range(TURNS)]
        self._told = 0
        topic = app.topic(Topic.RULE_PARTIALS, key_type=bytes, value_type=bytes)
        app.agent(topic, concurrency=1, name="aggregate")(self._consume)
        app.on_partitions_revoked.connect(self._revoked)
        table.on_recover(self._recovered)

    async def _revoked(self, _app: Any, /, *_args: Any, signal: Any, **_more: Any) -> None:  # noqa: ANN401, ARG002
        self._active = False
        async with self._brake.flush():
            await self._handler.release()
        log.info("partitions_revoked")

    async def _recovered(self) -> None:
        try:
            started = time.monotonic()
            changelog = str(Topic.RULE_STATE_CHANGELOG)
            actives = self._app.assignor.assigned_actives()
            mine = sorted(tp.partition for tp in actives if tp.topic == changelog)
            stored = self._store.keep_only(mine)
            await self._handler.restore(mine, stored)
            self._handler.measure()
            self._active = True
            seconds = round(time.monotonic() - started, 3)
            log.info("state_restored", partitions=mine, records=len(stored), seconds=seconds)
        except Exception as exc:
            log.exception("process_ends")
            self._end(f"the state could not be restored: {exc!r}")

    async def _consume(self, stream: Any) -> None:  # noqa: ANN401 - a Faust stream
        manual = stream.noack()
        async for event in manual.events():
            if not self._active:
                continue
            try:
                await self._brake.give_way()
                if self._handler.ahead(event.message.partition):
                    await self.flush()
                await self._one(manual, event)
            except Exception as exc:
                log.exception("process_ends")
                self._end(f"aggregate failed: {exc!r}")

    async def _one(self, stream: Any, event: Any) -> None:  # noqa: ANN401
        record = record_of(event)
        if record.partition not in self._handler.journals:
            return
        due = self._handler.expects(record.partition)
        consumer, tp = self._app.consumer, event.message.tp
        if await was_skipped(consumer, tp, due=due, offset=record.offset):
            self._end(f"offset {record.offset} of {tp} came, {due} was due")
        try:
            await self._handler.apply(record, (stream, event))
        except PoisonError as exc:
            log.exception("record_poisonous", partition=record.partition, offset=record.offset)
            await self._outlet.dead_letter(record, stage="VALUE_CONVERTER", error=exc)
        self._done += 1

    async def follow(self, book: RuleBook) -> None:
        """Judge by these rules from now on."""
        async with self._brake.flush():
            try:
                await self._handler.follow(book)
            except Exception as exc:  # noqa: BLE001 - as in a flush
                self._end(f"the rules could not be stored: {exc!r}")

    async def flush(self) -> None:
        """Store what has changed and acknowledge the records behind it."""
        if not self._active:
            return
        async with self._brake.flush():
            started = time.monotonic()
            cut = await self._handler.cut()
            try:
                await self._handler.keep(cut)
                await self._handler.turn()
            except Exception as exc:  # noqa: BLE001 - the state is behind; only a replay mends it
                self._end(f"the state could not be stored: {exc!r}")
            for stream, event in cut.done:
                await stream.ack(event)
            for tp in self._mine():
                close_gap(self._app.consumer, tp)
            if cut.vectors:
                telemetry.FLUSH_SECONDS.observe(time.monotonic() - started)
        await self._handler.retry()

    def _mine(self) -> list[TP]:
        return [tp for tp in self._app.consumer.assignment() if tp.topic == Topic.RULE_PARTIALS]

    async def measure(self) -> None:
        """Publish sizes, lag and freshness."""
        if not self._active:
            return
        self._handler.measure()
        mine = self._mine()
        try:
            async with asyncio.timeout(BROKER_SECONDS):
                ends = await self._app.consumer.highwaters(*mine)
        except (KafkaError, TimeoutError):
            await self._deaf.unheard(now=time.monotonic())
            return
        self._deaf.heard()
        self._handler.reached({tp.partition: end for tp, end in ends.items()})
        lag = 0
        for tp, end in ends.items():
            if tp.partition in self._handler.journals:
                lag += max(0, end - self._handler.expects(tp.partition))
        LAG.labels(GROUP, Topic.RULE_PARTIALS).set(lag)
        self._stall.observe(lag=lag, progress=self._done, now=time.monotonic())
        age = self._clock() - self._handler.newest_accepted
        telemetry.FRESHNESS.set(age / 1000 if lag and self._handler.newest_accepted else 0)

    async def publish(self) -> None:
        """Tell how the rules fare here, as far as it is due; what cannot be told is told later."""
        if self._active:
            rules = len(self._handler.book.rules) * len(self._handler.journals)
            turns = min(TURNS, 1 + rules // AT_ONCE)
            turn = self._told % turns
            self._told += 1
            due = self._bulletins[turn].due(self._handler.statuses(turn, turns), self._clock())
            await tell_statuses(self._outlet, due)

    async def drain(self) -> None:
        """Store what is held, then take nothing more."""
        await self.flush()
        self._active = False

    def ready(self) -> bool:
        """Tell whether the state is restored and records are being applied."""
        return self._active and not self._app.rebalancing
