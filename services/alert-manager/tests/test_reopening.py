"""A person's resolve while the problem goes on: the same on fakes and on Postgres and Redis."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import pytest

from alert_contracts.alerts import Alert, WindowSpan
from alert_manager import handlers
from alert_manager.adapters.outbox import PostgresOutbox
from alert_manager.adapters.postgres import PostgresHistory
from alert_manager.adapters.redis import RedisSeenCache, open_redis
from alert_manager.handlers import Desk, Request
from alert_manager.testing import HOUR, MINUTE, NOON, POLICY, World, an_alert
from service_runtime.postgres import open_database
from service_runtime.testing import Backing

FIRST: Final = an_alert()
ASK: Final = Request(FIRST.id, by="ada", comment="rolled back")


@dataclass
class House(World):
    """A world, perhaps on real stores."""

    real: Desk | None = None

    @property
    def desk(self) -> Desk:
        return self.real or super().desk

    def slack(self) -> list[str]:
        return [reason for receiver, reason in self.told() if receiver == "slack"]

    async def decision(self, reason: str) -> tuple[int, str]:
        entries = await self.desk.history.timeline("default", FIRST.id, limit=99)
        decisions = [one for one in entries if one.kind == "decision"]
        return next((one.times, one.detail) for one in decisions if one.reason == reason)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.docker)])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    house = House()
    if request.param == "fake":
        yield house
        return
    backing: Backing = request.getfixturevalue("backing")
    url: str = request.getfixturevalue("database_url")
    async with open_database(url, name="test") as database, open_redis(backing.redis_url) as client:
        history = PostgresHistory(database)
        cache = RedisSeenCache(client, installation=history.installation, ttl=HOUR)
        outbox = PostgresOutbox(database)
        house.real = Desk(POLICY, history, outbox, cache, house.publisher, house.clock)
        yield house


def going_on(sequence: int, *, at: int, window_end: int | None = None) -> Alert:
    """Return an update that was decided `at`, of a window that reaches to `window_end`."""
    end = at + MINUTE if window_end is None else window_end
    span = WindowSpan(end - 5 * MINUTE, end)
    return an_alert("updated", sequence, decided_at=at, span=span)


async def test_what_goes_on_after_a_persons_resolve_is_told_again_but_never_within_the_ttl(
    house: House,
) -> None:
    await house.take(FIRST)
    house.clock.now += 10 * MINUTE
    await handlers.resolve(house.desk, ASK)
    assert house.slack() == ["first_seen", "resolved_by_person"]
    for sequence in range(2, 8):
        house.clock.now += 9 * MINUTE
        await house.take(going_on(sequence, at=house.clock.now))
    assert house.slack() == ["first_seen", "resolved_by_person"]
    assert (await house.decision("resolved_by_person"))[0] == 6
    house.clock.now += 9 * MINUTE
    await house.take(going_on(8, at=house.clock.now), going_on(9, at=house.clock.now))
    assert house.slack() == ["first_seen", "resolved_by_person", "reopened"]
    times, words = await house.decision("reopened")
    assert times == 1
    assert "resolved by ada 1 h 3 min ago, and it still fires; told pagerduty" in words
    record = await house.desk.history.find("default", FIRST.id)
    assert record is not None
    assert (record.standing.occurrence, record.standing.resolved_by) == (2, None)
    assert (record.alert.ends_at, record.resolved_reason) == (None, "")
    await house.take(an_alert("resolved", 10, reason="quiet for 5m"))
    assert house.slack()[3:] == ["resolved"]


async def test_what_was_decided_or_happened_before_the_resolve_opens_nothing(house: House) -> None:
    await house.take(FIRST)
    house.clock.now += 10 * MINUTE
    await handlers.resolve(house.desk, ASK)
    ended = house.clock.now
    house.clock.now += 2 * HOUR
    await house.take(going_on(2, at=ended - 1, window_end=ended + MINUTE))
    await house.take(going_on(3, at=ended + HOUR, window_end=ended))
    assert house.slack() == ["first_seen", "resolved_by_person"]
    record = await house.desk.history.find("default", FIRST.id)
    assert record is not None
    assert record.alert.ends_at == ended
    assert record.resolved_reason == "resolved by ada: rolled back"


async def test_two_replicas_open_it_once(house: House) -> None:
    await house.take(FIRST)
    await handlers.resolve(house.desk, ASK)
    house.clock.now = NOON + 2 * HOUR
    again = going_on(2, at=house.clock.now)
    await house.take(again)
    await house.take(again)
    await house.take(going_on(3, at=house.clock.now))
    assert house.slack().count("reopened") == 1
