"""Records of `log-events`, read again by their offsets.

Fetch requests are sent by hand: each names one offset and is answered with just the batch that
holds it. A consumer would have to seek, and would read on behind each offset.
"""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    KafkaError,
    LeaderNotAvailableError,
    OffsetOutOfRangeError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords

from alert_contracts.topics import MEBIBYTE, Topic
from alert_rule_engine.domain.evidence import Reference

CACHE_BYTES: Final = 64 * MEBIBYTE
PATIENCE: Final = 2.0
_WAIT_MS: Final = 10
_PAUSE: Final = 0.1
"""Before another try, where a broker did not answer as hoped."""
_NOBODY: Final = -1
_UNCOMMITTED: Final = 0
_TOPIC: Final = str(Topic.LOG_EVENTS)
_SETTLED: Final = frozenset({0, OffsetOutOfRangeError.errno})
"""With these answers, what is not there will not come."""


class RecordCache:
    """Records that were read lately, bounded in bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._values: OrderedDict[Reference, bytes] = OrderedDict()

    def get(self, reference: Reference) -> bytes | None:
        """Return a record, if it is there."""
        value = self._values.get(reference)
        if value is not None:
            self._values.move_to_end(reference)
        return value

    def put(self, reference: Reference, value: bytes) -> None:
        """Keep a record; what was not used for longest makes room."""
        self._size += len(value) - len(self._values.pop(reference, b""))
        self._values[reference] = value
        while self._size > self._most:
            self._size -= len(self._values.popitem(last=False)[1])


class LogRecords:
    """A RecordReader on Kafka. One caller at a time."""

    def __init__(
        self, brokers: str, *, patience: float = PATIENCE, cache_bytes: int = CACHE_BYTES
    ) -> None:
        """`patience`: seconds that one call may take."""
        self._brokers = brokers
        self._patience = patience
        self._cache = RecordCache(cache_bytes)
        self._client: AIOKafkaClient | None = None
        self._connecting = asyncio.Lock()

    async def read(self, wanted: Sequence[Reference]) -> Mapping[Reference, bytes]:
        """Return the records, as far as they are there and could be had in time."""
        found: dict[Reference, bytes] = {}
        todo: dict[int, set[int]] = defaultdict(set)
        for reference in wanted:
            value = self._cache.get(reference)
            if value is None:
                todo[reference[0]].add(reference[1])
            else:
                found[reference] = value
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience), asyncio.TaskGroup() as group:
                for partition, offsets in todo.items():
                    group.create_task(self._read_partition(partition, offsets, found))
        return found

    async def _read_partition(
        self, partition: int, offsets: set[int], found: dict[Reference, bytes]
    ) -> None:
        """Read records of one partition, a batch at a time; try again until told to stop."""
        while offsets:
            due = min(offsets)
            try:
                batch = await self._fetch(partition, due)
            except KafkaError:
                await self._look_around()
                continue
            for offset, value in _records(batch):
                if offset in offsets:
                    found[partition, offset] = value
                    self._cache.put((partition, offset), value)
                    offsets.discard(offset)
            # What does not come when it is asked for is not there any more, or not yet.
            offsets.discard(due)

    async def _fetch(self, partition: int, offset: int) -> bytes:
        """Return the batch that holds an offset; empty, if there is none.

        Raises:
            KafkaError: the broker is away, or not the right one.
        """
        client = await self._connected()
        node = client.cluster.leader_for_partition(TopicPartition(_TOPIC, partition))
        if node is None or node == _NOBODY:
            raise LeaderNotAvailableError
        # One batch comes, however few bytes are allowed; that holds for the first partition of a
        # request only, so each has its own.
        wanted = [(_TOPIC, [(partition, offset, 1)])]
        answer = await client.send(node, FetchRequest(_WAIT_MS, 1, 1, _UNCOMMITTED, wanted))
        (_, error, *_, batch) = answer.topics[0][1][0]
        if error not in _SETTLED:
            raise for_code(error)
        return batch or b""

    async def _connected(self) -> AIOKafkaClient:
        async with self._connecting:
            if self._client is None:
                timeout = int(self._patience * 1_000)
                client = AIOKafkaClient(bootstrap_servers=self._brokers, request_timeout_ms=timeout)
                await client.bootstrap()
                self._client = client
                await client.set_topics([_TOPIC])
            return self._client

    async def _look_around(self) -> None:
        """Ask anew who leads what, and wait a little."""
        if self._client is not None:
            self._client.force_metadata_update()
        await asyncio.sleep(_PAUSE)

    async def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            await self._client.close()


def _records(batch: bytes) -> Iterator[tuple[int, bytes]]:
    batches = MemoryRecords(batch)
    while batches.has_next():
        for record in batches.next_batch():
            yield record.offset, record.value or b""
