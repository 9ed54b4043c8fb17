"""One suite for the cache: the fake's, and Redis' where it can be had."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from alert_manager.adapters import redis
from alert_manager.adapters.redis import RedisSeenCache, open_redis
from alert_manager.domain.shortcut import Matter, Seen
from alert_manager.ports import SeenCache
from alert_manager.testing import HOUR, MINUTE, NOON, FakeSeenCache
from service_runtime.errors import TemporaryError
from service_runtime.testing import Backing


def database(identity: str) -> Callable[[], Awaitable[str]]:
    async def installation() -> str:
        return identity

    return installation


ONE, TWO = Matter("default", "f1"), Matter("default", "f2")
SEEN = Seen("x", 3, NOON)


@pytest.fixture(params=["fake", pytest.param("redis", marks=pytest.mark.docker)])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[SeenCache]:
    if request.param == "fake":
        yield FakeSeenCache(HOUR)
        return
    backing: Backing = request.getfixturevalue("backing")
    async with open_redis(backing.redis_url) as client:
        yield RedisSeenCache(client, installation=database(secrets.token_hex(4)), ttl=HOUR)


async def test_what_is_remembered_is_found_until_it_is_forgotten(cache: SeenCache) -> None:
    await cache.update({ONE: SEEN, TWO: Seen("y", 1, NOON)}, [], now=NOON)
    assert await cache.look_up([TWO, ONE]) == {ONE: SEEN, TWO: Seen("y", 1, NOON)}
    await cache.update({ONE: Seen("x", 4, NOON)}, [TWO], now=NOON)
    assert await cache.look_up([ONE, TWO]) == {ONE: Seen("x", 4, NOON)}


async def test_tenants_are_strangers(cache: SeenCache) -> None:
    await cache.update({ONE: SEEN}, [], now=NOON)
    assert await cache.look_up([Matter("acme", "f1")]) == {}


async def test_nothing_is_remembered_past_its_next_reminder(cache: SeenCache) -> None:
    await cache.update({ONE: SEEN}, [], now=NOON + HOUR)
    assert await cache.look_up([ONE]) == {}


async def test_nothing_to_ask_and_nothing_to_say(cache: SeenCache) -> None:
    await cache.update({}, [], now=NOON)
    assert await cache.look_up([]) == {}


@pytest.mark.docker
async def test_redis_forgets_when_the_next_reminder_is_due(backing: Backing) -> None:
    async with open_redis(backing.redis_url) as client:
        installation = secrets.token_hex(4)
        cache = RedisSeenCache(client, installation=database(installation), ttl=HOUR)
        await cache.update({ONE: SEEN}, [], now=NOON + HOUR - MINUTE)
        assert await cache.look_up([ONE]) == {ONE: SEEN}
        assert 0 < await client.pttl(f"default:seen:{installation}:f1") <= MINUTE
        await cache.update({ONE: SEEN}, [], now=NOON + HOUR - 100)
        async with asyncio.timeout(10):
            while await cache.look_up([ONE]):  # noqa: ASYNC110 - Redis tells nobody
                await asyncio.sleep(0.02)


@pytest.mark.docker
async def test_another_database_finds_nothing_and_neither_does_another_version(
    backing: Backing,
) -> None:
    installation = secrets.token_hex(4)
    async with open_redis(backing.redis_url) as client:
        cache = RedisSeenCache(client, installation=database(installation), ttl=HOUR)
        await cache.update({ONE: SEEN}, [], now=NOON)
        wiped = RedisSeenCache(client, installation=database("another"), ttl=HOUR)
        assert await wiped.look_up([ONE]) == {}
        await client.set(f"default:seen:{installation}:f1", b'{"v":2}', px=1000)
        assert await cache.look_up([ONE]) == {}
        await redis.check(client)


async def test_redis_away_is_a_temporary_failure() -> None:
    async with open_redis("redis://127.0.0.1:1/0") as client:
        cache = RedisSeenCache(client, installation=database("i"), ttl=HOUR)
        with pytest.raises(TemporaryError):
            await cache.look_up([ONE])
        with pytest.raises(TemporaryError):
            await cache.update({ONE: SEEN}, [], now=NOON)
        with pytest.raises(TemporaryError):
            await redis.check(client)
