"""Redis shows the circuits; without it nothing waits."""

import asyncio

import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from notification_service.adapters.mirror import PREFIX, RedisMirror
from notification_service.domain.circuit import CircuitState, CircuitView
from service_runtime.testing import Backing

VIEW = CircuitView("test-circuit", CircuitState.OPEN, 0.5, 4, 8, 2, 1_800_000_000_000)


@pytest.mark.docker
async def test_redis_shows_every_circuit_and_forgets_it_when_nobody_refreshes(
    backing: Backing,
) -> None:
    async with redis.asyncio.Redis.from_url(backing.redis_url, decode_responses=True) as client:
        mirror, stop = RedisMirror(client, lambda: [VIEW]), asyncio.Event()
        task = asyncio.create_task(mirror.run(stop))
        async with asyncio.timeout(5):
            while not await client.exists(PREFIX + VIEW.name):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        shown = await client.hgetall(PREFIX + VIEW.name)
        assert (shown["state"], shown["failureRate"]) == ("OPEN", "0.500")
        assert 0 < await client.ttl(PREFIX + VIEW.name) <= 30
        stop.set()
        mirror.changed()
        await task
        await client.delete(PREFIX + VIEW.name)


async def test_nothing_happens_while_redis_is_away() -> None:
    async with redis.asyncio.Redis.from_url(
        "redis://127.0.0.1:1/0", retry=Retry(NoBackoff(), 0), socket_connect_timeout=0.2
    ) as client:
        mirror, stop = RedisMirror(client, lambda: [VIEW]), asyncio.Event()
        task = asyncio.create_task(mirror.run(stop))
        await asyncio.sleep(0.05)
        stop.set()
        mirror.changed()
        await task
