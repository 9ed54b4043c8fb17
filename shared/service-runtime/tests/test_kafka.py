"""The producer and the batch consumer on a real broker: nothing lost, poison set aside."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from alert_contracts.topics import MAX_RECORD_BYTES, TOPICS, dead_letter_topic
from service_runtime.consumer import BatchConsumer, ConsumerSettings, Parsed, Record
from service_runtime.errors import PermanentError, PoisonError, TemporaryError
from service_runtime.kafka import Headers, KafkaProducer
from service_runtime.provision import provision
from service_runtime.testing import Backing

pytestmark = pytest.mark.docker
Handler = Callable[[Sequence[Parsed[str]]], None]


@pytest.fixture
def topic(backing: Backing) -> str:
    name = f"test-{secrets.token_hex(4)}"
    admin = AdminClient({"bootstrap.servers": backing.kafka})
    new = [NewTopic(name, 2, 1), NewTopic(dead_letter_topic(name), 1, 1)]
    for future in admin.create_topics(new).values():
        future.result()
    return name


@asynccontextmanager
async def producer_of(backing: Backing) -> AsyncIterator[KafkaProducer]:
    producer = KafkaProducer(backing.kafka, client_id="test")
    try:
        yield producer
    finally:
        await producer.close(5)


def parse(record: Record) -> str:
    text = (record.value or b"").decode()
    if text == "garbage":
        message = "no text of ours"
        raise PoisonError(message)
    return text


async def consume(
    backing: Backing, producer: KafkaProducer, topic: str, handle: Handler, until: asyncio.Event
) -> None:
    async def handler(batch: Sequence[Parsed[str]]) -> None:
        handle(batch)

    consumer = BatchConsumer[str](
        ConsumerSettings(backing.kafka, f"group-{topic}", "test", [topic]),
        service="test",
        dead_letters=producer,
        parse=parse,
        handle=handler,
    )
    async with asyncio.timeout(30):
        await consumer.run(until)


async def test_records_are_handled_once_over_two_runs_of_a_group(
    backing: Backing, topic: str
) -> None:
    seen: list[str] = []
    async with producer_of(backing) as producer:
        for wave in ("a", "b"):
            done = asyncio.Event()

            def handle(batch: Sequence[Parsed[str]], done: asyncio.Event = done) -> None:
                seen.extend(one.value for one in batch)
                if len(seen) % 50 == 0:
                    done.set()

            sent = [producer.send(topic, f"{wave}{n}".encode(), key=b"k") for n in range(50)]
            assert len({await one for one in sent}) == 50
            await consume(backing, producer, topic, handle, done)
    assert seen == [f"{wave}{n}" for wave in ("a", "b") for n in range(50)]


async def test_a_temporary_failure_is_tried_again_and_nothing_is_skipped(
    backing: Backing, topic: str
) -> None:
    failures = 3
    seen: list[str] = []
    done = asyncio.Event()

    def handle(batch: Sequence[Parsed[str]]) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            message = "the database is away"
            raise TemporaryError(message)
        seen.extend(one.value for one in batch)
        if len(seen) == 10:
            done.set()

    async with producer_of(backing) as producer:
        for number in range(10):
            await producer.send(topic, str(number).encode(), key=b"same")
        await consume(backing, producer, topic, handle, done)
    assert seen == [str(number) for number in range(10)]


async def test_poison_goes_to_the_dead_letter_topic_with_connects_headers_and_neighbours_stay(
    backing: Backing, topic: str
) -> None:
    seen: list[str] = []
    done = asyncio.Event()

    def handle(batch: Sequence[Parsed[str]]) -> None:
        if any(one.value == "bad" for one in batch):
            message = "cannot be handled"
            raise PoisonError(message)
        seen.extend(one.value for one in batch)
        if "last" in seen:
            done.set()

    letters: list[Record] = []
    read = asyncio.Event()

    async def collect(batch: Sequence[Parsed[Record]]) -> None:
        letters.extend(one.value for one in batch)
        if len(letters) == 2:
            read.set()

    async with producer_of(backing) as producer:
        for text in ("first", "garbage", "bad", "last"):
            await producer.send(topic, text.encode(), key=b"same", headers={"tenant": "t"})
        await consume(backing, producer, topic, handle, done)
        dead = BatchConsumer[Record](
            ConsumerSettings(backing.kafka, f"dlq-{topic}", "test", [dead_letter_topic(topic)]),
            service="test",
            dead_letters=producer,
            parse=lambda record: record,
            handle=collect,
        )
        async with asyncio.timeout(30):
            await dead.run(read)
    assert seen == ["first", "last"]
    by_value = {letter.value: letter.headers for letter in letters}
    assert by_value[b"garbage"]["__connect.errors.stage"] == "DECODE"
    assert by_value[b"garbage"]["__connect.errors.offset"] == "1"
    assert by_value[b"bad"]["__connect.errors.stage"] == "HANDLE"
    assert by_value[b"bad"]["__connect.errors.exception.message"] == "cannot be handled"
    assert by_value[b"bad"]["tenant"] == "t"


async def test_a_record_that_is_too_large_will_never_be_sent() -> None:
    producer = KafkaProducer("127.0.0.1:1", client_id="test")
    try:
        with pytest.raises(PermanentError, match="too large"):
            await asyncio.wait_for(producer.send("any", bytes(MAX_RECORD_BYTES)), 5)
    finally:
        await producer.close(0.1)


class PickySink:
    """A dead-letter topic: takes nothing over `limit` bytes, and `outages` times nothing at all."""

    def __init__(self, limit: int, outages: int = 0) -> None:
        self.limit = limit
        self.outages = outages
        self.taken: list[tuple[bytes, bytes | None, Headers]] = []
        self.full = asyncio.Event()

    async def send(
        self, topic: str, value: bytes | None, *, key: bytes | None, headers: Headers
    ) -> None:
        size = len(value or b"") + len(key or b"") + sum(map(len, headers.values()))
        if size > self.limit or self.outages:
            self.outages -= bool(self.outages)
            message = f"{topic} does not take it"
            raise PermanentError(message)
        self.taken.append((value or b"", key, headers))
        self.full.set()


async def poisoned(backing: Backing, topic: str, sink: PickySink, headers: Headers) -> None:
    """Have a consumer read one long record that it cannot parse, and set it aside into the sink."""
    stop = asyncio.Event()

    def refuse(record: Record) -> str:
        message = f"cannot read offset {record.offset}"
        raise PoisonError(message)

    async def handle(_batch: Sequence[Parsed[str]]) -> None: ...

    async with producer_of(backing) as producer, asyncio.timeout(30), asyncio.TaskGroup() as group:
        await producer.send(topic, b"x" * 200_000, key=b"k" * 2_000, headers=headers)
        consumer = BatchConsumer[str](
            ConsumerSettings(backing.kafka, f"g-{topic}", "test", [topic]),
            service="test",
            dead_letters=sink,
            parse=refuse,
            handle=handle,
        )
        group.create_task(consumer.run(stop))
        await sink.full.wait()
        stop.set()


async def test_a_record_too_large_for_the_dead_letter_topic_is_set_aside_shortened(
    backing: Backing, topic: str
) -> None:
    sink = PickySink(limit=100_000)
    await poisoned(backing, topic, sink, {"theirs": "t" * 90_000})
    ((value, key, headers),) = sink.taken
    assert (len(value), len(key or b"")) == (65_536, 1_000)
    assert headers["x-truncated-from"] == "200000"
    assert headers["__connect.errors.exception.message"] == "cannot read offset 0"
    assert "theirs" not in headers


async def test_a_dead_letter_topic_that_refuses_everything_is_waited_for(
    backing: Backing, topic: str
) -> None:
    sink = PickySink(limit=1_000_000, outages=2)
    await poisoned(backing, topic, sink, {})
    assert [len(value) for value, _, _ in sink.taken] == [200_000]


async def test_an_unreachable_broker_is_a_temporary_failure_within_the_bound() -> None:
    producer = KafkaProducer("127.0.0.1:1", client_id="test", timeout=1.0)
    try:
        with pytest.raises(TemporaryError):
            await asyncio.wait_for(producer.send("any", b"x"), 5)
        with pytest.raises(TemporaryError):
            await producer.check()
    finally:
        await producer.close(0.1)


def test_provisioning_creates_every_topic_once(backing: Backing) -> None:
    provision(backing.kafka)
    assert provision(backing.kafka) == []
    admin = AdminClient({"bootstrap.servers": backing.kafka})
    listing = admin.list_topics(timeout=5).topics
    assert {spec.name: len(listing[spec.name].partitions) for spec in TOPICS} == {
        spec.name: spec.partitions for spec in TOPICS
    }
