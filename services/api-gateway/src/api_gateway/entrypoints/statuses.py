"""The loop that listens to how rules fare."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from api_gateway.handlers.faring import Fares
from api_gateway.ports import StatusFeed
from api_gateway.telemetry import LogEvent
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)
PAUSE_SECONDS: Final = 3.0
"""Before the topic is tried again."""


class Listener:
    """Takes what the engine tells; an outage is logged once, and waited out."""

    def __init__(
        self,
        feed: StatusFeed,
        fares: Fares,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._feed = feed
        self._fares = fares
        self._sleep = sleep
        self._away = False

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self.once()

    async def once(self) -> None:
        """Take what there is, or wait a little."""
        try:
            told = await self._feed.told()
        except TemporaryError as exc:
            await self._pause(str(exc))
            return
        except Exception as exc:
            # Health is a courtesy: whatever goes wrong with it must not end the gateway.
            log.exception(LogEvent.STATUS_AWAY)
            await self._pause(str(exc))
            return
        self._away = False
        self._fares.note(told)

    async def _pause(self, reason: str) -> None:
        if not self._away:
            log.warning(LogEvent.STATUS_AWAY, reason=reason)
        self._away = True
        await self._sleep(PAUSE_SECONDS)
