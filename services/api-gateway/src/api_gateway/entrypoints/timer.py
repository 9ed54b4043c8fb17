"""The timer that brings rules to the topic when a change could not."""

import asyncio
from typing import Final

from api_gateway.handlers.publishing import Publication
from api_gateway.telemetry import LogEvent
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)
SOON_SECONDS: Final = 0.25
"""Between the first two looks, and twice as long each time, until one has succeeded: the gateway
waits for that."""


class Reconciler:
    """Publishes what is owed, every `pause` seconds; compares first, after each outage."""

    def __init__(self, publication: Publication, *, pause: float) -> None:
        self._publication = publication
        self._pause = pause
        self._soon = SOON_SECONDS
        self._amiss = "it has not been looked yet"
        """Why the next look has to compare; empty if it need not."""
        self.published = asyncio.Event()
        """Set once all that was stored has been published."""

    async def once(self) -> float:
        """Look once; an outage is logged, and makes the next look a comparison."""
        await self._look()
        if self.published.is_set():
            return self._pause
        soon, self._soon = self._soon, 2 * self._soon
        return min(soon, self._pause)

    async def check(self) -> None:
        """Raise TemporaryError if rules may be stored that are not published."""
        if self._amiss:
            message = f"rules may be unpublished: {self._amiss}"
            raise TemporaryError(message)

    async def _look(self) -> None:
        try:
            if self._amiss:
                differing = await self._publication.compare()
                if differing:
                    log.info(LogEvent.RULES_DIFFER, rules=differing)
            published = await self._publication.publish_owed()
        except TemporaryError as exc:
            self._amiss = str(exc)
            log.warning(LogEvent.RECONCILE_FAILED, reason=str(exc))
            return
        except Exception as exc:
            # Rules are owed to the engine whatever went wrong; the next look tries again.
            self._amiss = repr(exc)
            log.exception(LogEvent.RECONCILE_FAILED)
            return
        self._amiss = ""
        self.published.set()
        if published:
            log.info(LogEvent.RULES_PUBLISHED, rules=published)
