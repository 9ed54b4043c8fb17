"""A whole gateway over fakes, and a client that speaks to it in process."""

import uuid
from collections.abc import AsyncIterator

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from api_gateway.app import refusal_of_template
from api_gateway.entrypoints.body import Budget
from api_gateway.entrypoints.http import build_front
from api_gateway.entrypoints.logs import LogRoutes
from api_gateway.handlers.collecting import Collector
from api_gateway.handlers.faring import Fares
from api_gateway.handlers.ingesting import Ingestion
from api_gateway.handlers.publishing import Publication
from api_gateway.handlers.ruling import Rules
from api_gateway.telemetry import Metrics
from api_gateway.testing import FakeEventLog, FakeRuleRepository, FakeRuleTopic, World
from service_runtime.health import Health

NOW = 1_800_000_000_000


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Give a gateway over fakes."""
    log, repository, topic = FakeEventLog(), FakeRuleRepository(), FakeRuleTopic()
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    publication = Publication(repository, topic, clock=lambda: NOW)
    rules = Rules(
        repository,
        topic,
        publication,
        clock=lambda: NOW,
        new_id=lambda: str(uuid.uuid4()),
        check_template=refusal_of_template,
        limit=5,
    )
    collector = Collector(log, linger=0.001)
    logs = LogRoutes(
        ingestion=Ingestion(log, collector, clock=lambda: NOW, share_below=100),
        budget=Budget(40_000_000, metrics.in_flight),
        metrics=metrics,
        body_patience=0.2,
    )
    fares = Fares(clock=lambda: NOW)
    front = build_front(logs, rules, fares, Health("api-gateway", ready=True))
    transport = httpx2.ASGITransport(app=front)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield World(client, front, registry, log, repository, topic, fares)
