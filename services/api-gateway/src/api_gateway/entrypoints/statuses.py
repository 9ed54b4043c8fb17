"""The loop that listens to how rules fare."""

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

    def __init__(self, feed: StatusFeed, fares: Fares) -> None:
        self._feed = feed
        self._fares = fares
        self._away = False

    async def once(self) -> float:
        """Take what there is; pause only if it cannot be had."""
        try:
            told = await self._feed.told()
        except TemporaryError as exc:
            return self._pause(str(exc))
        except Exception as exc:
            # Health is a courtesy: whatever goes wrong with it must not end the gateway.
            log.exception(LogEvent.STATUS_AWAY)
            return self._pause(str(exc))
        self._away = False
        self._fares.note(told)
        return 0

    def _pause(self, reason: str) -> float:
        if not self._away:
            log.warning(LogEvent.STATUS_AWAY, reason=reason)
        self._away = True
        return PAUSE_SECONDS
