"""The table keeps what was acknowledged, and knows how far into the changelog that reaches."""

import asyncio
from collections.abc import Awaitable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from alert_rule_engine.adapters.changelog import STORE_URL, OffsetStore
from alert_rule_engine.adapters.kafka import create_app
from alert_rule_engine.adapters.tables import Tables, TableStore
from alert_rule_engine.domain.parts import Change

CHANGELOG = "changelog"


class FakeTable:
    """As much of a Faust table as the store touches, on a changelog that may refuse."""

    def __init__(self) -> None:
        app = create_app("t", brokers="127.0.0.1:1", instance_id="t", buffered=16)
        owner: Any = SimpleNamespace(name="panes")
        self.data = OffsetStore(STORE_URL, app, owner)
        self.sent: list[tuple[int, bytes, bytes | None]] = []
        self.refuses = False

    def send_changelog(
        self, partition: int, key: bytes, value: bytes | None, **_serializers: str
    ) -> Awaitable[object]:
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if self.refuses:
            future.set_exception(OSError("refused"))
            return future
        self.sent.append((partition, key, value))
        offset = len(self.sent) - 1
        future.set_result(SimpleNamespace(topic=CHANGELOG, partition=partition, offset=offset))
        return future


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


async def test_an_app_starts_its_tables_without_a_pause() -> None:
    assert isinstance(
        create_app("t", brokers="127.0.0.1:1", instance_id="t", buffered=16).tables, Tables
    )


async def test_what_was_refused_is_not_held() -> None:
    table: Any = FakeTable()
    table.refuses = True
    store = TableStore(table)
    with pytest.raises(OSError, match="refused"):
        await store.write(2, [Change(b"2:v", b"x")])
    assert store.keep_only([2]) == {}
