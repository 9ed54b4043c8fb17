"""Stage one: a record of log-events in, one partial for each target partition out.

While it lags behind the log, the partials of several records share one Kafka record for each
target. Packs are in flight several at once, but a record is acknowledged only after all of its
partials are, and only in order.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

import faust
from aiokafka.errors import KafkaError
from faust.types import TP

from alert_contracts.topics import Topic
from alert_rule_engine.domain.bulletin import Bulletin
from alert_rule_engine.domain.progress import Progress
from alert_rule_engine.entrypoints.guard import DeafWatch, StallWatch, was_skipped
from alert_rule_engine.entrypoints.packing import MAX_SECONDS, Pack
from alert_rule_engine.entrypoints.records import record_of
from alert_rule_engine.entrypoints.statuses import tell_statuses
from alert_rule_engine.failpoints import Point, Reach, unarmed
from alert_rule_engine.handlers.evaluate import EvaluateBatch, tick
from alert_rule_engine.ports import Clock, End, Outlet
from service_runtime.consumer import LAG
from service_runtime.telemetry import logger

log = logger(__name__)
GROUP: Final = "rule-eval-v1"
IN_FLIGHT: Final = 8
"""Packs that may be unacknowledged."""
BROKER_SECONDS: Final = 5.0


class _Flight(NamedTuple):
    events: list[Any]
    sent: list[Awaitable[object]]


class EvaluateWorker:
    """Reads, evaluates, sends, acknowledges; tells which sources are idle."""

    def __init__(
        self,
        app: faust.App,
        handler: EvaluateBatch,
        outlet: Outlet,
        *,
        clock: Clock,
        end: End,
        deaf: DeafWatch,
        idle_after: float,
        reach: Reach = unarmed,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._handler = handler
        self._outlet = outlet
        self._clock = clock
        self._end = end
        self._idle_after = idle_after
        self._reach = reach
        self._monotonic = monotonic
        self._pack = Pack()
        self._open = asyncio.Event()
        """A pack waits for more."""
        self._sending = asyncio.Lock()
        """Held while a pack is sent: each target gets packs in the order of the others."""
        self._stream: Any = None
        self._flights: asyncio.Queue[_Flight] = asyncio.Queue(IN_FLIGHT)
        self._next: dict[int, int] = {}
        self._bulletin = Bulletin()
        self._progress = Progress()
        self._heard: dict[int, float] = {}
        self._done = 0
        self._stopping = False
        self._stall = StallWatch(end)
        self._deaf = deaf
        topic = app.topic(Topic.LOG_EVENTS, key_type=bytes, value_type=bytes)
        app.agent(topic, concurrency=1, name="evaluate")(self._consume)
        app.on_partitions_assigned.connect(self._assigned)

    async def _assigned(self, _app: Any, /, *args: Any, signal: Any, **_more: Any) -> None:  # noqa: ANN401, ARG002
        now = self._monotonic()
        assigned: set[TP] = args[0]
        self._heard = {tp.partition: now for tp in assigned if tp.topic == Topic.LOG_EVENTS}
        self._next = {}
        log.info("partitions_assigned", partitions=sorted(self._heard))

    async def _consume(self, stream: Any) -> None:  # noqa: ANN401 - a Faust stream
        self._stream = stream.noack()
        async for event in self._stream.events():
            if self._stopping:
                continue
            try:
                await self._one(event)
                if self._pack.full(now=self._monotonic()) or not self._behind(event.message.tp):
                    await self._send()
                else:
                    self._open.set()
            except Exception as exc:  # noqa: BLE001 - Faust would acknowledge the record and go on
                self._end(f"evaluate failed: {exc!r}")

    async def _one(self, event: Any) -> None:  # noqa: ANN401
        record = record_of(event)
        await self._check_order(event.message.tp, record.offset)
        source = record.partition
        if source not in self._next:  # all before it was acknowledged, or is no more
            self._progress.settle(source, record.offset)
        emission = self._handler.handle(record, settled=self._progress.settled(source))
        if emission.poison is not None:
            log.warning("record_poisonous", partition=source, offset=record.offset)
            await self._outlet.dead_letter(record, stage="VALUE_CONVERTER", error=emission.poison)
        self._next[source] = record.offset + 1
        now = self._monotonic()
        if record.value:  # an empty one says that a gateway is there, and nothing of event time
            self._heard[source] = now
        self._pack.add(emission.values, event, now=now)

    def _behind(self, latest: TP) -> bool:
        """Tell whether the log is known to hold more of what we read: what is packed may wait.

        `latest`: what was read last. What Faust holds back in its queues says little: it hands
        records on one by one.
        """
        ends: Mapping[TP, int] = self._app.monitor.tp_end_offsets
        return self._next[latest.partition] < ends.get(latest, 0) or any(
            due < ends.get(TP(Topic.LOG_EVENTS, source), 0) for source, due in self._next.items()
        )

    async def linger(self) -> None:
        """Send what has waited for more in vain; runs for ever."""
        while True:
            await self._open.wait()
            self._open.clear()
            await asyncio.sleep(MAX_SECONDS)
            if self._pack.full(now=self._monotonic()):
                await self._send()

    async def _send(self) -> None:
        """Send what is packed, if anything is."""
        async with self._sending:
            packed = self._pack.close()
            if packed is None:
                return
            self._reach(Point.EVALUATE_BEFORE_SEND)
            sent = [
                await self._outlet.to_partition(Topic.RULE_PARTIALS, target, value)
                for target, value in enumerate(packed.values)
            ]
            await self._flights.put(_Flight(packed.events, sent))

    async def _check_order(self, tp: TP, offset: int) -> None:
        """End the process, before anything behind it is sent, if Faust has skipped a record."""
        consumer: Any = self._app.consumer
        due = self._next.get(tp.partition)
        if due is None:
            due = consumer._committed_offset.get(tp) or 0  # noqa: SLF001 - nothing public tells
        if await was_skipped(consumer, tp, due=due, offset=offset):
            self._end(f"offset {offset} of {tp} came, {due} was due")

    async def settle(self) -> None:
        """Acknowledge records in order as their partials are acknowledged; runs for ever."""
        while True:
            flight = await self._flights.get()
            try:
                for acknowledged in flight.sent:
                    await acknowledged
            except Exception as exc:  # noqa: BLE001 - a later send must not succeed before this one
                self._end(f"a partial could not be sent: {exc!r}")
            self._reach(Point.EVALUATE_BEFORE_ACK)
            for event in flight.events:
                self._progress.settle(event.message.partition, event.message.offset + 1)
                await self._stream.ack(event)
            self._done += len(flight.events)
            self._flights.task_done()

    async def tick(self) -> None:
        """Measure the lag and tell stage two which sources have nothing to say."""
        await self._send()  # what was left when records that waited were taken from us
        assigned = [tp for tp in self._app.consumer.assignment() if tp.topic == Topic.LOG_EVENTS]
        if not assigned or self._app.rebalancing:
            return
        at = self._clock()
        try:
            async with asyncio.timeout(BROKER_SECONDS):
                ends = await self._app.consumer.highwaters(*assigned)
                lag = await self._lag(ends)
                await self._look_up(self._silent(ends))
        except (KafkaError, TimeoutError):
            await self._deaf.unheard(now=self._monotonic())
            return
        self._deaf.heard()
        LAG.labels(GROUP, Topic.LOG_EVENTS).set(lag)
        self._stall.observe(lag=lag, progress=self._done, now=self._monotonic())
        idle = self._told(self._silent(ends))
        if idle:
            self._pack.tell(tick(now=at, idle=idle))
            await self._send()

    def _silent(self, ends: Mapping[TP, int]) -> dict[TP, int]:
        now = self._monotonic()
        heard = self._heard
        return {
            tp: end
            for tp, end in ends.items()
            if now - heard.get(tp.partition, now) >= self._idle_after
        }

    async def _look_up(self, silent: Mapping[TP, int]) -> None:
        """Find out how far partitions were told before we had them, of which we have read nothing.

        What was acknowledged was told, and what is no more need not be.
        """
        consumer: Any = self._app.consumer
        for tp, end in silent.items():
            source = tp.partition
            if source in self._next:
                continue
            self._progress.settle(source, consumer._committed_offset.get(tp) or 0)  # noqa: SLF001 - as above
            if self._progress.settled(source) < end:
                earliest = await consumer.earliest_offsets(tp)
                self._progress.settle(source, earliest[tp])

    def _told(self, silent: Mapping[TP, int]) -> dict[int, int]:
        """Return how far each partition is told, or packed to be, that has no more than that.

        A beat of a gateway may have come since its end was asked for.
        """
        told = {
            tp.partition: self._next.get(tp.partition, self._progress.settled(tp.partition))
            for tp in silent
        }
        return {
            tp.partition: told[tp.partition]
            for tp, end in silent.items()
            if told[tp.partition] >= end
        }

    async def _lag(self, ends: Any) -> int:  # noqa: ANN401
        lag = 0
        for tp, end in ends.items():
            at = self._next.get(tp.partition)
            if at is None:
                at = await self._app.consumer.position(tp)
            lag += max(0, end - (end if at is None else at))
        return lag

    async def drain(self) -> None:
        """Take nothing more; wait until all that was evaluated is acknowledged."""
        self._stopping = True
        await self._send()
        await self._flights.join()

    async def publish(self) -> None:
        """Tell how the rules fare here, as far as it is due; what cannot be told is told later."""
        due = self._bulletin.due(self._handler.statuses(), self._clock())
        await tell_statuses(self._outlet, due)

    def ready(self) -> bool:
        """Tell whether partitions are assigned and being read."""
        return bool(self._heard) and not self._app.rebalancing
