"""How Faust's consumer fetches records and hands them on to its stream.

For each record Faust makes four tasks and cancels three of them, to be able to let go of one for
which there is no room. A record for which there is room needs none, and that is nearly each.
"""

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from mode.services import Service, WaitResults

FULL_SECONDS: Final = 0.01
FETCH_MS: Final = 100
"""How long the broker holds a fetch for which there is nothing.

It answers one request of a connection after the other, so whoever asks how long the log is waits
behind the fetch. With Faust's 1 500 ms event time would lag while nothing comes, and the more so
the more questions there are.
"""


class Eager(Service):
    """A service that waits only where there is something to wait for."""

    async def wait_first(
        self,
        *waits: Any,  # noqa: ANN401 - whatever can be awaited
        timeout: Any = None,  # noqa: ANN401, ASYNC109 - Faust's signature
    ) -> WaitResults:
        """Run the first coroutine; only if it waits for something, wait as Faust does."""
        first, *others = waits
        found: WaitResults
        if not isinstance(first, Coroutine):  # an event, in a rebalance
            found = await super().wait_first(*waits, timeout=timeout)
            return found
        try:
            waited_for = first.send(None)
        except StopIteration as done:
            for other in others:
                other.close()
            return WaitResults([first], [done.value], stopped=False)

        async def go_on() -> Any:  # noqa: ANN401 - whatever the first returns
            return await _go_on(first, waited_for)

        found = await super().wait_first(go_on(), *others, timeout=timeout)
        return found

    async def sleep(self, n: Any) -> None:  # noqa: ANN401 - Faust's signature
        """Wait for so many seconds; for none, which Faust does at each turn, without a task."""
        if n:
            await super().sleep(n)
        else:
            await asyncio.sleep(0)


class _Thread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MS  # noqa: SLF001 - Faust has no setting
        return consumer


class EagerConsumer(Eager, Consumer):
    """Faust's consumer, which hands a record on at once if it can."""

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Read on from what is committed, and hand on nothing before.

        After a rebalance Faust lets partitions flow, seeks, and then empties the queues of its
        streams. What it read in between would be lost, since it goes on behind that.
        """
        self.stop_flow()
        await super().perform_seek()

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ANN401, ASYNC109 - likewise
        """Look again soon while all that was read has still to be worked off.

        Faust waits for a second: what it holds by then may be worked off long before.
        """
        if self.flow_active and not self._get_active_partitions():
            await asyncio.sleep(FULL_SECONDS)
            return {}, set()
        return await super()._wait_next_records(timeout)


@coroutine
def _go_on(begun: Coroutine[Any, Any, Any], waited_for: object) -> Generator[Any, Any, Any]:
    """Go on with a coroutine that waits for something."""
    try:
        while True:
            try:
                value = yield waited_for
            except BaseException as exc:  # noqa: BLE001 - it is the coroutine's to handle
                waited_for = begun.throw(exc)
            else:
                waited_for = begun.send(value)
    except StopIteration as done:
        return done.value
