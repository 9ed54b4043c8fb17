"""Watches the run from outside: the engine's counter against what was accepted, and progress."""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence

from loadtest import scrape
from loadtest.sender import Tally
from loadtest.stats import percentiles, slope

COUNTED = "tocsin_engine_counted_events_total"
POLL_S = 0.2
WARM_UP_SHARE = 1 / 3
"""Of the run, after which its lag is looked at."""


def lag_ms(accepted_at: Sequence[tuple[float, int]], *, counted: int, now: float) -> float | None:
    """Return how long ago the youngest event that is counted by now had been accepted.

    None while nothing is counted, and once everything is.
    """
    at = bisect_left(accepted_at, counted, key=lambda entry: entry[1])
    if counted <= 0 or at >= len(accepted_at) - 1:
        return None
    return (now - accepted_at[at][0]) * 1000


class Watch:
    """Polls the engine while the sender works, and prints a line a second."""

    def __init__(self, engine: str, tally: Tally, *, say: Callable[[str], None]) -> None:
        self._engine = engine
        self._tally = tally
        self._say = say
        self.counted = 0
        self.last_counted: float | None = None
        self.lags_ms: list[float] = []
        self._behind: list[tuple[float, float]] = []
        self._base = 0

    async def start(self) -> None:
        """Remember where the counter stands. Raises OSError when the engine does not answer."""
        self._base = await self._read()

    async def run(self) -> None:
        """Watch until cancelled."""
        shown, began, before = 0, time.perf_counter(), 0
        while True:
            await self.poll()
            now = time.perf_counter()
            if now - began >= shown + 1:
                shown = int(now - began)
                self._say(self._line(shown, self._tally.accepted - before))
                before = self._tally.accepted
            await asyncio.sleep(POLL_S)

    async def settle(self, target: int, *, seconds: float) -> None:
        """Wait until the engine has counted `target` events, at most so long."""
        deadline = time.perf_counter() + seconds
        await self.poll()
        while self.counted < target and time.perf_counter() < deadline:
            await asyncio.sleep(POLL_S)
            await self.poll()

    async def poll(self) -> None:
        """Read the counter once; an engine that is away for the moment is no failure."""
        try:
            counted = await self._read() - self._base
        except OSError:
            return
        now = time.perf_counter()
        if counted != self.counted:
            self.counted = counted
            self._behind.append((now, self._tally.accepted - counted))
            self.last_counted = now
            lag = lag_ms(self._tally.accepted_at, counted=counted, now=now)
            if lag is not None:
                self.lags_ms.append(lag)

    def lag_growth(self) -> float | None:
        """Return by how many events a second the engine fell behind while the load went on."""
        first, last = self._tally.first_sent, self._tally.last_answer
        warm = first + (last - first) * WARM_UP_SHARE
        return slope([(at, events) for at, events in self._behind if warm <= at <= last])

    async def _read(self) -> int:
        return int(scrape.total(await scrape.metrics(self._engine), COUNTED))

    def _line(self, second: int, accepted_now: int) -> str:
        tally = self._tally
        recent = percentiles(tally.latencies_ms[-2000:])
        p99 = "-" if recent.p99 is None else f"{recent.p99:.0f} ms"
        failed = tally.rejected + sum(tally.refused.values()) + tally.unanswered
        return (
            f"{second:4d} s  sent {tally.sent:>9,}  accepted {tally.accepted:>9,}  "
            f"failed {failed:>5,}  counted {self.counted:>9,}  "
            f"now {accepted_now:>7,}/s  accept p99 {p99}"
        )
