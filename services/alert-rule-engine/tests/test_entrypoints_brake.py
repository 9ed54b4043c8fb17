"""Records are applied beside a flush, but not for long."""

import asyncio

import pytest

from alert_rule_engine.entrypoints.brake import PATIENCE, Brake


class Scene:
    """A flush that lasts until it is told to end."""

    def __init__(self) -> None:
        self.now = 100.0
        self.brake = Brake(lambda: self.now)
        self.end = asyncio.Event()
        self.fails = False

    async def flush(self) -> None:
        async with self.brake.flush():
            await self.end.wait()
            if self.fails:
                message = "the broker is away"
                raise OSError(message)

    async def applied(self) -> bool:
        """Tell whether a record would be applied now."""
        try:
            async with asyncio.timeout(0):
                await self.brake.give_way()
        except TimeoutError:
            return False
        return True


async def test_records_are_applied_beside_a_flush_until_it_takes_long() -> None:
    scene = Scene()
    assert await scene.applied()
    flush = asyncio.ensure_future(scene.flush())
    await asyncio.sleep(0)
    assert await scene.applied()
    scene.now += PATIENCE
    assert not await scene.applied()
    waiting = asyncio.ensure_future(scene.brake.give_way())
    scene.end.set()
    async with asyncio.timeout(5):
        await asyncio.gather(flush, waiting)
    assert await scene.applied()


async def test_a_flush_that_failed_holds_nothing_up() -> None:
    scene = Scene()
    scene.fails = True
    scene.end.set()
    with pytest.raises(OSError, match="away"):
        await scene.flush()
    scene.now += PATIENCE
    assert await scene.applied()
