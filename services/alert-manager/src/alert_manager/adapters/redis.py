"""The fast path in Redis: one read and one script for a batch, however many fingerprints it has."""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from alert_manager.domain.shortcut import Matter, Seen
from service_runtime.errors import TemporaryError

_UPDATE: Final = """
local sets = tonumber(ARGV[1])
for i = 1, sets do
  redis.call('SET', KEYS[i], ARGV[2 * i], 'PX', ARGV[2 * i + 1])
end
for i = sets + 1, #KEYS do
  redis.call('DEL', KEYS[i])
end
return sets
"""
_SECONDS: Final = 0.5
"""Longer than that, and asking Postgres is faster."""
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Seen)


@asynccontextmanager
async def open_redis(url: str) -> AsyncIterator[Redis]:
    """Give a client; it connects when it is used, and again after an outage."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=8,
        timeout=_SECONDS,
        socket_timeout=_SECONDS,
        socket_connect_timeout=_SECONDS,
    )
    client = Redis.from_pool(pool)
    try:
        yield client
    finally:
        await client.aclose()


async def check(client: Redis) -> None:
    """Raise TemporaryError unless Redis answers."""
    with _translated():
        await client.ping()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as exc:
        message = f"Redis: {exc}"
        raise TemporaryError(message) from exc


def _decode(value: bytes | str) -> Seen | None:
    try:
        return _decoder.decode(value)
    except msgspec.DecodeError:
        return None  # somebody else's, or of another version: as good as forgotten


class RedisSeenCache:
    """Remembers matters for `ttl` ms after somebody was told.

    `installation` gives the identity of the database that it copies: a wiped database has another,
    and finds nothing here. It is asked for once, when it is first needed.
    """

    def __init__(
        self, client: Redis, *, installation: Callable[[], Awaitable[str]], ttl: int
    ) -> None:
        self._client = client
        self._installation = installation
        self._known = ""
        self._ttl = ttl
        self._script = client.register_script(_UPDATE)

    async def _keys(self, matters: Iterable[Matter]) -> list[str]:
        self._known = self._known or await self._installation()
        return [f"{one.tenant}:seen:{self._known}:{one.fingerprint}" for one in matters]

    async def look_up(self, matters: Sequence[Matter]) -> dict[Matter, Seen]:
        if not matters:
            return {}
        keys = await self._keys(matters)
        with _translated():
            values = await self._client.mget(keys)
        return {
            matter: seen
            for matter, value in zip(matters, values, strict=True)
            if value is not None and (seen := _decode(value)) is not None
        }

    async def update(
        self, seen: Mapping[Matter, Seen], gone: Iterable[Matter], *, now: int
    ) -> None:
        lasting = {
            matter: (one, one.notified_at + self._ttl - now)
            for matter, one in seen.items()
            if one.notified_at + self._ttl > now
        }
        keys = await self._keys((*lasting, *gone))
        if not keys:
            return
        arguments: list[bytes | int] = [len(lasting)]
        for one, left in lasting.values():
            arguments += [_encoder.encode(one), left]
        with _translated():
            await self._script(keys=keys, args=arguments)
