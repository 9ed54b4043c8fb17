"""The topic `rule-status`, read by a client that belongs to no group."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from alert_contracts.rule_status import STALE_MS, RuleStatus, decode_status
from alert_contracts.topics import Topic
from api_gateway.ports import Clock
from api_gateway.telemetry import LogEvent
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)
_BATCH: Final = 500
_WAIT: Final = 0.5
_PATIENCE: Final = 5.0


class KafkaStatusFeed:
    """See `StatusFeed`. It begins with what is not stale; what is older says nothing any more."""

    def __init__(self, consumer: Callable[[], Consumer], *, clock: Clock) -> None:
        self._make = consumer
        self._clock = clock
        self._consumer: Consumer | None = None
        self._turn = threading.Lock()
        """A client must not be closed while another thread reads with it."""

    async def told(self) -> Sequence[RuleStatus]:
        """Return what was told since the last call; nothing after a short wait without news."""
        return await asyncio.to_thread(self._next)

    async def close(self) -> None:
        """Leave the topic."""
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        with self._turn:
            self._leave()

    def _next(self) -> list[RuleStatus]:
        with self._turn:
            return self._read()

    def _read(self) -> list[RuleStatus]:
        try:
            consumer = self._consumer or self._begin()
            return list(_readable(consumer.consume(_BATCH, timeout=_WAIT)))
        except KafkaException as exc:
            self._leave()
            message = f"cannot read {Topic.RULE_STATUS}: {exc.args[0].str()}"
            raise TemporaryError(message) from exc

    def _begin(self) -> Consumer:
        consumer = self._make()
        since = TopicPartition(Topic.RULE_STATUS, 0, self._clock() - STALE_MS)
        self._consumer = consumer
        (start,) = consumer.offsets_for_times([since], timeout=_PATIENCE)
        if start.error is not None:
            raise KafkaException(start.error)
        consumer.assign([start])
        return consumer

    def _leave(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None


def _readable(messages: Sequence[Message]) -> Iterator[RuleStatus]:
    for message in messages:
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - public
            raise KafkaException(error)
        value = None if error else message.value()
        if value is None:
            continue
        try:
            yield decode_status(value)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            # It tells of a rule's health, nothing more: the next one replaces it.
            log.warning(LogEvent.STATUS_UNREADABLE, offset=message.offset(), reason=str(exc))
