"""The composition root: builds each role from the real parts and runs it."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from enum import StrEnum
from http import HTTPStatus
from typing import Any, NoReturn

import faust
import mode.loop

from alert_contracts.topics import LOG_EVENTS_PARTITIONS
from alert_rule_engine.adapters.kafka import (
    HEARTBEAT_SECONDS,
    SESSION_SECONDS,
    KafkaAlerts,
    Outlet,
    create_app,
)
from alert_rule_engine.adapters.lone import lone_consumer
from alert_rule_engine.adapters.records import LogRecords
from alert_rule_engine.adapters.tables import TableStore
from alert_rule_engine.domain.rules import RuleBook
from alert_rule_engine.entrypoints import aggregate, evaluate
from alert_rule_engine.entrypoints.aggregate import AggregateWorker
from alert_rule_engine.entrypoints.evaluate import EvaluateWorker
from alert_rule_engine.entrypoints.guard import (
    BEAT_SECONDS,
    LOOP_SECONDS,
    DeafWatch,
    Fence,
    FencedAlerts,
    LoopWatch,
    forever,
)
from alert_rule_engine.entrypoints.rules import RulesFeed
from alert_rule_engine.entrypoints.statuses import STATUS_SECONDS
from alert_rule_engine.failpoints import Failpoint, unarmed
from alert_rule_engine.handlers.aggregate import ApplyPartials
from alert_rule_engine.handlers.evaluate import EvaluateBatch
from alert_rule_engine.handlers.evidence import (
    BURST,
    RECORDS_PER_SECOND,
    Allowance,
    Witness,
)
from alert_rule_engine.handlers.rules import TakeRules
from alert_rule_engine.settings import Settings
from alert_rule_engine.tuning import keep_the_heap, spare_the_collector
from service_runtime import lifecycle, telemetry
from service_runtime.clock import now_ms
from service_runtime.health import Answer, Health, ThreadedHealthServer

FENCE_SECONDS = SESSION_SECONDS - HEARTBEAT_SECONDS
"""After standing still for longer we may be out of our group: the last heartbeat came before."""
SERVICE = "alert-rule-engine"
log = telemetry.logger(__name__)


class Role(StrEnum):
    """What this process does."""

    EVALUATE = "evaluate"
    AGGREGATE = "aggregate"


def end_process(reason: str) -> NoReturn:
    """End at once: nothing is acknowledged that was not done, and the supervisor restarts us."""
    log.error("process_ends", reason=reason)
    os._exit(lifecycle.EXIT_FAILED)


class Running:
    """What both roles have in common: rules, health, watchdogs, start and stop."""

    def __init__(self, role: Role, settings: Settings, app: faust.App) -> None:
        self.app = app
        self.settings = settings
        self.outlet = Outlet(app)
        self.reach = Failpoint(settings.failpoint) if settings.failpoint else unarmed
        self.take_rules = TakeRules()
        consumer = lone_consumer(settings.kafka_bootstrap_servers)
        self.rules = RulesFeed(consumer, self.take_rules)
        self.loop_watch = LoopWatch(end_process)
        self.health = Health(f"{SERVICE}-{role}", settings.config_hash())

    def serve(self, port: int, ready: Callable[[], bool]) -> ThreadedHealthServer:
        """Answer health questions from a thread of its own, during recovery too."""

        def live() -> Answer:
            age = self.loop_watch.age()
            if age < LOOP_SECONDS / 3:
                return HTTPStatus.OK, {"status": "UP"}
            return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "DOWN", "loopAgeSeconds": age}

        def is_ready() -> Answer:
            if self.health.ready and ready():
                return HTTPStatus.OK, {"status": "UP"}
            return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "STARTING"}

        def overall() -> Answer:
            status, answer = is_ready()
            state = {"status": "UP" if status is HTTPStatus.OK else "DOWN"}
            return status, {
                **state,
                "service": self.health.service,
                "components": {"kafka": answer},
            }

        server = ThreadedHealthServer(
            self.settings.host,
            port,
            {
                "/health": overall,
                "/health/live": live,
                "/health/ready": is_ready,
                "/info": lambda: (HTTPStatus.OK, self.health.info()),
            },
        )
        server.start()
        log.info("worker_started", service=self.health.service, port=server.port)
        return server

    async def run(
        self,
        stop: asyncio.Event,
        changed: Callable[[RuleBook], Awaitable[None]],
        work: Sequence[Coroutine[Any, Any, None]],
        drain: Callable[[], Awaitable[None]],
    ) -> None:
        """Start Faust and the background work; run until told to stop; drain and stop."""
        await self.app.start()
        tasks = [
            asyncio.ensure_future(each)
            for each in (*work, self.loop_watch.run(), self.rules.follow(changed, self.outlet))
        ]
        spare_the_collector()
        self.health.ready = True
        ended: list[asyncio.Future[Any]] = [
            *tasks,
            asyncio.ensure_future(stop.wait()),
            asyncio.ensure_future(self.app.wait_until_stopped()),
        ]
        await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
        self.health.ready = False
        for task in tasks:
            if task.done():
                end_process(f"background work ended: {task.exception()!r}")
        if not stop.is_set():
            end_process(f"faust stopped: {self.app.crash_reason!r}")
        await drain()
        for each in ended:
            each.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*ended, return_exceptions=True)
        await self.rules.close()
        await self.app.stop()
        log.info("worker_stopped", service=self.health.service)


async def run_evaluate(settings: Settings, stop: asyncio.Event) -> None:
    """Run stage one until `stop` is set."""
    app = create_app(
        evaluate.GROUP,
        brokers=settings.kafka_bootstrap_servers,
        instance_id=f"{settings.instance_id}-evaluate",
        buffered=settings.evaluate_buffer,
        partitions=LOG_EVENTS_PARTITIONS,
    )
    running = Running(Role.EVALUATE, settings, app)
    handler = EvaluateBatch(now_ms, time.thread_time, worker=settings.instance_id)
    worker = EvaluateWorker(
        app,
        handler,
        running.outlet,
        clock=now_ms,
        end=end_process,
        deaf=DeafWatch(settings.kafka_bootstrap_servers, end_process),
        idle_after=settings.idle_after.total_seconds(),
        reach=running.reach,
    )
    running.serve(settings.evaluate_port, worker.ready)
    handler.follow(await running.rules.load())

    async def changed(book: RuleBook) -> None:
        handler.follow(book)

    work = [
        worker.settle(),
        worker.linger(),
        forever(1.0, worker.tick),
        forever(STATUS_SECONDS, worker.publish),
    ]
    await running.run(stop, changed, work, worker.drain)


def _handler(
    running: Running, store: TableStore, fence: Fence, records: LogRecords
) -> ApplyPartials:
    """Return the use cases of stage two, and the witness of what they say."""
    settings = running.settings
    witness = Witness(
        FencedAlerts(KafkaAlerts(running.outlet), fence),
        records,
        lambda spec: handler.selector(spec),  # noqa: PLW0108 - it is built below
        clock=now_ms,
        allowance=Allowance(BURST, RECORDS_PER_SECOND, time.monotonic),
    )
    handler = ApplyPartials(
        clock=now_ms,
        witness=witness,
        store=store,
        reach=running.reach,
        fence=fence.check,
        lateness=int(settings.out_of_order.total_seconds() * 1000),
        cap=settings.alerts_per_flush,
    )
    return handler


async def run_aggregate(settings: Settings, stop: asyncio.Event) -> None:
    """Run stage two until `stop` is set."""
    app = create_app(
        aggregate.GROUP,
        brokers=settings.kafka_bootstrap_servers,
        instance_id=f"{settings.instance_id}-aggregate",
        buffered=settings.aggregate_buffer,
    )
    running = Running(Role.AGGREGATE, settings, app)
    table = app.Table(
        aggregate.TABLE, partitions=app.conf.topic_partitions, key_type=bytes, value_type=bytes
    )
    store = TableStore(table)
    fence = Fence(end_process, FENCE_SECONDS, time.monotonic)
    records = LogRecords(settings.kafka_bootstrap_servers)
    handler = _handler(running, store, fence, records)
    worker = AggregateWorker(
        app,
        table,
        handler,
        store,
        running.outlet,
        clock=now_ms,
        end=end_process,
        deaf=DeafWatch(settings.kafka_bootstrap_servers, end_process),
    )
    running.serve(settings.port, worker.ready)
    handler.book = await running.rules.load()
    flush = settings.flush_interval.total_seconds()
    work = [
        forever(flush, worker.flush),
        forever(1.0, worker.measure),
        forever(STATUS_SECONDS, worker.publish),
        forever(BEAT_SECONDS, fence.beat),
        handler.witness.run(),
    ]
    await running.run(stop, worker.follow, work, worker.drain)
    await records.close()


def main(role: Role, settings: Settings) -> int:
    """Run a role; return the exit status."""
    telemetry.configure_logging(f"{SERVICE}-{role}", settings.log_level)
    telemetry.announce_build(f"{SERVICE}-{role}")
    if role is Role.EVALUATE:  # the other one unpacks little, and holds much
        keep_the_heap()
    mode.loop.use("uvloop")
    runner = run_evaluate if role is Role.EVALUATE else run_aggregate
    return lifecycle.run(lambda stop: runner(settings, stop), grace=settings.shutdown_grace)
