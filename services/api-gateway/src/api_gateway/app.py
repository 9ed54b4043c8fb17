"""Composition root: the only place that builds adapters."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry

from api_gateway.adapters.kafka import KafkaEventLog, KafkaLink
from api_gateway.adapters.postgres import PostgresRuleRepository
from api_gateway.adapters.rule_topic import KafkaRuleTopic, rule_consumer
from api_gateway.adapters.status_topic import KafkaStatusFeed
from api_gateway.domain.rule_texts import missing
from api_gateway.entrypoints.body import Budget
from api_gateway.entrypoints.http import Front, build_front
from api_gateway.entrypoints.logs import LogRoutes
from api_gateway.entrypoints.pace import Step, go_on
from api_gateway.entrypoints.pulse import Pulse
from api_gateway.entrypoints.readiness import be_ready
from api_gateway.entrypoints.shelf import Shelf
from api_gateway.entrypoints.statuses import Listener
from api_gateway.entrypoints.timer import Reconciler
from api_gateway.handlers.beating import Heartbeat
from api_gateway.handlers.collecting import Collector
from api_gateway.handlers.faring import Fares
from api_gateway.handlers.ingesting import Ingestion
from api_gateway.handlers.publishing import Publication
from api_gateway.handlers.ruling import Rules
from api_gateway.settings import Settings
from api_gateway.telemetry import SERVICE, LogEvent, Metrics, RuleMetrics
from service_runtime import templating
from service_runtime.clock import now_ms
from service_runtime.health import Health
from service_runtime.kafka import KafkaProducer, client_log_settings
from service_runtime.postgres import open_database
from service_runtime.telemetry import logger
from service_runtime.web import listen, serve

log = logger(__name__)
KAFKA_LINGER_MS: Final = 1.0
"""Records are full already; waiting longer would only delay the answer."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """What `build` has wired."""

    front: Front
    health: Health
    published: asyncio.Event
    """Set once the rules that were stored at the start are published."""
    steps: tuple[Step, ...]
    """What is done again and again meanwhile."""


def refusal_of_template(text: str, alert: Mapping[str, object]) -> str | None:
    """Return why a text is no template, or fails on an alert; None if it renders."""
    try:
        unknown = templating.unknown_names(text, alert)
        if unknown:
            return missing(unknown[0], alert)
        templating.render(text, alert)
    except templating.TemplateRefusedError as exc:
        return str(exc)
    return None


@asynccontextmanager
async def build(
    settings: Settings, registry: CollectorRegistry = REGISTRY
) -> AsyncIterator[Gateway]:
    """Wire the real thing; leave nothing unsent when it ends."""
    async with AsyncExitStack() as stack:
        metrics = Metrics(registry)
        link = await stack.enter_async_context(_kafka(settings))
        url = settings.database_url.get_secret_value()
        database = await stack.enter_async_context(open_database(url, name=SERVICE, patience=3))
        consumer = partial(
            rule_consumer, settings.kafka_bootstrap_servers, client_log_settings(SERVICE)
        )
        topic = KafkaRuleTopic(link, consumer, clock=now_ms)
        rules, publication = _rules(settings, PostgresRuleRepository(database), topic)
        reconciler = Reconciler(publication, pause=settings.reconcile_seconds)
        feed = KafkaStatusFeed(consumer, clock=now_ms)
        stack.push_async_callback(feed.close)
        fares = Fares(clock=now_ms)
        shelf = Shelf(fares, RuleMetrics(registry), limit=settings.metrics_max_rules)
        events = Heartbeat(KafkaEventLog(link), clock=now_ms)
        collector = Collector(events, linger=settings.linger_ms / 1000)
        stack.push_async_callback(collector.drain)
        logs = LogRoutes(
            ingestion=Ingestion(events, collector, clock=now_ms, share_below=settings.share_below),
            budget=Budget(settings.max_in_flight_bytes, metrics.in_flight),
            metrics=metrics,
            body_patience=settings.body_timeout,
        )
        health = Health(
            SERVICE,
            settings.config_hash(),
            checks={"kafka": link.check},
            spare={"postgres": database.check, "rules": reconciler.check},
        )
        yield Gateway(
            build_front(logs, rules, fares, health),
            health,
            reconciler.published,
            (reconciler.once, Listener(feed, fares).once, Pulse(events, health).once, shelf.once),
        )


def _rules(
    settings: Settings, repository: PostgresRuleRepository, topic: KafkaRuleTopic
) -> tuple[Rules, Publication]:
    publication = Publication(repository, topic, clock=now_ms)
    rules = Rules(
        repository,
        topic,
        publication,
        clock=now_ms,
        new_id=lambda: str(uuid.uuid4()),
        check_template=refusal_of_template,
        limit=settings.max_rules,
    )
    return rules, publication


@asynccontextmanager
async def _kafka(settings: Settings) -> AsyncIterator[KafkaLink]:
    producer = KafkaProducer(
        settings.kafka_bootstrap_servers,
        client_id=SERVICE,
        linger_ms=KAFKA_LINGER_MS,
        timeout=settings.kafka_timeout,
    )
    link = KafkaLink(producer, timeout=settings.kafka_timeout)
    try:
        yield link
    finally:
        await link.close()
        await producer.close(settings.kafka_timeout)


async def serve_gateway(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then finish what is in flight."""
    sock = listen(settings.host, settings.port)
    async with build(settings) as gateway:
        tasks = {asyncio.create_task(go_on(step)) for step in gateway.steps}
        tasks.add(asyncio.create_task(be_ready(gateway.health, gateway.published, stop)))
        host, port = sock.getsockname()[:2]
        log.info(LogEvent.STARTED, host=host, port=port)
        try:
            await serve(gateway.front, sock, stop, grace=settings.shutdown_grace / 2)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
    log.info(LogEvent.STOPPED)
