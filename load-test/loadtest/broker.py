"""Counts events in `log-events` between two moments, by the `count` header of each record."""

from collections.abc import Mapping
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from alert_contracts.topics import LOG_EVENTS_PARTITIONS, Header, Topic

TIMEOUT_S = 10.0
POLL_S = 0.2
FETCH_AT_ONCE = 500

Offsets = Mapping[int, int]


class InKafka(NamedTuple):
    """What lies between two offsets: all of it, and the part that belongs to this run."""

    events: int
    records: int
    own_events: int
    """Of this run, repeats left out."""
    repeated_events: int
    """In records whose key had been there before: a request that was sent again."""


class Broker:
    """Reads `log-events` outside of any consumer group; nothing is committed."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "load-test",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "log_level": 2,  # a broker that is away is told once, by us
                "queued.max.messages.kbytes": 16_384,
            }
        )
        self._idle_s = 0.0

    def close(self) -> None:
        self._consumer.close()

    def end_offsets(self) -> Offsets:
        """Return the offset behind the last record of each partition.

        Raises:
            KafkaException: the broker does not answer.
        """
        ends = {}
        for partition in range(LOG_EVENTS_PARTITIONS):
            where = TopicPartition(Topic.LOG_EVENTS, partition)
            ends[partition] = self._consumer.get_watermark_offsets(where, timeout=TIMEOUT_S)[1]
        return ends

    def count(self, start: Offsets, end: Offsets, *, run: str) -> InKafka:
        """Read every record from `start` up to `end`; the services of a run begin with its name.

        Raises:
            KafkaException: the broker does not answer, or records between the two are gone.
        """
        left = {partition: end[partition] for partition in end if end[partition] > start[partition]}
        self._consumer.assign(
            [TopicPartition(Topic.LOG_EVENTS, partition, start[partition]) for partition in left]
        )
        events = records = own = repeated = 0
        keys: set[bytes] = set()
        mark = b'"service":"%b-' % run.encode()
        while left:
            for message in self._next():
                partition, offset = message.partition() or 0, message.offset() or 0
                if offset >= end.get(partition, 0):
                    left.pop(partition, None)
                    continue
                count, key = _count(message), message.key() or b""
                events += count
                records += 1
                if key in keys:
                    repeated += count
                else:
                    own += (message.value() or b"").count(mark)
                keys.add(key)
                if offset + 1 == end[partition]:
                    del left[partition]
        self._consumer.unassign()
        return InKafka(events, records, own, repeated)

    def _next(self) -> list[Message]:
        messages = self._consumer.consume(FETCH_AT_ONCE, POLL_S)
        self._idle_s = 0.0 if messages else self._idle_s + POLL_S
        if self._idle_s >= TIMEOUT_S:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - its own name
        for message in messages:
            error = message.error()
            if error is not None:
                raise KafkaException(error)
        return messages


def _count(message: Message) -> int:
    headers = dict(message.headers() or {})
    count = headers.get(Header.COUNT)
    if count is not None:
        return int(count)
    return (message.value() or b"").count(b"\n")
