"""The listener: takes what workers tell, waits outages out, and never stops."""

from collections.abc import Sequence

from alert_contracts.rule_status import RuleStatus
from api_gateway.domain.rules import StoredRule
from api_gateway.entrypoints.statuses import PAUSE_SECONDS, Listener
from api_gateway.handlers.faring import Fares
from api_gateway.testing import FakeStatusFeed, plain_rule

NOW = 1_800_000_000_000
RULE = StoredRule("default", "r", 1, plain_rule(), created_at=1, updated_at=1)
TOLD = RuleStatus("default", "r", 1, "aggregate", "0", NOW, matched=7)


class World:
    """A listener, and what it leans on."""

    def __init__(self) -> None:
        self.feed = FakeStatusFeed(clock=lambda: NOW)
        self.fares = Fares(clock=lambda: NOW)
        self.listener = Listener(self.feed, self.fares)


async def test_what_workers_tell_is_known() -> None:
    world = World()
    assert world.fares.of(RULE).health == "unknown"
    world.feed.say(TOLD)
    assert await world.listener.once() == 0
    assert (world.fares.of(RULE).health, world.fares.of(RULE).events_matched) == ("ok", 7)


async def test_an_outage_is_waited_out() -> None:
    world = World()
    world.feed.away = True
    assert [await world.listener.once() for _ in range(2)] == [PAUSE_SECONDS] * 2
    world.feed.away = False
    world.feed.say(TOLD)
    assert await world.listener.once() == 0
    assert world.fares.of(RULE).health == "ok"


class BrokenFeed:
    """Fails in a way that nobody thought of."""

    async def told(self) -> Sequence[RuleStatus]:
        """Fail."""
        raise ZeroDivisionError


async def test_a_fault_of_ours_does_not_end_it() -> None:
    world = World()
    assert await Listener(BrokenFeed(), world.fares).once() == PAUSE_SECONDS
