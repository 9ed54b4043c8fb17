"""Who is delivered when: slots, wake-ups, recoveries, leases, and the drain."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from notification_service.domain.circuit import Readiness
from notification_service.domain.directory import Channel, Endpoint
from notification_service.domain.outcome import Attempt, Patience, Reason
from notification_service.entrypoints.dispatch import Dispatcher
from notification_service.entrypoints.leases import STORE_PAUSE, LeaseBook
from notification_service.handlers import Notifier
from notification_service.ports import Job
from notification_service.testing import (
    FakeCircuits,
    FakeClock,
    FakeCourier,
    directory,
    endpoint,
    order,
)
from notification_service.testing.outbox import FakeOutbox
from service_runtime.testing import until

BOOK = directory(endpoint("slack"), endpoint("mail", Channel.EMAIL))
PLACES = {one.name: one.destination for one in BOOK.endpoints()}
DOWN = Attempt(Reason.SERVER_ERROR, 3, "answered 503")
ARRIVED = Attempt(Reason.OK, 1)
LEASE = 0.03


@dataclass(slots=True)
class GatedCourier(FakeCourier):
    """Holds what goes to a destination whose gate is shut."""

    shut: set[str] = field(default_factory=set)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, job: Job, endpoint: Endpoint) -> Attempt:
        attempt = self._answer(endpoint, job.key)
        if endpoint.destination in self.shut:
            await self.gate.wait()
        return attempt


class House:
    """Everything about a dispatcher that never looks unless it is woken."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.courier = GatedCourier()
        self.circuits = FakeCircuits()
        self.outbox = FakeOutbox(PLACES)
        self.reported = 0
        self.notifier = Notifier(
            outbox=self.outbox,
            courier=self.courier,
            directory=BOOK,
            patience=Patience(),
            clock=self.clock,
        )
        self.dispatcher = Dispatcher(
            notifier=self.notifier,
            outbox=self.outbox,
            leases=LeaseBook(
                self.outbox, lease=self.outbox.lease_ms, longest_send=10_000, clock=self.clock
            ),
            circuits=self.circuits,
            places=PLACES,
            concurrency=2,
            lease=LEASE,
            clock=self.clock,
            reported=self._report,
            poll=3_600,
        )

    def _report(self) -> None:
        self.reported += 1

    async def accept(self, receiver: str, count: int = 1) -> None:
        new = [order(receiver, id=f"{receiver}{i}", group_key=f"g{i}") for i in range(count)]
        await self.notifier.accept(new)
        self.dispatcher.wake()

    def statuses(self) -> list[str]:
        return [row.failed or row.status for row in self.outbox.rows.values()]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(self.dispatcher.run(stop))
        await asyncio.sleep(0)
        try:
            yield
        finally:
            stop.set()
            await task


@asynccontextmanager
async def in_flight(house: House) -> AsyncIterator[None]:
    """Have a message to Slack under way, which ends when the gate opens."""
    house.courier.shut = {"slack"}
    async with house.running():
        await house.accept("slack")
        await until(lambda: house.statuses() == ["SENDING"])
        yield


async def test_what_was_stored_is_delivered_without_waiting_for_the_poll() -> None:
    house = House()
    async with house.running():
        await house.accept("slack")
        await until(lambda: house.statuses() == ["DELIVERED"])
        await until(lambda: house.reported == 1)


async def test_a_slow_destination_delays_nobody_else_and_has_a_bounded_crowd() -> None:
    house = House()
    house.courier.shut = {"slack"}
    async with house.running():
        await house.accept("slack", 5)
        await until(lambda: house.statuses().count("SENDING") == 2)
        await house.accept("mail", 3)
        await until(lambda: house.statuses()[5:] == ["DELIVERED"] * 3)
        assert house.statuses()[:5].count("SENDING") == 2
        house.courier.gate.set()
        await until(lambda: set(house.statuses()) == {"DELIVERED"})


async def test_what_is_owed_waits_while_its_destination_is_down_and_goes_when_it_is_back() -> None:
    house = House()
    house.courier.answers = {"slack/slack[0]": [DOWN]}
    async with house.running():
        await house.accept("slack", 3)
        await until(lambda: house.statuses() == ["PENDING"] * 3)
        house.circuits.states = {"slack": Readiness.SHUT}
        house.clock.advance(60_000)
        house.dispatcher.wake()
        await asyncio.sleep(0.01)
        assert house.statuses() == ["PENDING"] * 3
        house.courier.shut = {"slack"}
        house.courier.answers = {"slack/slack[0]": [ARRIVED]}
        house.circuits.states = {"slack": Readiness.PROBE}
        house.dispatcher.wake()
        await until(lambda: "RETRYING" in house.statuses())
        assert house.statuses() == ["RETRYING", "PENDING", "PENDING"]
        house.circuits.states = {"slack": Readiness.OPEN}
        for row in house.outbox.rows.values():
            row.next_at = house.clock.now + 30_000
        house.dispatcher.recovered("slack")
        house.courier.gate.set()
        await until(lambda: set(house.statuses()) == {"DELIVERED"})


async def test_a_message_to_nowhere_ends_dead_and_visible() -> None:
    house = House()
    async with house.running():
        await house.accept("nobody")
        await until(lambda: house.statuses() == ["DEAD"])


async def test_an_outage_of_the_store_loses_nothing() -> None:
    house = House()
    async with in_flight(house):
        house.outbox.away = True
        house.courier.gate.set()
        await asyncio.sleep(0.02)
        assert house.statuses() == ["SENDING"]
        house.outbox.away = False
        await until(lambda: house.statuses() == ["DELIVERED"])
    assert len(house.courier.sent) == 1


async def test_an_outage_of_the_store_longer_than_the_lease_sends_nothing_twice() -> None:
    house = House()
    stop = asyncio.Event()
    keeper = asyncio.create_task(house.dispatcher.keep_leases(stop))
    async with in_flight(house):
        house.outbox.away = True
        house.clock.advance(30_000)
        house.dispatcher.wake()
        await asyncio.sleep(0.01)
        stop.set()  # so that the claim comes before any renewal
        await keeper
        house.outbox.away = False
        await asyncio.sleep(STORE_PAUSE + 0.1)
        house.courier.gate.set()
        await until(lambda: house.statuses() == ["DELIVERED"])
    assert len(house.courier.sent) == 1


async def test_after_an_outage_the_leases_of_others_are_left_alone_until_they_had_time() -> None:
    house = House()
    await house.accept("slack")
    (theirs,) = await house.outbox.claim({"slack": 1}, now=house.clock.now)
    house.clock.advance(house.outbox.lease_ms)
    house.outbox.away = True
    async with house.running():
        await asyncio.sleep(0.01)
        house.outbox.away = False
        await house.accept("mail")  # what nobody has leased goes at once
        await until(lambda: house.statuses() == ["SENDING", "DELIVERED"])
        await house.outbox.delivered(theirs, ARRIVED, now=house.clock.now)
    assert [name for name, _ in house.courier.sent] == ["mail/email[0]"]


async def test_what_a_dead_process_left_is_taken_over_once_the_others_had_time() -> None:
    house = House()
    await house.accept("slack")
    await house.outbox.claim({"slack": 1}, now=house.clock.now)
    house.clock.advance(house.outbox.lease_ms)
    house.outbox.away = True
    async with house.running():
        await asyncio.sleep(0.01)
        house.outbox.away = False
        house.clock.advance(round(LEASE * 1000))
        house.dispatcher.wake()
        await until(lambda: house.statuses() == ["DELIVERED"])


async def test_leases_are_renewed_while_a_send_goes_on() -> None:
    house = House()
    stop = asyncio.Event()
    keeper = asyncio.create_task(house.dispatcher.keep_leases(stop))
    async with in_flight(house):
        house.clock.advance(10_000)
        row = house.outbox.rows[1]
        await until(lambda: row.lease_until == house.clock.now + house.outbox.lease_ms)
        house.courier.gate.set()
    stop.set()
    await keeper


async def test_the_drain_lets_sends_end_and_gives_the_rest_back() -> None:
    house = House()
    async with in_flight(house):
        pass
    await house.dispatcher.drain(0.01)
    assert house.statuses() == ["SENDING"]
    (job,) = await house.outbox.claim({"slack": 1}, now=house.clock.now)
    assert job.key == "slack0:slack:slack[0]"
    await house.dispatcher.drain(0.01)
