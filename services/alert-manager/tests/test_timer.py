"""Timers act at once, keep acting through outages, and stop when told."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from alert_manager.entrypoints.timer import every, run_timers
from alert_manager.testing import HOUR, World, an_alert
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
    world = World()
    world.publisher.away = True
    await world.take(an_alert(), an_alert(service="search"))
    await world.take(an_alert("resolved", 2))
    world.publisher.away = False
    for passed, done in (
        (10_000, lambda: not world.history.tables.owed),
        (2 * HOUR, lambda: len(world.history.tables.alerts) == 1),
    ):
        world.clock.now += passed
        stop = asyncio.Event()
        timers = run_timers(world.desk, retention=timedelta(hours=1), stop=stop)
        running = asyncio.create_task(timers)
        await eventually(done)
        stop.set()
        await running
    assert len(world.publisher.sent) == 6
