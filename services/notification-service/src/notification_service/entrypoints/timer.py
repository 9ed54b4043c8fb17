"""What happens by the clock: results are published, what is owed is counted, old rows go."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from notification_service import telemetry
from notification_service.handlers import Reporter
from notification_service.ports import Housekeeping
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)
PUBLISH_SECONDS: Final = 2.0
COUNT_SECONDS: Final = 2.0
PRUNE_SECONDS: Final = 600.0
PRUNE_ROWS: Final = 5_000


class ResultPublisher:
    """Publishes results soon after they are stored, and whatever an earlier process left."""

    def __init__(self, reporter: Reporter, *, pause: float = PUBLISH_SECONDS) -> None:
        self._reporter = reporter
        self._pause = pause
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Say that there is something to publish."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until told to stop."""
        while not stop.is_set():
            self._wake.clear()
            await self.flush()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._pause)

    async def flush(self) -> None:
        """Publish what there is; what cannot be published now stays for later."""
        try:
            while await self._reporter.publish():
                pass
        except TemporaryError as exc:
            log.warning("results_postponed", reason=str(exc))


async def keep_house(
    house: Housekeeping, stop: asyncio.Event, *, clock: Callable[[], int], retention_ms: int
) -> None:
    """Count what is owed every two seconds, and forget what is old, until told to stop."""
    prune_at = 0
    while not stop.is_set():
        try:
            pending, dead = await house.owed()
            telemetry.FAILED_PENDING.set(pending)
            telemetry.FAILED_DEAD.set(dead)
            now = clock()
            if now >= prune_at:
                await house.prune(before=now - retention_ms, limit=PRUNE_ROWS)
                prune_at = now + round(PRUNE_SECONDS * 1000)
        except TemporaryError as exc:
            log.warning("housekeeping_postponed", reason=str(exc))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), COUNT_SECONDS)
