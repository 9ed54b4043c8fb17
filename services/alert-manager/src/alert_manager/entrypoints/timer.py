"""Timers: publish what is owed, measure, forget what is old."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from alert_manager import handlers
from alert_manager.handlers import Desk
from alert_manager.telemetry import LogEvent
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)
OUTBOX_SECONDS: Final = 1.0
MEASURE_SECONDS: Final = 5.0
FORGET_SECONDS: Final = 600.0


async def every(
    seconds: float, name: str, act: Callable[[], Awaitable[None]], stop: asyncio.Event
) -> None:
    """Act now and every so often until `stop` is set; a temporary failure waits its turn."""
    while not stop.is_set():
        try:
            await act()
        except TemporaryError as exc:
            log.warning(LogEvent.TIMER_POSTPONED, timer=name, reason=str(exc))
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            continue


async def run_timers(desk: Desk, *, retention: timedelta, stop: asyncio.Event) -> None:
    """Run every timer until `stop` is set."""

    async def publish_owed() -> None:
        while (published := await handlers.publish_owed(desk)) and not stop.is_set():
            log.info(LogEvent.REPUBLISHED, count=published)

    async def forget() -> None:
        while (forgotten := await handlers.forget_old(desk, retention=retention)) and (
            not stop.is_set()
        ):
            log.info(LogEvent.FORGOTTEN, count=forgotten)

    async def measure() -> None:
        await handlers.measure(desk)

    await asyncio.gather(
        every(OUTBOX_SECONDS, "outbox", publish_owed, stop),
        every(MEASURE_SECONDS, "measure", measure, stop),
        every(FORGET_SECONDS, "forget", forget, stop),
    )
