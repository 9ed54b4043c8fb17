"""Watching over a worker from outside Faust: is the loop alive, does the work go on?

Ending the process is always safe, since the state is replay-safe and a supervisor restarts it;
hanging is not.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from faust.types import TP

from alert_contracts.alerts import Alert
from alert_rule_engine.ports import AlertSink, End

LOOP_SECONDS: Final = 30.0
STALL_SECONDS: Final = 60.0
DEAF_SECONDS: Final = 20.0
CONNECT_SECONDS: Final = 2.0
BEAT_SECONDS: Final = 0.5
_TICK: Final = 0.5


class LoopWatch:
    """Ends the process when the event loop has not turned for so many seconds."""

    def __init__(
        self,
        end: Callable[[str], None],
        seconds: float = LOOP_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._end = end
        self._seconds = seconds
        self._monotonic = monotonic
        self._turned = monotonic()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="loop-watch", daemon=True).start()

    def age(self) -> float:
        """Return the seconds since the loop last turned."""
        return self._monotonic() - self._turned

    async def run(self) -> None:
        """Turn with the loop, for ever."""
        while True:
            self._turned = self._monotonic()
            await asyncio.sleep(_TICK)

    def close(self) -> None:
        """Watch no longer."""
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(_TICK):
            if self.age() > self._seconds:
                self._end(f"the event loop has not turned for {self._seconds:g} s")


class Fence:
    """Ends the process when it stood still for so long that another may have taken its place.

    Clocks go on while a process is stopped. So whoever is about to write asks first, and a beat
    asks a few times a second.
    """

    def __init__(self, end: End, seconds: float, clock: Callable[[], float]) -> None:
        """`clock`: any steady one, in seconds."""
        self._end = end
        self._seconds = seconds
        self._clock = clock
        self._beat: float | None = None

    def check(self) -> None:
        """Go on only if the last beat, if there was one, was a short time ago."""
        now = self._clock()
        stood = 0.0 if self._beat is None else now - self._beat
        if stood > self._seconds:
            self._end(f"the process stood still for {stood:.1f} s: another may hold its partitions")

    async def beat(self) -> None:
        """Take note that the process runs."""
        self.check()
        self._beat = self._clock()


class FencedAlerts:
    """An AlertSink behind a fence."""

    def __init__(self, alerts: AlertSink, fence: Fence) -> None:
        self._alerts = alerts
        self._fence = fence

    async def send(self, alert: Alert) -> Awaitable[object]:
        """Hand an alert over, unless another may do so."""
        self._fence.check()
        return await self._alerts.send(alert)


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


class DeafWatch:
    """Ends the process when its consumer hears nothing from a broker that others can reach.

    A consumer whose metadata task is lost in an outage stays so: it is out of its group, commits
    nothing, and no error ever says so.
    """

    def __init__(self, brokers: str, end: End, seconds: float = DEAF_SECONDS) -> None:
        """`brokers` are host:port, separated by commas."""
        self._address = brokers.split(",", maxsplit=1)[0].strip().rpartition(":")
        self._end = end
        self._seconds = seconds
        self._since: float | None = None

    def heard(self) -> None:
        """Take note that the broker has answered the consumer."""
        self._since = None

    async def unheard(self, *, now: float) -> None:
        """Take note, at `now` (any steady clock, seconds), that it has not."""
        if not await self._reachable():
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since > self._seconds:
            self._end(f"the broker is there, and the consumer is deaf for {self._seconds:g} s")

    async def _reachable(self) -> bool:
        host, _, port = self._address
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(host, int(port))
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True


async def was_skipped(consumer: Any, tp: TP, *, due: int, offset: int) -> bool:  # noqa: ANN401
    """Tell whether records from `due` up to `offset` exist and were not delivered.

    Faust drops what it has read when its flow is suspended, as around a rebalance, and may go on
    behind that. Offsets that retention has deleted were not skipped.
    """
    if offset <= due:
        return False
    earliest: Mapping[TP, int] = await consumer.earliest_offsets(tp)
    return offset > max(due, earliest[tp])


def close_gap(consumer: Any, tp: TP) -> None:  # noqa: ANN401 - a Faust consumer
    """Let Faust commit again past records that it has skipped although the state has them.

    It commits up to the first offset that was not acknowledged, and waits for ever for one that it
    never delivered.
    """
    acked, committed = consumer._acked.get(tp), consumer._committed_offset.get(tp)  # noqa: SLF001
    if acked and committed and min(acked) > committed:
        acked.extend(range(committed, min(acked)))


async def forever(seconds: float, step: Callable[[], Awaitable[None]]) -> None:
    """Call `step` every so many seconds."""
    while True:
        await asyncio.sleep(seconds)
        await step()
