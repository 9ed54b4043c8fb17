"""The timer that lets the engine know that the gateway is there."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from api_gateway.handlers.beating import Heartbeat
from api_gateway.telemetry import LogEvent
from service_runtime.errors import TemporaryError
from service_runtime.health import Health
from service_runtime.telemetry import logger

log = logger(__name__)
PAUSE_SECONDS: Final = 0.5


class Pulse:
    """Beats while the gateway is ready."""

    def __init__(
        self,
        heartbeat: Heartbeat,
        health: Health,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._heartbeat = heartbeat
        self._health = health
        self._sleep = sleep

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self.once()
            await self._sleep(PAUSE_SECONDS)

    async def once(self) -> None:
        """Beat, unless nobody could be heard just now; that Kafka is away is logged elsewhere."""
        if not self._health.ready:
            return
        try:
            await self._heartbeat.beat()
        except TemporaryError:
            return
        except Exception:
            # Whatever goes wrong with one beat, the next may come through.
            log.exception(LogEvent.HEARTBEAT_FAILED)
