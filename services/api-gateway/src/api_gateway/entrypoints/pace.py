"""The one loop of all that is done again and again."""

import asyncio
from collections.abc import Awaitable, Callable

Step = Callable[[], Awaitable[float]]
"""Does something once, whatever goes wrong, and returns for how many seconds to pause then."""


async def go_on(step: Step, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Take one step after the other until cancelled."""
    while True:
        await sleep(await step())
