"""Timers act at once, keep acting through outages, and stop when told."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from alert_manager import handlers
from alert_manager.entrypoints.timer import every, run_timers
from alert_manager.handlers import Desk
from alert_manager.testing import (
    HOUR,
    POLICY,
    FakeClock,
    FakeHistory,
    FakeOutbox,
    FakePublisher,
    FakeSeenCache,
    an_alert,
)
from service_runtime.errors import TemporaryError


async def test_a_timer_outlives_a_temporary_failure() -> None:
    stop = asyncio.Event()
    acts = 0

    async def act() -> None:
        nonlocal acts
        acts += 1
        if acts == 3:
            stop.set()
        message = "Postgres: away"
        raise TemporaryError(message)

    await asyncio.wait_for(every(0.001, "test", act, stop), 5)
    assert acts == 3


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(5_000):
        if condition():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it did not happen within 5 s")


async def test_what_was_owed_before_the_start_is_published_and_what_is_old_forgotten() -> None:
    history, publisher, clock = FakeHistory(), FakePublisher(), FakeClock()
    seen = FakeSeenCache(HOUR)
    desk = Desk(POLICY, history, FakeOutbox(history), seen, publisher, clock)
    publisher.away = True
    await handlers.take_in(desk, [an_alert(), an_alert(service="search")])
    await handlers.take_in(desk, [an_alert("resolved", 2)])
    publisher.away = False
    clock.now += 10_000
    stop = asyncio.Event()
    running = asyncio.create_task(run_timers(desk, retention=timedelta(hours=1), stop=stop))
    await eventually(lambda: not history.tables.owed)
    stop.set()
    await running
    assert len(publisher.sent) == 6
    clock.now += 2 * HOUR
    stop = asyncio.Event()
    running = asyncio.create_task(run_timers(desk, retention=timedelta(hours=1), stop=stop))
    await eventually(lambda: len(history.tables.alerts) == 1)
    stop.set()
    await running
