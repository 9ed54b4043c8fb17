"""Watching over a worker, and Faust's events as records."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from alert_rule_engine.entrypoints.guard import DeafWatch, LoopWatch, StallWatch, forever
from alert_rule_engine.entrypoints.records import record_of
from alert_rule_engine.testing import EndedError, end


def test_work_that_goes_on_is_left_alone() -> None:
    watch = StallWatch(end, seconds=60)
    for now in range(0, 600, 10):
        watch.observe(lag=100, progress=now, now=now)


def test_nothing_to_do_is_no_stall() -> None:
    watch = StallWatch(end, seconds=60)
    for now in range(0, 600, 10):
        watch.observe(lag=0, progress=7, now=now)
    watch.observe(lag=5, progress=7, now=620)


def test_records_that_wait_while_none_is_done_end_the_process() -> None:
    watch = StallWatch(end, seconds=60)
    watch.observe(lag=5, progress=7, now=0)
    watch.observe(lag=5, progress=7, now=60)
    with pytest.raises(EndedError, match="5 records wait"):
        watch.observe(lag=5, progress=7, now=61)


async def broker() -> AsyncIterator[str]:
    """Listen as a broker does, and yield the address."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"


reachable = pytest.fixture(broker)


async def test_a_consumer_that_hears_nothing_of_a_broker_that_is_there_ends_the_process(
    reachable: str,
) -> None:
    watch = DeafWatch(f"{reachable},other:9092", end, seconds=60)
    await watch.unheard(now=0)
    await watch.unheard(now=60)
    with pytest.raises(EndedError, match="deaf"):
        await watch.unheard(now=61)


async def test_an_answer_begins_the_wait_anew(reachable: str) -> None:
    watch = DeafWatch(reachable, end, seconds=60)
    await watch.unheard(now=0)
    watch.heard()
    await watch.unheard(now=61)


async def test_a_broker_that_is_away_is_waited_for() -> None:
    watch = DeafWatch("127.0.0.1:1", end, seconds=60)
    for now in range(0, 600, 10):
        await watch.unheard(now=now)


async def test_the_loop_is_young_while_it_turns() -> None:
    watch = LoopWatch(end)
    turning = asyncio.ensure_future(watch.run())
    await asyncio.sleep(0)
    assert watch.age() < 1
    turning.cancel()


async def test_a_step_is_called_again_and_again() -> None:
    calls = []

    async def step() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise EndedError

    with pytest.raises(EndedError):
        await forever(0, step)


@pytest.mark.parametrize("headers", [{"tenant": b"acme"}, [("tenant", b"acme"), ("odd", None)]])
def test_headers_are_text_in_whatever_form_they_come(headers: object) -> None:
    message = SimpleNamespace(
        topic="log-events",
        partition=3,
        offset=9,
        key=b"k",
        value=b"v",
        headers=headers,
        timestamp=1.5,
    )
    record = record_of(SimpleNamespace(message=message))
    assert record.headers == {"tenant": "acme"}
    assert (record.partition, record.offset, record.timestamp) == (3, 9, 1_500)


def test_a_record_without_headers_has_none() -> None:
    message = SimpleNamespace(
        topic="t", partition=0, offset=0, key=None, value=None, headers=None, timestamp=0.0
    )
    assert record_of(SimpleNamespace(message=message)).headers == {}
