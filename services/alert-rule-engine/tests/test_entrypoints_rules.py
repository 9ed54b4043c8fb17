"""Rules are compiled beside the event loop: none is lost meanwhile, and no failure is hidden."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from msgspec.structs import replace

from alert_contracts.rules import Rule, encode_rule, rule_key
from alert_contracts.topics import Topic
from alert_rule_engine.domain.rules import RuleBook
from alert_rule_engine.entrypoints.rules import RulesFeed
from alert_rule_engine.handlers.rules import TakeRules
from alert_rule_engine.testing import FakeOutlet, a_rule
from service_runtime.errors import StartupError

PATIENCE = 10.0


class FakeConsumer:
    """The rules topic; what is put into it comes with the next fetch, or the one that waits."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self.read = 0
        self.running = self.away = False
        self._more = asyncio.Event()

    def put(self, *values: bytes | None) -> None:
        for value in values:
            self.records.append(
                SimpleNamespace(
                    topic=str(Topic.ALERT_RULES),
                    partition=0,
                    offset=len(self.records),
                    key=rule_key(tenant="default", rule_id="r1"),
                    value=value,
                    headers=(),
                    timestamp=0,
                )
            )
        self._more.set()

    async def start(self) -> None:
        if self.away:
            raise KafkaConnectionError
        self.running = True

    async def stop(self) -> None:
        self.running = False

    def assign(self, _partitions: Iterable[TopicPartition]) -> None:
        """Take them as given."""

    async def seek_to_beginning(self, _partition: TopicPartition) -> None:
        self.read = 0

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, len(self.records))

    async def position(self, _partition: TopicPartition) -> int:
        return self.read

    async def getmany(
        self, partition: TopicPartition, **_timeout: int
    ) -> dict[TopicPartition, list[Any]]:
        await self._more.wait()
        self._more.clear()
        found, self.read = self.records[self.read :], len(self.records)
        return {partition: found}


class HeldRules(TakeRules):
    """Compiles when it is let; tells of each time that it begins."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Semaphore(0)
        self.may = threading.Semaphore(0)
        self.fault: Exception | None = None

    def compile(self) -> RuleBook:
        self.begun.release()
        assert self.may.acquire(timeout=PATIENCE)
        if self.fault is not None:
            raise self.fault
        return super().compile()


class Following:
    """A feed that is followed, and the books that it hands on."""

    def __init__(self, consumer: FakeConsumer, handler: HeldRules) -> None:
        self.consumer = consumer
        self.handler = handler
        self.outlet = FakeOutlet()
        self.books: asyncio.Queue[RuleBook] = asyncio.Queue()
        feed = RulesFeed(consumer, handler)
        self.task = asyncio.ensure_future(feed.follow(self.books.put, self.outlet))

    async def compiling(self) -> None:
        """Wait until it compiles."""
        assert await asyncio.to_thread(self.handler.begun.acquire, timeout=PATIENCE)

    async def thresholds(self) -> list[float | None]:
        """Return the thresholds of the next book."""
        async with asyncio.timeout(PATIENCE):
            book = await self.books.get()
        return [each.rule.threshold for each in book.rules.values()]


@asynccontextmanager
async def following() -> AsyncIterator[Following]:
    found = Following(FakeConsumer(), HeldRules())
    yield found
    found.task.cancel()


def revision(number: int) -> bytes:
    """Return a revision of the rule; its threshold is its number."""
    rule: Rule = replace(a_rule(), revision=number, threshold=number, updated_at=number)
    return encode_rule(rule)


async def test_a_rule_that_comes_while_others_are_compiled_is_in_the_next_book() -> None:
    async with following() as feed:
        feed.consumer.put(revision(1))
        await feed.compiling()
        feed.consumer.put(revision(2))
        feed.handler.may.release(2)
        assert [await feed.thresholds(), await feed.thresholds()] == [[1], [2]]


async def test_of_what_came_together_the_newest_revision_wins_and_is_compiled_once() -> None:
    async with following() as feed:
        feed.consumer.put(revision(1))
        await feed.compiling()
        feed.consumer.put(revision(2), revision(4), revision(3))
        feed.consumer.put(None, revision(5))
        feed.handler.may.release(2)
        assert [await feed.thresholds(), await feed.thresholds()] == [[1], [5]]
        feed.consumer.put(revision(6))
        feed.handler.may.release()
        assert await feed.thresholds() == [6]


async def test_what_changes_nothing_is_not_compiled_and_what_is_no_rule_is_set_aside() -> None:
    async with following() as feed:
        feed.consumer.put(revision(2))
        feed.handler.may.release()
        assert await feed.thresholds() == [2]
        feed.consumer.put(b"no rule", revision(2), revision(1))
        feed.consumer.put(revision(3))
        feed.handler.may.release()
        assert await feed.thresholds() == [3]
        assert [record.value for record, _ in feed.outlet.dead] == [b"no rule"]


async def test_who_follows_is_told_when_compiling_fails() -> None:
    """`Running` ends the process when one of its tasks ends."""
    async with following() as feed:
        feed.handler.fault = MemoryError("too many rules")
        feed.consumer.put(revision(1))
        feed.handler.may.release()
        with pytest.raises(MemoryError, match="too many rules"):
            await asyncio.wait_for(feed.task, PATIENCE)
        assert feed.books.empty()


async def test_all_that_is_there_is_read_before_anything_else_starts() -> None:
    consumer, handler = FakeConsumer(), HeldRules()
    consumer.put(revision(1), b"no rule", revision(2))
    handler.may.release()
    feed = RulesFeed(consumer, handler)
    book = await feed.load()
    assert [each.rule.threshold for each in book.rules.values()] == [2]
    assert consumer.running
    await feed.close()
    assert not consumer.running


async def test_a_broker_that_does_not_answer_is_named_at_the_start() -> None:
    consumer = FakeConsumer()
    consumer.away = True
    with pytest.raises(StartupError, match="the topic alert-rules cannot be read"):
        await RulesFeed(consumer, HeldRules()).load()
