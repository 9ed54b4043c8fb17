"""The batch loop of a Kafka consumer: parse, handle, dead-letter, commit, in that order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from prometheus_client import Counter, Gauge

from alert_contracts.topics import dead_letter_topic
from service_runtime.errors import PermanentError, PoisonError, TemporaryError
from service_runtime.kafka import Headers, client_log_settings
from service_runtime.membership import STATISTICS_SECONDS, Membership
from service_runtime.telemetry import logger

log = logger(__name__)
T = TypeVar("T")
MAX_BACKOFF_SECONDS: Final = 5.0
WAIT_SECONDS: Final = 0.2
SHORTENED_BYTES: Final = 65_536
"""What is kept of a record that is too large for its dead-letter topic."""
TRUNCATED_FROM: Final = "x-truncated-from"
"""Header: the number of bytes that such a record's value had."""

LAG = Gauge("tocsin_consumer_lag_records", "Records not yet handled", ["group", "topic"])
DEAD_LETTERS = Counter("tocsin_dead_letters_total", "Records set aside as unreadable", ["topic"])


class Record(NamedTuple):
    """One record as it was read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, str]
    timestamp: int
    """Epoch milliseconds."""


class Parsed(NamedTuple, Generic[T]):
    """A record's value, and where it came from."""

    value: T
    record: Record


class DeadLetterSink(Protocol):
    """What we use of `service_runtime.kafka.KafkaProducer`."""

    def send(
        self, topic: str, value: bytes | None, *, key: bytes | None, headers: Headers
    ) -> Awaitable[object]: ...


class ConsumerSettings(NamedTuple):
    """How one consumer reads."""

    bootstrap_servers: str
    group: str
    client_id: str
    topics: Sequence[str]
    max_batch: int = 500
    session_timeout_ms: int = 6_000


def dead_letter_headers(
    record: Record, *, service: str, stage: str, error: BaseException
) -> dict[str, str]:
    """Return the headers that Kafka Connect puts on what it sets aside, after the record's own."""
    prefix = "__connect.errors."
    return {
        **record.headers,
        prefix + "topic": record.topic,
        prefix + "partition": str(record.partition),
        prefix + "offset": str(record.offset),
        prefix + "connector.name": service,
        prefix + "task.id": "0",
        prefix + "stage": stage,
        prefix + "class.name": service,
        prefix + "exception.class.name": type(error).__name__,
        prefix + "exception.message": str(error)[:1_000],
    }


class BatchConsumer(Generic[T]):
    """Reads batches, at least once: an offset is committed after its record was handled.

    `parse` and `handle` raise PoisonError for what will never work: that record alone goes to the
    dead-letter topic, shortened if it is too large for it. `handle` raises TemporaryError for what
    may work later: the same batch is tried again, with growing pauses, for as long as it takes;
    nothing is skipped. Anything else ends the loop, and with it the process.
    """

    def __init__(
        self,
        settings: ConsumerSettings,
        *,
        service: str,
        dead_letters: DeadLetterSink,
        parse: Callable[[Record], T],
        handle: Callable[[Sequence[Parsed[T]]], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._service = service
        self._dead_letters = dead_letters
        self._parse = parse
        self._handle = handle
        self._membership = Membership()
        self._consumer = Consumer(
            {
                **client_log_settings(settings.client_id),
                "bootstrap.servers": settings.bootstrap_servers,
                "group.id": settings.group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                "session.timeout.ms": settings.session_timeout_ms,
                "heartbeat.interval.ms": settings.session_timeout_ms // 4,
                "partition.assignment.strategy": "range",
                "fetch.wait.max.ms": 100,
                "fetch.queue.backoff.ms": 10,
                "statistics.interval.ms": STATISTICS_SECONDS * 1_000,
                "stats_cb": self._membership.tell,
            }
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Read and handle until `stop` is set; then leave the group.

        Raises:
            PermanentError: Kafka will never let this consumer read again; only a new process can.
        """
        self._consumer.subscribe(list(self._settings.topics))
        try:
            while not stop.is_set():
                records = await asyncio.to_thread(self._read)
                if records and await self._process(records, stop):
                    await asyncio.to_thread(self._commit, records)
                await asyncio.to_thread(self._measure_lag)
        finally:
            await asyncio.to_thread(self._consumer.close)

    def _read(self) -> list[Record]:
        # `consume(n, t)` waits for n records or t seconds; the first one must not wait for more.
        first = self._consumer.poll(WAIT_SECONDS)
        self._membership.demand()
        if first is None:
            return []
        more = self._consumer.consume(self._settings.max_batch - 1, 0)
        return [record for message in (first, *more) if (record := self._readable(message))]

    def _readable(self, message: Message) -> Record | None:
        error = message.error()
        if error is not None:
            _demand_not_fatal(error)
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                log.warning("kafka_read_error", error=error.str())
            return None
        return to_record(message)

    async def _process(self, records: Sequence[Record], stop: asyncio.Event) -> bool:
        parsed: list[Parsed[T]] = []
        for record in records:
            try:
                parsed.append(Parsed(self._parse(record), record))
            except PoisonError as exc:
                if not await self._dead_letter(record, exc, "DECODE", stop):
                    return False
        return not parsed or await self._handle_all(parsed, stop)

    async def _handle_all(self, parsed: Sequence[Parsed[T]], stop: asyncio.Event) -> bool:
        try:
            return await self._persist(lambda: self._handle(parsed), stop)
        except PoisonError as exc:
            if len(parsed) == 1:
                return await self._dead_letter(parsed[0].record, exc, "HANDLE", stop)
        for one in parsed:
            if not await self._handle_all([one], stop):
                return False
        return True

    async def _persist(self, act: Callable[[], Awaitable[None]], stop: asyncio.Event) -> bool:
        """Act until it works; False when `stop` came first."""
        pause = 0.1
        while not stop.is_set():
            try:
                await act()
            except TemporaryError as exc:
                wait = min(max(pause, exc.retry_after or 0.0), MAX_BACKOFF_SECONDS)
                log.warning("batch_postponed", reason=str(exc), seconds=wait)
                await self._idle(wait, stop)
                pause = min(pause * 2, MAX_BACKOFF_SECONDS)
            else:
                return True
        return False

    async def _idle(self, seconds: float, stop: asyncio.Event) -> None:
        """Wait, staying a member of the group: paused partitions are polled but give nothing."""
        assignment = await asyncio.to_thread(self._consumer.assignment)
        await asyncio.to_thread(self._consumer.pause, assignment)
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            stray = await asyncio.to_thread(self._consumer.poll, 0)
            if stray is not None and self._readable(stray) is not None:
                # A rebalance brought a partition that is not paused: read this again later.
                place = TopicPartition(
                    stray.topic() or "", stray.partition() or 0, stray.offset() or 0
                )
                await asyncio.to_thread(self._consumer.seek, place)
        still = await asyncio.to_thread(self._consumer.assignment)
        await asyncio.to_thread(self._consumer.resume, still)

    async def _dead_letter(
        self, record: Record, error: PoisonError, stage: str, stop: asyncio.Event
    ) -> bool:
        return await self._persist(lambda: self._set_aside(record, error, stage), stop)

    async def _set_aside(self, record: Record, error: PoisonError, stage: str) -> None:
        log.error(
            "record_dead_lettered",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=str(error)[:500],
        )
        headers = dead_letter_headers(record, service=self._service, stage=stage, error=error)
        topic = dead_letter_topic(record.topic)
        try:
            await self._dead_letters.send(topic, record.value, key=record.key, headers=headers)
        except PermanentError:
            await self._set_aside_shortened(topic, record, headers)
        DEAD_LETTERS.labels(record.topic).inc()

    async def _set_aside_shortened(
        self, topic: str, record: Record, headers: dict[str, str]
    ) -> None:
        """Keep what fits of a record that is, with the headers we add, too large for the topic."""
        value = record.value or b""
        ours = {name: text for name, text in headers.items() if name not in record.headers}
        ours[TRUNCATED_FROM] = str(len(value))
        try:
            await self._dead_letters.send(
                topic, value[:SHORTENED_BYTES], key=(record.key or b"")[:1_000], headers=ours
            )
        except PermanentError as exc:
            # Dropping it would lose it and ending the process would not help: wait for a mend.
            message = f"the dead-letter topic {topic} refuses: {exc}"
            raise TemporaryError(message, retry_after=MAX_BACKOFF_SECONDS) from exc

    def _commit(self, records: Sequence[Record]) -> None:
        ends: dict[tuple[str, int], int] = {}
        for record in records:
            ends[record.topic, record.partition] = record.offset + 1
        offsets = [TopicPartition(topic, part, end) for (topic, part), end in ends.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as exc:
            _demand_not_fatal(exc.args[0])
            # Not committed means read again, and handlers recognise what they have seen.
            log.warning("commit_failed", error=str(exc))

    def _measure_lag(self) -> None:
        lags = dict.fromkeys(self._settings.topics, 0)
        for place in self._consumer.position(self._consumer.assignment()):
            _, high = self._consumer.get_watermark_offsets(place, cached=True)
            if high > 0 and place.offset >= 0:
                lags[place.topic] += max(0, high - place.offset)
        for topic, lag in lags.items():
            LAG.labels(self._settings.group, topic).set(lag)


def _demand_not_fatal(error: KafkaError) -> None:
    """Raise PermanentError if the client is of no use any more."""
    if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 - its public name
        message = f"Kafka: {error.str()}"
        raise PermanentError(message)


def to_record(message: Message) -> Record:
    """Return librdkafka's message as a plain value; undecodable header bytes are replaced."""
    pairs = dict(message.headers() or [])
    return Record(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        key=message.key(),
        value=message.value(),
        headers={
            name: raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw or "")
            for name, raw in pairs.items()
        },
        timestamp=message.timestamp()[1],
    )
