"""A record is handed on at once, or waited for as Faust does."""

import asyncio

from faust.types import TP
from mode.utils.locks import Event

from alert_rule_engine.adapters.handover import Eager, EagerConsumer


class AService(Eager):
    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())


async def test_what_need_not_wait_is_done_without_a_task() -> None:
    consumer = AService()

    async def hand_on() -> str:
        assert len(asyncio.all_tasks()) == before
        return "done"

    before = len(asyncio.all_tasks())
    found = await consumer.wait_first(hand_on(), asyncio.Event().wait())
    assert found.results == ["done"]


async def test_what_waits_is_waited_for() -> None:
    consumer = AService()
    room = asyncio.Event()

    async def hand_on() -> str:
        await room.wait()
        await asyncio.sleep(0)
        return "done"

    asyncio.get_running_loop().call_soon(room.set)
    found = await consumer.wait_first(hand_on(), asyncio.Event().wait())
    assert found.results == ["done"]


async def test_an_event_is_waited_for() -> None:
    resumed = Event()
    asyncio.get_running_loop().call_soon(resumed.set)
    async with asyncio.timeout(10):
        await AService().wait(resumed)


async def test_what_waits_is_let_go_when_the_flow_is_suspended() -> None:
    consumer = AService()
    suspended, let_go = asyncio.Event(), asyncio.Event()

    async def hand_on() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            let_go.set()

    asyncio.get_running_loop().call_soon(suspended.set)
    await consumer.wait_first(hand_on(), suspended.wait())
    async with asyncio.timeout(10):
        await let_go.wait()


async def test_a_turn_of_the_loop_takes_no_task() -> None:
    consumer = AService()
    before = len(asyncio.all_tasks())
    turned: list[int] = []
    asyncio.get_running_loop().call_soon(lambda: turned.append(len(asyncio.all_tasks())))
    await consumer.sleep(0)
    assert turned == [before]
    await consumer.sleep(0.001)


class ASeekingConsumer(EagerConsumer):
    """As much of a consumer as seeking touches."""

    def __init__(self) -> None:
        self._read_offset = {}
        self._committed_offset = {}
        self.did: list[str] = []

    def stop_flow(self) -> None:
        self.did.append("stop")

    async def seek_to_committed(self) -> dict[TP, int]:
        self.did.append("seek")
        return {TP("t", 0): 7}


async def test_nothing_is_handed_on_while_a_consumer_seeks() -> None:
    consumer = ASeekingConsumer()
    await consumer.perform_seek()
    assert consumer.did == ["stop", "seek"]
