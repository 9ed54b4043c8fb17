"""Claims what is due and has it delivered, with a bounded crowd at each destination."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from notification_service import telemetry
from notification_service.domain.circuit import Readiness
from notification_service.entrypoints.leases import STORE_PAUSE, LeaseBook
from notification_service.handlers import Notifier
from notification_service.ports import Circuits, Job, Outbox
from service_runtime import tracing
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)
POLL_SECONDS: Final = 1.0
NOWHERE: Final = ""
"""The destination of messages whose endpoint the configuration lacks."""


class Dispatcher:
    """Runs deliveries. One destination's slots are its own: a slow one delays nobody else.

    `places` maps an endpoint's name to its destination; `clock` gives epoch milliseconds.
    """

    def __init__(
        self,
        *,
        notifier: Notifier,
        outbox: Outbox,
        leases: LeaseBook,
        circuits: Circuits,
        places: Mapping[str, str],
        concurrency: int,
        lease: float,
        clock: Callable[[], int],
        reported: Callable[[], None],
        poll: float = POLL_SECONDS,
    ) -> None:
        self._notifier = notifier
        self._outbox = outbox
        self._leases = leases
        self._circuits = circuits
        self._places = dict(places)
        self._concurrency = concurrency
        self._lease = lease
        self._clock = clock
        self._reported = reported
        self._poll = poll
        self._wake = asyncio.Event()
        self._running: dict[asyncio.Task[None], Job] = {}
        self._crowd: Counter[str] = Counter()
        self._recovered: set[str] = set()
        self._settled_at = 0

    def wake(self) -> None:
        """Say that something may be due."""
        self._wake.set()

    def recovered(self, destination: str) -> None:
        """Say that a destination answers again: what it is owed is due now."""
        self._recovered.add(destination)
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Claim and deliver until told to stop."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._wake.clear()
                try:
                    await self._round()
                except TemporaryError as exc:
                    log.warning("claim_postponed", reason=str(exc))
                    # Whoever sent while the store was away marks it first when it is back.
                    self._settled_at = self._clock() + round(self._lease * 1000)
                    await self._pause(stopping, STORE_PAUSE)
                    continue
                waking = asyncio.create_task(self._wake.wait())
                await asyncio.wait(
                    {waking, stopping},
                    timeout=self._poll,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                waking.cancel()
        finally:
            stopping.cancel()

    async def _pause(self, stopping: "asyncio.Task[bool]", seconds: float) -> None:
        await asyncio.wait({stopping}, timeout=seconds)

    async def _round(self) -> None:
        for destination in list(self._recovered):
            await self._outbox.hurry(destination, now=self._clock())
            self._recovered.discard(destination)
        fresh = self._free({*self._places.values(), NOWHERE})
        if fresh:
            now = self._clock()
            self._start(
                await self._outbox.claim(
                    fresh, now=now, busy=self._at_work(), take_over=now >= self._settled_at
                )
            )
        owed = self._owed_slots()
        if owed:
            due = await self._outbox.claim_owed(owed, now=self._clock(), busy=self._at_work())
            self._start(due)

    def _at_work(self) -> list[int]:
        return [job.id for job in self._running.values()]

    def _free(self, destinations: Iterable[str]) -> dict[str, int]:
        free = {name: self._concurrency - self._crowd[name] for name in destinations}
        return {name: slots for name, slots in free.items() if slots > 0}

    def _owed_slots(self) -> dict[str, int]:
        """What is owed waits while its destination is down, and then goes one by one at first."""
        slots: dict[str, int] = {}
        for name, free in self._free({*self._places.values(), NOWHERE}).items():
            match self._circuits.readiness(name):
                case Readiness.OPEN:
                    slots[name] = free
                case Readiness.PROBE:
                    slots[name] = 1
                case Readiness.SHUT:
                    pass
        return slots

    def _start(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            destination = self._places.get(f"{job.receiver}/{job.integration}", NOWHERE)
            task = asyncio.create_task(self._deliver(job), name=f"deliver-{job.id}")
            self._running[task] = job
            self._leases.hold(job)
            self._crowd[destination] += 1
            telemetry.IN_FLIGHT.labels(destination).inc()

            def ended(done: "asyncio.Task[None]", destination: str = destination) -> None:
                self._leases.drop(self._running.pop(done))
                self._crowd[destination] -= 1
                telemetry.IN_FLIGHT.labels(destination).dec()
                self._wake.set()
                if not done.cancelled() and done.exception() is not None:
                    log.error("delivery_task_failed", exc_info=done.exception())

            task.add_done_callback(ended)

    async def _deliver(self, job: Job) -> None:
        tracing.current.set(tracing.resume(job.order.traceparent))
        await self._persist(lambda: self._notifier.follow(job))
        attempt = await self._notifier.attempt(job)
        await self._persist(lambda: self._notifier.settle(job, attempt))
        self._reported()

    async def _persist(self, store: Callable[[], Awaitable[object]]) -> None:
        """Store what happened, for as long as that takes; the lease is renewed meanwhile."""
        while True:
            try:
                await store()
            except TemporaryError as exc:
                log.warning("mark_postponed", reason=str(exc))
                await asyncio.sleep(STORE_PAUSE)
            else:
                return

    async def keep_leases(self, stop: asyncio.Event) -> None:
        """Renew the leases of what is in flight until told to stop."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._lease / 3)
            with contextlib.suppress(TemporaryError):  # the next round tries again
                await self._leases.renew()

    async def drain(self, grace: float) -> None:
        """Let what is in flight end within `grace` seconds, then give the rest back."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=grace)
        left = list(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        with contextlib.suppress(TemporaryError):  # the leases run out by themselves
            await self._outbox.release(now=self._clock())
