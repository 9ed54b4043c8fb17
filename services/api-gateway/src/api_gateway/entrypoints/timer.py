"""The timer that brings rules to the topic when a change could not."""

import asyncio
from collections.abc import Awaitable, Callable

from api_gateway.handlers.publishing import Publication
from api_gateway.telemetry import LogEvent
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)


class Reconciler:
    """Publishes what is owed, every `pause` seconds; compares first, after each outage."""

    def __init__(
        self,
        publication: Publication,
        *,
        pause: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._publication = publication
        self._pause = pause
        self._sleep = sleep
        self._compare = True

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self.once()
            await self._sleep(self._pause)

    async def once(self) -> None:
        """Look once; an outage is logged, and makes the next look a comparison."""
        try:
            if self._compare:
                differing = await self._publication.compare()
                if differing:
                    log.info(LogEvent.RULES_DIFFER, rules=differing)
            published = await self._publication.publish_owed()
        except TemporaryError as exc:
            self._compare = True
            log.warning(LogEvent.RECONCILE_FAILED, reason=str(exc))
            return
        except Exception:
            # Rules are owed to the engine whatever went wrong; the next look tries again.
            self._compare = True
            log.exception(LogEvent.RECONCILE_FAILED)
            return
        self._compare = False
        if published:
            log.info(LogEvent.RULES_PUBLISHED, rules=published)
