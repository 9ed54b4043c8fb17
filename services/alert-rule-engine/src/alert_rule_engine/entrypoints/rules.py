"""The rules topic: read to its end before anything else starts, then followed.

One partition, compacted, no consumer group: each process reads all of it. A change is live as
soon as its record arrives.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from alert_contracts.topics import Topic
from alert_rule_engine.domain.rules import RuleBook
from alert_rule_engine.handlers.rules import TakeRules
from alert_rule_engine.ports import Outlet
from service_runtime.consumer import Record
from service_runtime.errors import PoisonError, StartupError
from service_runtime.telemetry import logger

log = logger(__name__)
_TP: Final = TopicPartition(str(Topic.ALERT_RULES), 0)
_POLL_MS: Final = 500


class RulesFeed:
    """Reads `alert-rules`."""

    def __init__(self, consumer: AIOKafkaConsumer, handler: TakeRules) -> None:
        self._consumer = consumer
        self._handler = handler

    async def load(self) -> RuleBook:
        """Read what is there; return it compiled.

        Raises:
            StartupError: the broker does not answer, or the topic is not there.
        """
        try:
            await self._consumer.start()
            self._consumer.assign([_TP])
            await self._consumer.seek_to_beginning(_TP)
            end = (await self._consumer.end_offsets([_TP]))[_TP]
            while await self._consumer.position(_TP) < end:
                for record in await self._read():
                    self._take(record)
        except KafkaError as exc:
            message = f"the topic {Topic.ALERT_RULES} cannot be read: {exc}"
            raise StartupError(message) from exc
        return await self._compile()

    async def _compile(self) -> RuleBook:
        """Compile beside the event loop: ten thousand rules take seconds."""
        return await asyncio.to_thread(self._handler.compile)

    async def _read(self) -> list[Record]:
        fetched = await self._consumer.getmany(_TP, timeout_ms=_POLL_MS)
        return [_record(message) for message in fetched.get(_TP, [])]

    def _take(self, record: Record) -> PoisonError | bool:
        try:
            return self._handler.take(record)
        except PoisonError as exc:
            log.warning("record_poisonous", topic=record.topic, offset=record.offset)
            return exc

    async def follow(self, changed: Callable[[RuleBook], Awaitable[None]], outlet: Outlet) -> None:
        """Hand every change on, for ever."""
        while True:
            any_change = False
            for record in await self._read():
                taken = self._take(record)
                if isinstance(taken, PoisonError):
                    await outlet.dead_letter(record, stage="VALUE_CONVERTER", error=taken)
                else:
                    any_change = taken or any_change
            if any_change:
                await changed(await self._compile())

    async def close(self) -> None:
        """Disconnect."""
        await self._consumer.stop()


def _record(message: Any) -> Record:  # noqa: ANN401 - aiokafka is untyped
    headers = {name: text.decode("utf-8", "replace") for name, text in message.headers if text}
    place = (message.topic, message.partition, message.offset)
    return Record(*place, message.key, message.value, headers, message.timestamp)
