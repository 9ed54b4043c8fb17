"""Composition root: the only place that builds adapters."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import REGISTRY, CollectorRegistry

from api_gateway.adapters.kafka import KafkaEventLog, KafkaLink
from api_gateway.entrypoints.body import Budget
from api_gateway.entrypoints.http import Front
from api_gateway.entrypoints.logs import LogRoutes
from api_gateway.handlers.collecting import Collector
from api_gateway.handlers.ingesting import Ingestion
from api_gateway.settings import Settings
from api_gateway.telemetry import SERVICE, LogEvent, Metrics
from service_runtime.health import Health
from service_runtime.kafka import KafkaProducer
from service_runtime.postgres import open_database
from service_runtime.telemetry import logger
from service_runtime.web import create_app, listen, serve

log = logger(__name__)
KAFKA_LINGER_MS = 1.0


def now_ms() -> int:
    """Return epoch milliseconds."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def build(
    settings: Settings, registry: CollectorRegistry = REGISTRY
) -> AsyncIterator[tuple[Front, Health]]:
    """Wire the real thing; leave nothing unsent when it ends."""
    metrics = Metrics(registry)
    producer = KafkaProducer(
        settings.kafka_bootstrap_servers,
        client_id=SERVICE,
        linger_ms=KAFKA_LINGER_MS,
        timeout=settings.kafka_timeout,
    )
    link = KafkaLink(producer, timeout=settings.kafka_timeout)
    events = KafkaEventLog(link)
    collector = Collector(events, linger=settings.linger_ms / 1000)
    ingestion = Ingestion(events, collector, clock=now_ms, share_below=settings.share_below)
    url = settings.database_url.get_secret_value()
    async with open_database(url, name=SERVICE) as database:
        health = Health(
            SERVICE,
            settings.config_hash(),
            checks={"kafka": link.check, "postgres": database.check},
        )
        app = create_app("Tocsin gateway", "Takes logs and rules.", health)
        logs = LogRoutes(
            ingestion=ingestion,
            budget=Budget(settings.max_in_flight_bytes, metrics.in_flight),
            metrics=metrics,
            body_patience=settings.body_timeout,
        )
        try:
            yield Front(logs, app), health
        finally:
            await collector.drain()
            await link.close()
            await producer.close(settings.kafka_timeout)


async def serve_gateway(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then drain."""
    sock = listen(settings.host, settings.port)
    async with build(settings) as (front, health):
        health.ready = True
        log.info(LogEvent.STARTED, address=sock.getsockname())
        stopping = asyncio.create_task(_unready(stop, health))
        await serve(front, sock, stop, grace=settings.shutdown_grace / 2)
        await stopping
    log.info(LogEvent.STOPPED)


async def _unready(stop: asyncio.Event, health: Health) -> None:
    await stop.wait()
    health.ready = False
