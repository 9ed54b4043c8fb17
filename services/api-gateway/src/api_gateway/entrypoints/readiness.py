"""When the gateway is ready: once its rules are published, so that no event comes before them."""

import asyncio
from contextlib import suppress
from typing import Final

from service_runtime.health import Health

PATIENCE_SECONDS: Final = 10.0
"""An outage of Kafka or Postgres delays us by no more: events are taken without the one, and
refused by us rather than by nobody without the other."""


async def be_ready(
    health: Health,
    published: asyncio.Event,
    stop: asyncio.Event,
    *,
    patience: float = PATIENCE_SECONDS,
) -> None:
    """Be ready from then on until `stop` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await published.wait()
    health.ready = not stop.is_set()
    await stop.wait()
    health.ready = False
