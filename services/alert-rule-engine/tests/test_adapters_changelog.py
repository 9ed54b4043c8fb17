"""A store catches up with its changelog by itself, and leaves to Faust what it cannot read."""

import secrets
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faust.types import TP

from alert_rule_engine.adapters.changelog import STORE_URL, OffsetStore, catch_up
from alert_rule_engine.adapters.kafka import create_app
from service_runtime.testing import Backing

NOWHERE = "127.0.0.1:1"


def a_store() -> OffsetStore:
    app = create_app("t", brokers=NOWHERE, instance_id="t", buffered=16)
    owner: Any = SimpleNamespace(name="panes")
    return OffsetStore(STORE_URL, app, owner)


async def a_changelog(brokers: str) -> str:
    """Return the name of a new one with two partitions."""
    name = f"changelog-{secrets.token_hex(4)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1)])
    finally:
        await admin.close()
    return name


async def write(brokers: str, tp: TP, *changes: tuple[bytes, bytes | None]) -> int:
    """Store changes; return the offset of the last."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers, compression_type="lz4")
    await producer.start()
    try:
        stored = [
            await producer.send_and_wait(tp.topic, value, key=key, partition=tp.partition)
            for key, value in changes
        ]
    finally:
        await producer.stop()
    return int(stored[-1].offset)


@pytest.mark.docker
async def test_a_store_holds_what_its_partitions_hold_and_reads_on_from_there(
    backing: Backing,
) -> None:
    topic = await a_changelog(backing.kafka)
    mine, other = TP(topic, 0), TP(topic, 1)
    await write(backing.kafka, mine, (b"a", b"old"), (b"b", b"x"), (b"a", b"new"), (b"b", None))
    await write(backing.kafka, other, (b"c", b"y"))
    store = a_store()
    await catch_up(store, [mine], backing.kafka, patience=20)
    assert store.data == {b"a": b"new"}
    store.data[b"a"] = b"not read twice"
    last = await write(backing.kafka, mine, (b"b", b"back"))
    await catch_up(store, [mine], backing.kafka, patience=20)
    assert store.data == {b"a": b"not read twice", b"b": b"back"}
    assert store.persisted_offset(mine) == last


@pytest.mark.parametrize("partitions", [[], [TP("changelog", 0)]])
async def test_without_partitions_or_without_a_broker_nothing_is_read(
    partitions: list[TP],
) -> None:
    store = a_store()
    await catch_up(store, partitions, NOWHERE, patience=5)
    assert store.data == {}
    assert store.offsets == {}
