"""Composition root: the only place that builds adapters."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import redis.asyncio
from fastapi import FastAPI
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from alert_contracts.notifications import Notification
from notification_service import telemetry
from notification_service.adapters.breaker import Circuit, CircuitBoard
from notification_service.adapters.catalog import Catalog, build_catalog, read_config
from notification_service.adapters.channel import Sessions, open_sessions
from notification_service.adapters.courier import PostalCourier
from notification_service.adapters.kafka import KafkaResults
from notification_service.adapters.ledger import PostgresLedger
from notification_service.adapters.mirror import RedisMirror
from notification_service.adapters.postgres import PostgresOutbox
from notification_service.adapters.rendering import TemplatePreviewer
from notification_service.adapters.sections import Tools
from notification_service.domain.circuit import CircuitState
from notification_service.entrypoints.consumer import SERVICE, make_consumer
from notification_service.entrypoints.dispatch import Dispatcher
from notification_service.entrypoints.http import Desk, make_app
from notification_service.entrypoints.leases import LeaseBook
from notification_service.entrypoints.timer import ResultPublisher, keep_house
from notification_service.handlers import Notifier, Reporter
from notification_service.settings import Settings
from service_runtime import web
from service_runtime.clock import now_ms
from service_runtime.consumer import BatchConsumer
from service_runtime.errors import TemporaryError
from service_runtime.health import Check, Health
from service_runtime.kafka import KafkaProducer
from service_runtime.lifecycle import run
from service_runtime.postgres import Database, open_database
from service_runtime.settings import load
from service_runtime.telemetry import announce_build, configure_logging, logger

log = logger(__name__)
FLUSH_SECONDS: Final = 2.0
"""What Kafka gets at the end, twice: for results, and for what its client holds."""
_GAUGE: Final = {CircuitState.CLOSED: 0, CircuitState.HALF_OPEN: 1, CircuitState.OPEN: 2}


def main() -> int:
    """Run the service until it is told to stop; return the exit status."""
    settings = load(Settings)
    configure_logging(SERVICE, settings.log_level)
    announce_build(SERVICE)
    return run(lambda stop: serve(settings, stop), grace=settings.shutdown_grace + FLUSH_SECONDS)


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that runs."""

    dispatcher: Dispatcher
    consumer: BatchConsumer[Notification]
    publisher: ResultPublisher
    mirror: RedisMirror
    ledger: PostgresLedger
    outbox: PostgresOutbox
    app: FastAPI
    health: Health


@dataclass(frozen=True, slots=True)
class _Base:
    """What everything else is built on."""

    settings: Settings
    catalog: Catalog
    database: Database
    producer: KafkaProducer
    sessions: Sessions
    redis: redis.asyncio.Redis


@dataclass(slots=True)
class _Changes:
    """Tells of changed circuits; who wants to know joins while the service is being wired."""

    listeners: list[Callable[[Circuit], None]] = field(default_factory=list)

    def __call__(self, circuit: Circuit) -> None:
        for listener in self.listeners:
            listener(circuit)


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Build everything, run until `stop`, drain."""
    sock = web.listen(settings.host, settings.port)
    port = int(sock.getsockname()[1])
    async with build(settings, settings.owner(port)) as service, asyncio.TaskGroup() as group:
        with contextlib.suppress(TemporaryError):  # then the leases run out by themselves
            await service.outbox.release(now=now_ms())
        drained = asyncio.Event()
        house = keep_house(service.ledger, stop, clock=now_ms, retention_ms=settings.retention_ms())
        background = [
            group.create_task(service.mirror.run(stop)),
            group.create_task(service.publisher.run(stop)),
            group.create_task(service.dispatcher.keep_leases(drained)),
            group.create_task(house),
        ]
        serving = group.create_task(web.serve(service.app, sock, stop, grace=5.0))
        working = {
            group.create_task(service.consumer.run(stop)),
            group.create_task(service.dispatcher.run(stop)),
        }
        service.health.ready = True
        log.info("started", host=settings.host, port=port)
        await asyncio.wait(working)
        service.health.ready = False
        await service.dispatcher.drain(max(1.0, settings.shutdown_grace - 2 * FLUSH_SECONDS))
        drained.set()
        for task in background:
            task.cancel()
        with contextlib.suppress(TimeoutError):  # the next process publishes them
            await asyncio.wait_for(service.publisher.flush(), FLUSH_SECONDS)
        await serving


@asynccontextmanager
async def build(settings: Settings, owner: str) -> AsyncIterator[Service]:
    """Wire the real thing; `owner` is the name under which leases are taken."""
    catalog = _read_catalog(settings)
    url = settings.database_url.get_secret_value()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(url, name=SERVICE, max_size=12))
        producer = KafkaProducer(settings.kafka_bootstrap_servers, client_id=SERVICE)
        stack.push_async_callback(producer.close, FLUSH_SECONDS)
        sessions = await stack.enter_async_context(open_sessions(settings.private_hosts()))
        client = await stack.enter_async_context(_open_redis(settings))
        yield _wire(_Base(settings, catalog, database, producer, sessions, client), owner)


def _read_catalog(settings: Settings) -> Catalog:
    config = read_config(Path(settings.config_path), os.environ)
    for path in config.without_effect:
        if not path.startswith("route"):  # the alert manager's part
            log.warning("setting_without_effect", path=path)
    return build_catalog(config)


def _open_redis(settings: Settings) -> redis.asyncio.Redis:
    return redis.asyncio.Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=2,
        socket_connect_timeout=2,
        retry=Retry(NoBackoff(), 0),
    )


def _wire(base: _Base, owner: str) -> Service:
    settings, directory = base.settings, base.catalog.directory
    places = {one.name: one.destination for one in directory.endpoints()}
    changes = _Changes([_gauge])
    circuits = CircuitBoard(
        places.values(), settings.circuit_policy(), clock=now_ms, changed=changes
    )
    lease_ms = round(settings.lease * 1000)
    outbox = PostgresOutbox(base.database, directory.endpoints(), owner=owner, lease_ms=lease_ms)
    leases = LeaseBook(
        outbox, lease=lease_ms, longest_send=round(settings.send_timeout * 1000), clock=now_ms
    )
    courier = _courier(base, circuits, leases)
    ledger = PostgresLedger(base.database)
    notifier = Notifier(
        outbox=outbox,
        courier=courier,
        directory=directory,
        patience=settings.patience(),
        clock=now_ms,
    )
    publisher = ResultPublisher(Reporter(ledger, KafkaResults(base.producer)))
    dispatcher = Dispatcher(
        notifier=notifier,
        outbox=outbox,
        leases=leases,
        circuits=circuits,
        places=places,
        concurrency=settings.concurrency,
        lease=settings.lease,
        clock=now_ms,
        reported=publisher.wake,
    )
    mirror = RedisMirror(base.redis, circuits.views)
    changes.listeners += [lambda _: mirror.changed(), lambda one: _recover(dispatcher, one)]
    desk = _desk(base, ledger, circuits, courier, dispatcher)
    health = _health(base)
    consumer = make_consumer(
        settings.kafka_bootstrap_servers,
        notifier=notifier,
        stored=dispatcher.wake,
        dead_letters=base.producer,
    )
    app = make_app(desk, health)
    return Service(dispatcher, consumer, publisher, mirror, ledger, outbox, app, health)


def _desk(
    base: _Base,
    ledger: PostgresLedger,
    circuits: CircuitBoard,
    courier: PostalCourier,
    dispatcher: Dispatcher,
) -> Desk:
    return Desk(
        ledger=ledger,
        circuits=circuits,
        courier=courier,
        previewer=TemplatePreviewer(),
        directory=base.catalog.directory,
        hosts={name: entry.host for name, entry in base.catalog.entries.items()},
        wake=dispatcher.wake,
        clock=now_ms,
    )


def _courier(base: _Base, circuits: CircuitBoard, leases: LeaseBook) -> PostalCourier:
    tools = Tools(
        sessions=base.sessions,
        timeout=base.settings.send_timeout,
        webhook_secret=base.settings.webhook_secret.get_secret_value().encode(),
        clock=now_ms,
    )
    endpoints = base.catalog.directory.endpoints()
    telemetry.announce({one.channel.value for one in endpoints}, {v.name for v in circuits.views()})
    policy = base.settings.retry_policy()
    return PostalCourier(
        base.catalog.posts(tools), circuits, policy=policy, clock=now_ms, leases=leases
    )


def _gauge(circuit: Circuit) -> None:
    telemetry.BREAKER_STATE.labels(circuit.name).set(_GAUGE[circuit.state])


def _recover(dispatcher: Dispatcher, circuit: Circuit) -> None:
    if circuit.state is CircuitState.CLOSED:
        dispatcher.recovered(circuit.name)


def _health(base: _Base) -> Health:
    checks: dict[str, Check] = {"postgres": base.database.check, "kafka": base.producer.check}
    return Health(SERVICE, base.settings.config_hash(), checks)
