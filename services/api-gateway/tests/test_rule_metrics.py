"""How rules fare, as metrics: of those that were told of lately, and no more than was asked for."""

import pytest
from prometheus_client import CollectorRegistry

from alert_contracts.rule_status import STALE_MS, RuleStatus
from api_gateway.domain.rule_ranking import Shown
from api_gateway.entrypoints.shelf import PAUSE_SECONDS, Shelf
from api_gateway.handlers.faring import SLICE, Fares
from api_gateway.telemetry import RuleMetrics

NOW = 1_800_000_000_000
COUNTED = RuleStatus(
    tenant="default",
    rule_id="r",
    revision=3,
    stage="aggregate",
    share="0",
    at=NOW,
    matched=7,
    groups=2,
    state_bytes=900,
    firing=1,
    late=4,
    surplus=5,
    evaluated_at=NOW - 2_500,
)
SAMPLED = RuleStatus("default", "r", 3, "evaluate", "a", NOW, cpu_share=0.25)


class World:
    """Metrics of rules over a clock that is put forward by hand."""

    def __init__(self, *, limit: int = 10) -> None:
        self.now = NOW
        self.fares = Fares(clock=lambda: self.now)
        self.registry = CollectorRegistry()
        metrics = RuleMetrics(self.registry)
        self.shelf = Shelf(self.fares, metrics, limit=limit)

    async def tell(self, *told: RuleStatus) -> None:
        """Let workers tell, and choose what to show."""
        self.fares.note(told)
        await self.shelf.once()

    def of(self, rule_id: str, tenant: str = "default") -> dict[str, float]:
        """Return the figures of a rule, by the metric's name without its prefix."""
        labels = {"tenant": tenant, "rule_id": rule_id}
        return {
            sample.name.removeprefix("tocsin_rule_"): sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.labels == labels
        }

    def left_out(self) -> float | None:
        return self.registry.get_sample_value("tocsin_rule_metrics_left_out")


async def test_every_figure_of_a_rule_is_shown() -> None:
    world = World()
    await world.tell(COUNTED, SAMPLED)
    assert world.of("r") == {
        "healthy": 1,
        "last_evaluation_seconds": (NOW - 2_500) / 1_000,
        "events_matched_total": 7,
        "late_events_total": 4,
        "surplus_events_total": 5,
        "groups": 2,
        "firing_alerts": 1,
        "state_bytes": 900,
        "cpu_share": 0.25,
    }
    assert world.left_out() == 0


async def test_no_zero_poses_as_a_count_while_one_stage_has_not_told() -> None:
    world = World()
    await world.tell(SAMPLED)
    assert world.of("r") == {"healthy": 1}


@pytest.mark.parametrize("quarantined", [False, True])
async def test_a_rule_that_fails_is_not_healthy(quarantined: bool) -> None:  # noqa: FBT001
    world = World()
    failed = RuleStatus(
        *("default", "r", 3, "evaluate", "b", NOW),
        last_error="division by zero",
        last_error_at=NOW - 500,
        quarantined=quarantined,
    )
    await world.tell(COUNTED, SAMPLED, failed)
    assert world.of("r")["healthy"] == 0
    assert world.of("r")["last_error_seconds"] == (NOW - 500) / 1_000


async def test_health_is_that_of_the_newest_revision() -> None:
    world = World()
    old = RuleStatus("default", "r", 2, "evaluate", "b", NOW, last_error="x", last_error_at=NOW)
    await world.tell(COUNTED, SAMPLED, old)
    assert world.of("r")["healthy"] == 1


async def test_a_rule_of_which_nobody_tells_any_more_is_gone() -> None:
    world = World()
    await world.tell(COUNTED, SAMPLED)
    world.now += STALE_MS
    await world.shelf.once()
    assert world.of("r") == {}
    assert world.left_out() == 0


async def test_tenants_are_apart() -> None:
    world = World()
    other = RuleStatus("acme", "r", 9, "aggregate", "0", NOW, last_error="x", last_error_at=NOW)
    await world.tell(COUNTED, SAMPLED, other)
    assert (world.of("r")["healthy"], world.of("r", "acme")["healthy"]) == (1, 0)


async def test_no_more_rules_are_shown_than_were_asked_for() -> None:
    world = World(limit=4)
    many = [RuleStatus("default", str(n), 1, "evaluate", "a", NOW) for n in range(2 * SLICE + 1)]
    await world.tell(*many)
    assert sum(bool(world.of(each.rule_id)) for each in many) == 4
    assert world.left_out() == 2 * SLICE - 3


class BrokenFares(Fares):
    """Fails in a way that nobody thought of."""

    async def show(self, limit: int) -> Shown:
        """Fail."""
        raise ZeroDivisionError(limit)


async def test_a_fault_of_ours_shows_nothing_rather_than_what_was() -> None:
    metrics = RuleMetrics(CollectorRegistry())
    metrics.shown = Shown({}, left_out=5)
    shelf = Shelf(BrokenFares(clock=lambda: NOW), metrics, limit=1)
    assert await shelf.once() == PAUSE_SECONDS
    assert metrics.shown == Shown({})
