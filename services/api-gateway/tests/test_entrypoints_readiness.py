"""When the gateway is ready."""

import asyncio

from api_gateway.entrypoints.readiness import be_ready
from service_runtime.health import Health


async def settled(health: Health) -> bool:
    """Let every task go on as far as it can; tell whether the gateway is ready."""
    for _ in range(9):
        await asyncio.sleep(0.001)
    return health.ready


async def test_it_is_ready_from_its_first_publication_until_it_stops() -> None:
    health, published, stop = Health("api-gateway"), asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(be_ready(health, published, stop))
    assert not await settled(health)
    published.set()
    assert await settled(health)
    stop.set()
    await running
    assert not health.ready


async def test_an_outage_delays_it_but_does_not_keep_it_from_being_ready() -> None:
    health, stop = Health("api-gateway"), asyncio.Event()
    running = asyncio.create_task(be_ready(health, asyncio.Event(), stop, patience=0))
    assert await settled(health)
    stop.set()
    await running
    assert not health.ready


async def test_one_that_is_told_to_stop_meanwhile_is_never_ready() -> None:
    health, published, stop = Health("api-gateway"), asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(be_ready(health, published, stop))
    await settled(health)
    stop.set()
    published.set()
    await running
    assert not health.ready
