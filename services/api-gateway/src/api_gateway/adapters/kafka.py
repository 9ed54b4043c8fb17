"""Kafka: where events and rules are put."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from alert_contracts.events import NDJSON
from alert_contracts.topics import Header, Schema, Topic
from api_gateway.domain.records import LogRecord
from api_gateway.telemetry import LogEvent
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)
PROBE_SECONDS: Final = 0.5
RETRY_AFTER: Final = 1.0


class Producer(Protocol):
    """What we use of `service_runtime.kafka.KafkaProducer`."""

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "asyncio.Future[tuple[int, int]]": ...

    async def check(self) -> None: ...


class KafkaLink:
    """A producer that knows when Kafka is away, and then refuses at once instead of queueing.

    The first record that is not acknowledged within `timeout` seconds tells; a probe every
    `PROBE_SECONDS` finds out when a broker answers again.
    """

    def __init__(
        self,
        producer: Producer,
        *,
        timeout: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._producer = producer
        self._timeout = timeout
        self._sleep = sleep
        self._probe: asyncio.Task[None] | None = None

    @property
    def away(self) -> bool:
        """Whether Kafka is known to be away."""
        return self._probe is not None

    def demand(self) -> None:
        """Raise TemporaryError if Kafka is known to be away."""
        if self._probe is not None:
            message = "Kafka is away"
            raise TemporaryError(message, retry_after=RETRY_AFTER)

    async def send(
        self, topic: str, value: bytes | None, *, key: bytes, headers: Mapping[str, str]
    ) -> None:
        """Return once the broker has the record.

        Raises:
            TemporaryError: Kafka is away, slow, or the queue to it is full.
            PermanentError: Kafka refuses the record.
        """
        self.demand()
        sent = self._producer.send(topic, value, key=key, headers=headers)
        try:
            async with asyncio.timeout(self._timeout):
                await sent
        except (TimeoutError, TemporaryError) as exc:
            self._gone(str(exc) or "no acknowledgement in time")
            message = "Kafka did not acknowledge in time"
            raise TemporaryError(message, retry_after=RETRY_AFTER) from exc

    async def check(self) -> None:
        """Raise TemporaryError unless a broker answers."""
        await self._producer.check()

    async def close(self) -> None:
        """Stop probing."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.wait({self._probe})

    def _gone(self, reason: str) -> None:
        if self._probe is None:
            log.warning(LogEvent.KAFKA_AWAY, reason=reason)
            self._probe = asyncio.create_task(self._until_back())

    async def _until_back(self) -> None:
        while True:
            await self._sleep(PROBE_SECONDS)
            try:
                await self._producer.check()
            except TemporaryError:
                continue
            break
        self._probe = None
        log.info(LogEvent.KAFKA_BACK)


class KafkaEventLog:
    """Events, on `log-events`."""

    def __init__(self, link: KafkaLink) -> None:
        self._link = link

    async def append(self, record: LogRecord) -> None:
        """Return once the broker has the record; see `EventLog`."""
        await self._link.send(
            Topic.LOG_EVENTS,
            record.lines,
            key=record.key.encode(),
            headers={
                Header.CONTENT_TYPE: NDJSON,
                Header.SCHEMA: Schema.LOG_BATCH,
                Header.TENANT: record.tenant,
                Header.COUNT: str(record.count),
                Header.ACCEPTED_AT: str(record.accepted_at),
                Header.TRACEPARENT: record.traceparent,
            },
        )
