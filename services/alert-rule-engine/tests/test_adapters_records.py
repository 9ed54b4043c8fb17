"""One suite for reading records again: the fake's, and Kafka's where it can be had."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from aiokafka import AIOKafkaProducer

from alert_contracts.topics import Topic
from alert_rule_engine.adapters.records import LogRecords, RecordCache
from alert_rule_engine.domain.evidence import Reference
from alert_rule_engine.ports import RecordReader
from alert_rule_engine.testing import FakeRecords
from service_runtime.provision import provision
from service_runtime.testing import Backing

Store = Callable[[Sequence[bytes], int], Awaitable[list[Reference]]]
NOWHERE = "127.0.0.1:1"


async def write(brokers: str, values: Sequence[bytes], partition: int) -> list[Reference]:
    """Store records in one compressed batch; return where they lie."""
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers, compression_type="lz4", linger_ms=50, max_batch_size=1_000_000
    )
    await producer.start()
    sent = [
        await producer.send(str(Topic.LOG_EVENTS), value, partition=partition) for value in values
    ]
    stored = [await each for each in sent]
    await producer.stop()
    return [(each.partition, each.offset) for each in stored]


@pytest.fixture(params=["fake", pytest.param("kafka", marks=pytest.mark.docker)])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[tuple[RecordReader, Store]]:
    if request.param == "fake":
        fake = FakeRecords()

        async def put(values: Sequence[bytes], partition: int) -> list[Reference]:
            start = len(fake.records)
            places = [(partition, start + number) for number in range(len(values))]
            fake.records.update(zip(places, values, strict=True))
            return places

        yield fake, put
        return
    backing: Backing = request.getfixturevalue("backing")
    provision(backing.kafka)

    async def store(values: Sequence[bytes], partition: int) -> list[Reference]:
        return await write(backing.kafka, values, partition)

    records = LogRecords(backing.kafka, patience=10)
    yield records, store
    await records.close()


async def test_records_are_read_by_where_they_lie(both: tuple[RecordReader, Store]) -> None:
    records, store = both
    tag = secrets.token_bytes(8)
    values = [tag + bytes([number]) * 1_000 for number in range(40)]
    places = []
    for partition in (0, 3, 7):
        places += await store(values, partition)
    wanted = places[::3]
    found = await records.read(wanted)
    assert found == {places[at]: values[at % 40] for at in range(0, 120, 3)}
    assert await records.read(wanted[:2]) == {place: found[place] for place in wanted[:2]}


async def test_what_is_not_there_is_left_out(both: tuple[RecordReader, Store]) -> None:
    records, store = both
    (place,) = await store([b"there"], 2)
    beyond = (2, place[1] + 1_000_000)
    assert await records.read([beyond, place, beyond]) == {place: b"there"}
    assert await records.read([]) == {}


async def test_a_broker_that_does_not_answer_takes_no_longer_than_agreed() -> None:
    records = LogRecords(NOWHERE, patience=0.3)
    async with asyncio.timeout(5):
        assert await records.read([(0, 0)]) == {}
    await records.close()


def test_what_was_not_used_for_longest_makes_room() -> None:
    cache = RecordCache(10)
    cache.put((0, 1), b"aaaa")
    cache.put((0, 2), b"bbbb")
    assert cache.get((0, 1)) == b"aaaa"
    cache.put((0, 3), b"cccc")
    assert cache.get((0, 2)) is None
    assert cache.get((0, 1)) == b"aaaa"
    cache.put((0, 1), b"a")
    cache.put((0, 4), b"ddddd")
    assert [cache.get((0, number)) for number in (1, 3, 4)] == [b"a", b"cccc", b"ddddd"]
    cache.put((0, 5), b"far too long")
    assert cache.get((0, 5)) is None
    assert cache.get((0, 1)) is None
