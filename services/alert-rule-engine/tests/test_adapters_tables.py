"""The table keeps what was acknowledged, and knows how far into the changelog that reaches."""

import asyncio
from collections.abc import Awaitable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from faust.types import TP

from alert_rule_engine.adapters.changelog import STORE_URL, OffsetStore
from alert_rule_engine.adapters.kafka import create_app
from alert_rule_engine.adapters.tables import Tables, TableStore
from alert_rule_engine.domain.parts import Change

CHANGELOG = "changelog"


BATCH_BYTES = 1_000


class FakeProducer:
    """As much of Faust's producer, and of the one within, as the store touches."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.refuses = False

    def _ensure_producer(self) -> "FakeProducer":
        return self

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(BATCH_BYTES, 0)

    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> Awaitable[object]:
        assert batch.closed()
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if self.refuses:
            future.set_exception(OSError("refused"))
            return future
        first = SimpleNamespace(topic=topic, partition=partition, offset=sum(self.sent))
        self.sent.append(batch.record_count())
        future.set_result(first)
        return future


class FakeTable:
    """As much of a Faust table as the store touches, on a changelog that may refuse."""

    def __init__(self) -> None:
        app = create_app("t", brokers="127.0.0.1:1", instance_id="t", buffered=16)
        owner: Any = SimpleNamespace(name="panes")
        self.data = OffsetStore(STORE_URL, app, owner)
        self.producer = FakeProducer()
        self.app = SimpleNamespace(producer=self.producer)
        self.changelog_topic = SimpleNamespace(get_topic_name=lambda: CHANGELOG)


async def test_what_was_written_is_held_and_need_not_be_read_again() -> None:
    table: Any = FakeTable()
    store = TableStore(table)
    await store.write(2, [Change(b"2:v", b"x"), Change(b"2:b1", b"y")])
    await store.write(2, [Change(b"2:b1", None), Change(b"2:b9", None)])
    assert table.data.persisted_offset(TP(CHANGELOG, 2)) == 3
    assert table.data.persisted_offset(TP(CHANGELOG, 1)) is None
    assert store.keep_only([2]) == {b"2:v": b"x"}
    assert store.keep_only([1]) == {}
    assert table.data.persisted_offset(TP(CHANGELOG, 2)) is None


async def test_records_share_batches_and_one_that_is_too_long_has_its_own() -> None:
    table: Any = FakeTable()
    store = TableStore(table)
    long = b"x" * (BATCH_BYTES + 1)
    await store.write(0, [Change(b"0:b1", b"y"), Change(b"0:b2", None), Change(b"0:b3", long)])
    await store.write(0, [Change(b"0:b4", long), Change(b"0:v", b"z")])
    await store.write(0, [])
    assert table.producer.sent == [2, 1, 1, 1]
    assert table.data.persisted_offset(TP(CHANGELOG, 0)) == 4
    assert store.keep_only([0]) == {b"0:b1": b"y", b"0:b3": long, b"0:b4": long, b"0:v": b"z"}


async def test_an_app_starts_its_tables_without_a_pause() -> None:
    assert isinstance(
        create_app("t", brokers="127.0.0.1:1", instance_id="t", buffered=16).tables, Tables
    )


async def test_what_was_refused_is_not_held() -> None:
    table: Any = FakeTable()
    table.producer.refuses = True
    store = TableStore(table)
    with pytest.raises(OSError, match="refused"):
        await store.write(2, [Change(b"2:v", b"x")])
    assert store.keep_only([2]) == {}
