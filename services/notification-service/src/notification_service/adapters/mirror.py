"""Shows the circuits in Redis, for other tools to look at. Redis may be away: nobody waits."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

import redis.asyncio
from redis.exceptions import RedisError

from notification_service.domain.circuit import CircuitView
from service_runtime.telemetry import logger

log = logger(__name__)
PREFIX: Final = "tocsin:circuit:"
REFRESH_SECONDS: Final = 5.0
TTL_SECONDS: Final = 30


class RedisMirror:
    """Writes every circuit to the hash `tocsin:circuit:<destination>`, soon after it changes."""

    def __init__(self, client: redis.asyncio.Redis, views: Callable[[], list[CircuitView]]) -> None:
        self._client = client
        self._views = views
        self._changed = asyncio.Event()
        self._away = False

    def changed(self) -> None:
        """Ask for a write soon."""
        self._changed.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the hashes fresh until told to stop."""
        while not stop.is_set():
            self._changed.clear()
            try:
                await self._write()
                self._away = False
            except (RedisError, OSError, TimeoutError) as exc:
                if not self._away:
                    log.warning("circuit_mirror_away", reason=type(exc).__name__)
                self._away = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), REFRESH_SECONDS)

    async def _write(self) -> None:
        async with self._client.pipeline(transaction=False) as pipe:
            for view in self._views():
                name = PREFIX + view.name
                values: dict[Any, Any] = {
                    "state": view.state.value,
                    "failureRate": f"{view.failure_rate:.3f}",
                    "failedCalls": view.failed_calls,
                    "bufferedCalls": view.buffered_calls,
                    "notPermittedCalls": view.not_permitted_calls,
                    "openedAt": view.opened_at or "",
                }
                pipe.hset(name, mapping=values)
                pipe.expire(name, TTL_SECONDS)
            await pipe.execute()
