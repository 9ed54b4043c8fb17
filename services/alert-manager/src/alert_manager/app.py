"""The composition root: the only place that knows Postgres from a dictionary."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import yaml

from alert_contracts.config import Config, ConfigError, parse_config
from alert_manager.adapters import redis
from alert_manager.adapters.kafka import KafkaPublisher
from alert_manager.adapters.outbox import PostgresOutbox
from alert_manager.adapters.postgres import PostgresHistory
from alert_manager.adapters.redis import RedisSeenCache
from alert_manager.domain.intake import Policy
from alert_manager.entrypoints import http, timer
from alert_manager.entrypoints.consumer import (
    SERVICE,
    Reading,
    alerts_consumer,
    results_consumer,
)
from alert_manager.handlers import Desk
from alert_manager.settings import Settings
from alert_manager.telemetry import LogEvent
from service_runtime.clock import now_ms
from service_runtime.errors import StartupError
from service_runtime.health import Health
from service_runtime.kafka import KafkaProducer
from service_runtime.postgres import open_database
from service_runtime.telemetry import announce_build, logger
from service_runtime.web import listen, serve

log = logger(__name__)


def read_config(settings: Settings) -> Config:
    """Return the alerting configuration.

    Raises:
        StartupError: it cannot be read, or is wrong; the message holds every error.
    """
    try:
        text = settings.config.read_text(encoding="utf-8")
        config = parse_config(yaml.safe_load(text), os.environ)
    except OSError as exc:
        message = f"cannot read the alerting configuration {settings.config}: {exc.strerror}"
        raise StartupError(message) from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        message = f"the alerting configuration {settings.config} is no YAML: {exc}"
        raise StartupError(message) from exc
    except ConfigError as exc:
        message = f"the alerting configuration {settings.config} is wrong:\n{exc}"
        raise StartupError(message) from exc
    if config.without_effect:
        log.warning(LogEvent.WITHOUT_EFFECT, names=list(config.without_effect))
    return config


@dataclass(frozen=True, slots=True)
class AlertManager:
    """Everything, wired."""

    desk: Desk
    health: Health
    producer: KafkaProducer


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[AlertManager]:
    """Wire the real thing.

    Raises:
        StartupError: the alerting configuration is wrong.
    """
    config = read_config(settings)
    ttl = int(settings.dedup_ttl.total_seconds() * 1000)
    health = Health(SERVICE, config_hash=settings.config_hash())
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            open_database(
                settings.database_url.get_secret_value(),
                name=SERVICE,
                max_size=settings.database_connections,
            )
        )
        client = await stack.enter_async_context(
            redis.open_redis(settings.redis_url.get_secret_value())
        )
        producer = KafkaProducer(settings.kafka_bootstrap_servers, client_id=SERVICE)
        stack.push_async_callback(producer.close, 5.0)
        history = PostgresHistory(database)
        health.checks.update(postgres=database.check, kafka=producer.check)
        health.spare.update(redis=partial(redis.check, client))
        policy = Policy(config, dedup_ttl=ttl, external_url=settings.external_url.rstrip("/"))
        desk = Desk(
            policy=policy,
            history=history,
            outbox=PostgresOutbox(database),
            seen=RedisSeenCache(client, installation=history.installation, ttl=ttl),
            publisher=KafkaPublisher(producer),
            clock=now_ms,
        )
        yield AlertManager(desk, health, producer)


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop` is set, then finish what is in hand."""
    announce_build(SERVICE)
    sock = listen(settings.host, settings.port)
    async with build(settings) as wired:
        reading = Reading(settings.kafka_bootstrap_servers, settings.max_batch)
        app = http.build_app(wired.desk, wired.health)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(serve(app, sock, stop, grace=settings.shutdown_grace / 2))
            tasks.create_task(alerts_consumer(wired.desk, wired.producer, reading).run(stop))
            tasks.create_task(results_consumer(wired.desk, wired.producer, reading).run(stop))
            tasks.create_task(
                timer.run_timers(wired.desk, retention=settings.history_retention, stop=stop)
            )
            wired.health.ready = True
            log.info(LogEvent.STARTED, address=sock.getsockname()[:2])
            await stop.wait()
            wired.health.ready = False
