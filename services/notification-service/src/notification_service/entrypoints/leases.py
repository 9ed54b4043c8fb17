"""Until when each message that was claimed here is surely ours."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from notification_service.ports import Job, Outbox
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)
STORE_PAUSE: Final = 0.5


class _Held(NamedTuple):
    job: Job
    until: int


class LeaseBook:
    """Tells right before a send whether the message may still be sent.

    A lease that outlasts the longest send is sure without asking. Otherwise the store is asked, and
    waited for while it is away: a message that somebody else may have is not sent meanwhile.
    `lease` and `longest_send` are in milliseconds, `clock` gives epoch milliseconds.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        lease: int,
        longest_send: int,
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._outbox = outbox
        self._lease = lease
        self._longest_send = longest_send
        self._clock = clock
        self._sleep = sleep
        self._held: dict[int, _Held] = {}

    def hold(self, job: Job) -> None:
        """Begin to look after a lease that was just taken."""
        self._held[job.id] = _Held(job, job.lease_until)

    def drop(self, job: Job) -> None:
        """Look after it no more."""
        self._held.pop(job.id, None)

    async def confirm(self, job: Job) -> bool:
        """Return whether the message is ours for as long as a send may take."""
        while (held := self._held.get(job.id)) is not None:
            if self._clock() + self._longest_send <= held.until:
                return True
            try:
                await self._renew([job])
            except TemporaryError as exc:
                log.warning("lease_unsure", delivery=job.id, reason=str(exc))
                await self._sleep(STORE_PAUSE)
            else:
                return job.id in self._held
        return False

    async def renew(self) -> None:
        """Prolong every lease.

        Raises:
            TemporaryError: the store is away.
        """
        if self._held:
            await self._renew([held.job for held in self._held.values()])

    async def _renew(self, jobs: Sequence[Job]) -> None:
        now = self._clock()
        ours = await self._outbox.renew(jobs, now=now)
        for job in jobs:
            if job.id not in self._held:
                continue  # its work has ended meanwhile
            if job.id in ours:
                self._held[job.id] = _Held(job, now + self._lease)
            else:
                log.warning("lease_lost", delivery=job.id)
                self.drop(job)
