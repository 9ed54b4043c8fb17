"""Waiting without sleeping blindly: a question is asked again until its answer will do."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import aiohttp

T = TypeVar("T")
PATIENCE_S = 60.0
POLL_S = 0.1


async def eventually(
    ask: Callable[[], Awaitable[T]],
    will_do: Callable[[T], bool] = bool,
    *,
    what: str,
    within: float = PATIENCE_S,
) -> T:
    """Ask until the answer will do, and return it.

    A connection that fails counts as no answer. Raises AssertionError after `within` seconds,
    with the last answer.
    """
    deadline = time.monotonic() + within
    last: object = "no answer"
    while True:
        try:
            answer = await ask()
            if will_do(answer):
                return answer
            last = answer
        except (OSError, aiohttp.ClientError) as exc:  # Docker's proxy accepts, then hangs up
            last = exc
        if time.monotonic() >= deadline:
            message = f"after {within:g} s still not: {what}; last seen: {last!r:.2000}"
            raise AssertionError(message)
        await asyncio.sleep(POLL_S)


@asynccontextmanager
async def meanwhile(step: Callable[[], Awaitable[object]], *, pause: float) -> AsyncIterator[None]:
    """Do something again and again, so many seconds apart, as long as the context lasts."""

    async def go_on() -> None:
        while True:
            await step()
            await asyncio.sleep(pause)

    going_on = asyncio.create_task(go_on())
    try:
        yield
    finally:
        going_on.cancel()
        with suppress(asyncio.CancelledError):
            await going_on
