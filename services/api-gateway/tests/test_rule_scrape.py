"""Ten thousand rules hold no request up, whether told of, chosen from, scraped or forgotten."""

import asyncio
import gc
import time
from collections.abc import Coroutine, Iterator
from typing import Any, Final

import httpx2
import pytest
from prometheus_client import REGISTRY

from alert_contracts.rule_status import STALE_MS, RuleStatus
from api_gateway.domain.rule_health import AT_ONCE
from api_gateway.entrypoints.shelf import Shelf
from api_gateway.handlers.faring import Fares
from api_gateway.telemetry import RuleMetrics
from service_runtime.health import Health
from service_runtime.web import create_app

NOW = 1_800_000_000_000
RULES, TOLD_AT_ONCE, SHOWN = 10_000, 500, 1_000
LONGEST: Final = 0.05
"""Seconds of a processor; 5 milliseconds are usual, and twice that where branches are counted."""
OPEN = {"accept": "application/openmetrics-text; version=1.0.0"}


@pytest.fixture
def metrics() -> Iterator[RuleMetrics]:
    """Give metrics that `/metrics` shows."""
    made = RuleMetrics(REGISTRY)
    yield made
    REGISTRY.unregister(made)


class World:
    """A gateway's application, and what it knows of rules."""

    def __init__(self, metrics: RuleMetrics) -> None:
        self.now = NOW
        self.fares = Fares(clock=lambda: self.now)
        self.shelf = Shelf(self.fares, metrics, limit=SHOWN)
        self.metrics = metrics
        app = create_app("A gateway", "Of a test", Health("api-gateway"))
        transport = httpx2.ASGITransport(app=app)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://gateway")

    async def tell(self) -> None:
        """Let the engine tell of all rules."""
        for first in range(0, RULES, TOLD_AT_ONCE // 5):
            some = range(first, first + TOLD_AT_ONCE // 5)
            self.fares.note([share for number in some for share in shares_of(f"rule-{number:05}")])
            await asyncio.sleep(0)

    async def scrape(self) -> None:
        """Ask for the metrics in both of their formats."""
        for accept in ({}, OPEN):
            answer = await self.client.get("/metrics", headers=accept)
            assert answer.text.count("tocsin_rule_healthy{") == SHOWN
            assert f"tocsin_rule_metrics_left_out {RULES - SHOWN}" in answer.text

    async def forget(self) -> None:
        """Let the engine be silent until all is stale, and the gateway see it."""
        self.now += STALE_MS
        for _ in range(5 * RULES // AT_ONCE + 1):
            self.fares.note([])
            await asyncio.sleep(0)


def shares_of(rule: str) -> Iterator[RuleStatus]:
    """Yield what four state partitions and a worker of stage one tell of a rule."""
    for partition in "0123":
        yield RuleStatus("default", rule, 1, "aggregate", partition, NOW, matched=7, groups=3)
    yield RuleStatus("default", rule, 1, "evaluate", "w", NOW, cpu_share=0.0001)


async def longest_turn(work: Coroutine[Any, Any, object]) -> float:
    """Return for how many seconds of this thread others waited at most."""
    longest, running = 0.0, asyncio.ensure_future(work)
    while not running.done():
        began = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - began)
    await running
    return longest


async def test_others_have_their_turn_whatever_is_done_with_ten_thousand_rules(
    metrics: RuleMetrics,
) -> None:
    world = World(metrics)
    gc.disable()  # it would look at all that the other tests have left
    try:
        assert await longest_turn(world.tell()) < LONGEST
        assert await longest_turn(world.shelf.once()) < LONGEST
        assert await longest_turn(world.scrape()) < LONGEST
        assert await longest_turn(world.forget()) < LONGEST
    finally:
        gc.enable()
        await world.client.aclose()
