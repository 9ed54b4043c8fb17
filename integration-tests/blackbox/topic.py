"""Reads a topic's records as a console consumer prints them."""

import time
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaException, TopicPartition

QUIET_S = 0.5
TIMEOUT_S = 10.0


class Tail:
    """Reads what is appended to a topic from now on, outside of any group."""

    def __init__(self, servers: str, topic: str) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": servers, "group.id": "blackbox", "enable.auto.commit": False}
        )
        partitions = self._consumer.list_topics(topic, TIMEOUT_S).topics[topic].partitions
        ends = []
        for number in partitions:
            where = TopicPartition(topic, number)
            where.offset = self._consumer.get_watermark_offsets(where, timeout=TIMEOUT_S)[1]
            ends.append(where)
        self._consumer.assign(ends)

    def close(self) -> None:
        self._consumer.close()

    def values(self, containing: str, *, count: int, within: float = 10.0) -> list[str]:
        """Return the next `count` values that have this text.

        Raises AssertionError when they do not come in time.
        """
        found: list[str] = []
        deadline = time.monotonic() + within
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} records came"
            found += [value for value in self._poll() if containing in value]
        return found

    def _poll(self) -> Iterator[str]:
        for message in self._consumer.consume(500, QUIET_S):
            error = message.error()
            if error is not None:
                raise KafkaException(error)
            yield (message.value() or b"").decode()
