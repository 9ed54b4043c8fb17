"""May it still be sent? On the fake outbox, and with two processes on Postgres."""

from collections.abc import AsyncIterator, Sequence

import pytest

from notification_service.adapters.postgres import PostgresOutbox
from notification_service.entrypoints.leases import LeaseBook
from notification_service.handlers import plan
from notification_service.ports import Job, Outbox
from notification_service.testing import FakeClock, directory, endpoint, order
from notification_service.testing.outbox import FakeOutbox
from service_runtime.postgres import open_database

LEASE, SEND = 15_000, 10_000
BOOK = directory(endpoint("slack"))


class Process:
    """One of several that share an outbox."""

    def __init__(self, outbox: Outbox, clock: FakeClock) -> None:
        self.outbox = outbox
        self.clock = clock
        self.leases = LeaseBook(
            outbox, lease=LEASE, longest_send=SEND, clock=clock, sleep=self._pause
        )
        self.pauses = 0

    async def _pause(self, seconds: float) -> None:
        self.pauses += 1
        self.clock.advance(round(seconds * 1000))
        if self.pauses == 3 and isinstance(self.outbox, FakeOutbox):
            self.outbox.away = False

    async def claim(self) -> Job:
        (job,) = await self.outbox.claim({"slack": 1}, now=self.clock.now)
        self.leases.hold(job)
        return job


async def stored(outbox: Outbox, clock: FakeClock) -> None:
    await outbox.add(plan(BOOK, order(), "slack", ("slack",)), now=clock.now)


@pytest.fixture(params=["fake", pytest.param("postgres", marks=pytest.mark.docker)])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Process, Process]]:
    clock = FakeClock()
    if request.param == "fake":
        fake = FakeOutbox({"slack/slack[0]": "slack"}, lease_ms=LEASE)
        await stored(fake, clock)
        yield Process(fake, clock), Process(fake, clock)
        return
    async with open_database(request.getfixturevalue("database_url"), name="test") as database:
        mine, yours = (
            PostgresOutbox(database, BOOK.endpoints(), owner=name, lease_ms=LEASE)
            for name in ("mine", "yours")
        )
        await stored(mine, clock)
        yield Process(mine, clock), Process(yours, clock)


async def test_a_frozen_process_does_not_send_what_another_has_taken_over(
    pair: tuple[Process, Process],
) -> None:
    frozen, other = pair
    job = await frozen.claim()
    frozen.clock.advance(LEASE)
    taken = await other.claim()
    assert await other.leases.confirm(taken)
    assert not await frozen.leases.confirm(job)
    assert not await frozen.leases.confirm(job)


async def test_a_process_that_was_frozen_goes_on_with_what_nobody_has_taken(
    pair: tuple[Process, Process],
) -> None:
    frozen, other = pair
    job = await frozen.claim()
    frozen.clock.advance(LEASE)
    assert await frozen.leases.confirm(job)
    assert await other.outbox.claim({"slack": 1}, now=other.clock.now) == []


@pytest.fixture
async def alone() -> Process:
    clock = FakeClock()
    outbox = FakeOutbox({"slack/slack[0]": "slack"}, lease_ms=LEASE)
    await stored(outbox, clock)
    return Process(outbox, clock)


def away(process: Process, *, is_away: bool = True) -> None:
    assert isinstance(process.outbox, FakeOutbox)
    process.outbox.away = is_away


async def test_a_lease_that_outlasts_the_send_is_sure_without_asking(alone: Process) -> None:
    job = await alone.claim()
    away(alone)
    alone.clock.advance(LEASE - SEND)
    assert await alone.leases.confirm(job)
    assert alone.pauses == 0


async def test_a_renewed_lease_is_sure_for_longer(alone: Process) -> None:
    job = await alone.claim()
    alone.clock.advance(LEASE - SEND)
    await alone.leases.renew()
    away(alone)
    alone.clock.advance(LEASE - SEND)
    assert await alone.leases.confirm(job)


async def test_an_unsure_lease_waits_for_the_store(alone: Process) -> None:
    job = await alone.claim()
    away(alone)
    alone.clock.advance(LEASE)
    assert await alone.leases.confirm(job)
    assert alone.pauses == 3


async def test_what_is_not_held_here_may_not_be_sent(alone: Process) -> None:
    job = await alone.claim()
    alone.leases.drop(job)
    assert not await alone.leases.confirm(job)
    await alone.leases.renew()


async def test_work_that_ends_while_its_lease_is_renewed_is_forgotten(alone: Process) -> None:
    class Ending(FakeOutbox):
        async def renew(self, jobs: Sequence[Job], *, now: int) -> set[int]:
            ending.leases.drop(jobs[0])
            return await super().renew(jobs, now=now)

    outbox = Ending({"slack/slack[0]": "slack"}, lease_ms=LEASE)
    await stored(outbox, alone.clock)
    ending = Process(outbox, alone.clock)
    job = await ending.claim()
    await ending.leases.renew()
    assert not await ending.leases.confirm(job)
