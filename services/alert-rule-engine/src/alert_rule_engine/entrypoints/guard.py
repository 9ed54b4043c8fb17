"""Watching over a worker from outside Faust: is the loop alive, does the work go on?

Ending the process is always safe, since the state is replay-safe and a supervisor restarts it;
hanging is not.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Final

from alert_rule_engine.ports import End

LOOP_SECONDS: Final = 30.0
STALL_SECONDS: Final = 60.0
_TICK: Final = 0.5


class LoopWatch:
    """Ends the process when the event loop has not turned for `LOOP_SECONDS`."""

    def __init__(self, end: End) -> None:
        self._end = end
        self._turned = time.monotonic()
        threading.Thread(target=self._watch, name="loop-watch", daemon=True).start()

    def age(self) -> float:
        """Return the seconds since the loop last turned."""
        return time.monotonic() - self._turned

    async def run(self) -> None:
        """Turn with the loop, for ever."""
        while True:
            self._turned = time.monotonic()
            await asyncio.sleep(_TICK)

    def _watch(self) -> None:
        while True:
            time.sleep(_TICK)
            if self.age() > LOOP_SECONDS:
                self._end(f"the event loop has not turned for {LOOP_SECONDS:g} s")


class StallWatch:
    """Ends the process when there is work, the broker answers, and nothing gets done."""

    def __init__(self, end: End, seconds: float = STALL_SECONDS) -> None:
        self._end = end
        self._seconds = seconds
        self._progress = -1
        self._since = 0.0

    def observe(self, *, lag: int, progress: int, now: float) -> None:
        """Take note, at `now` (any steady clock, seconds), of the lag and the records done."""
        if lag <= 0 or progress != self._progress:
            self._progress = progress
            self._since = now
        elif now - self._since > self._seconds:
            self._end(f"{lag} records wait and none was done for {self._seconds:g} s")


async def forever(seconds: float, step: Callable[[], Awaitable[None]]) -> None:
    """Call `step` every so many seconds."""
    while True:
        await asyncio.sleep(seconds)
        await step()
