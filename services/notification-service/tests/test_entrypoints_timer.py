"""Results are published soon and again; what is owed is counted; old rows go."""

import asyncio

from prometheus_client import REGISTRY

from notification_service.domain.outcome import Attempt, Reason
from notification_service.entrypoints.timer import ResultPublisher, keep_house
from notification_service.handlers import Reporter, plan
from notification_service.testing import FakeClock, FakeWire, directory, endpoint, order
from notification_service.testing.outbox import FakeOutbox
from service_runtime.errors import TemporaryError
from service_runtime.testing import until

BOOK = directory(endpoint("slack"))


async def delivered_outbox() -> FakeOutbox:
    outbox = FakeOutbox({"slack/slack[0]": "slack"})
    await outbox.add(plan(BOOK, order(), "slack", ("slack",)), now=0)
    (job,) = await outbox.claim({"slack": 1}, now=0)
    await outbox.delivered(job, Attempt(Reason.OK, 1), now=0)
    return outbox


async def test_what_an_earlier_process_left_is_published_at_the_start_and_the_rest_when_woken() -> (
    None
):
    outbox, wire, stop = await delivered_outbox(), FakeWire(), asyncio.Event()
    publisher = ResultPublisher(Reporter(outbox, wire), pause=3_600)
    task = asyncio.create_task(publisher.run(stop))
    await until(lambda: len(wire.results) == 1, within=10)
    outbox.rows[1].unpublished = True
    publisher.wake()
    await until(lambda: len(wire.results) == 2, within=10)
    stop.set()
    publisher.wake()
    await task


async def test_results_wait_while_kafka_is_away() -> None:
    outbox, wire = await delivered_outbox(), FakeWire(away=True)
    publisher = ResultPublisher(Reporter(outbox, wire))
    await publisher.flush()
    assert wire.results == []
    wire.away = False
    await publisher.flush()
    assert len(wire.results) == 1


class FakeHouse:
    def __init__(self) -> None:
        self.pruned: list[int] = []
        self.failing = False

    async def owed(self) -> tuple[int, int]:
        if self.failing:
            message = "the store is away"
            raise TemporaryError(message)
        return 3, 1

    async def prune(self, *, before: int, limit: int) -> int:
        self.pruned.append(before)
        return limit


async def test_what_is_owed_is_counted_and_old_rows_go() -> None:
    house, stop, clock = FakeHouse(), asyncio.Event(), FakeClock(now=10_000)
    task = asyncio.create_task(keep_house(house, stop, clock=clock, retention_ms=4_000))
    await until(lambda: bool(house.pruned), within=10)
    stop.set()
    await task
    assert house.pruned == [6_000]
    assert REGISTRY.get_sample_value("tocsin_failed_notifications_pending") == 3
    assert REGISTRY.get_sample_value("tocsin_failed_notifications_dead") == 1


async def test_an_outage_of_the_store_does_not_end_the_housekeeping() -> None:
    house, stop = FakeHouse(), asyncio.Event()
    house.failing = True
    task = asyncio.create_task(keep_house(house, stop, clock=FakeClock(), retention_ms=1))
    await asyncio.sleep(0.01)
    assert not task.done()
    stop.set()
    await task
