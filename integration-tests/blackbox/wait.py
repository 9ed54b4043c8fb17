"""Waiting without sleeping blindly: a question is asked again until its answer will do."""

import asyncio
import time
from collections.abc import Awaitable, Callable
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
