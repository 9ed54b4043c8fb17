"""Reading and writing the engine's topics from outside."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from alert_contracts.rules import Rule, encode_rule, rule_key
from alert_contracts.topics import Header, Schema, Topic

TIMEOUT_S = 10.0
POLL_S = 0.2
QUICK = {"reconnect.backoff.max.ms": 500, "log_level": 0}
"""A client that is back soon after a broker is, and says nothing meanwhile."""
Record = Mapping[str, Any]
Headers = list[tuple[str, str | bytes | None]]


def consumer(brokers: str, group: str = "fault-tests") -> Consumer:
    """Return a consumer that joins no group; it may ask what `group` has committed."""
    return Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            **QUICK,
        }
    )


def bounds(reader: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """Return the first and the next offset of each partition."""
    partitions = reader.list_topics(topic, TIMEOUT_S).topics[topic].partitions
    return {
        number: reader.get_watermark_offsets(TopicPartition(topic, number), timeout=TIMEOUT_S)
        for number in partitions
    }


class Alerts:
    """Collects what the engine says, in the background, from now on."""

    def __init__(self, brokers: str) -> None:
        self.records: list[Record] = []
        self._heard = time.monotonic()
        self._reader = consumer(brokers)
        starts = bounds(self._reader, Topic.ALERTS)
        self._reader.assign(
            [TopicPartition(Topic.ALERTS, number, end) for number, (_, end) in starts.items()]
        )
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._read, name="alerts", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._closed.is_set():
            for message in self._reader.consume(500, POLL_S):
                if message.error() is None:
                    self.records.append(json.loads(message.value() or b"null"))
                    self._heard = time.monotonic()

    def of(self, tenant: str) -> list[Record]:
        return [record for record in list(self.records) if record["tenant"] == tenant]

    def silence(self) -> float:
        """Return for how many seconds nothing was said, to anyone."""
        return time.monotonic() - self._heard

    def close(self) -> None:
        self._closed.set()
        self._thread.join()
        self._reader.close()


class Rules:
    """Publishes rules as the gateway does."""

    def __init__(self, brokers: str) -> None:
        self._producer = Producer({"bootstrap.servers": brokers, **QUICK})

    def publish(self, *rules: Rule) -> None:
        headers: Headers = [(str(Header.SCHEMA), Schema.RULE.encode())]
        for rule in rules:
            key = rule_key(tenant=rule.tenant, rule_id=rule.id)
            self._producer.produce(Topic.ALERT_RULES, encode_rule(rule), key, headers=headers)
        self._flush()

    def delete(self, *rules: Rule) -> None:
        for rule in rules:
            key = rule_key(tenant=rule.tenant, rule_id=rule.id)
            self._producer.produce(Topic.ALERT_RULES, None, key)
        self._flush()

    def _flush(self) -> None:
        assert self._producer.flush(60) == 0, "the rules were not stored"


def last_values(brokers: str, topic: str) -> dict[bytes, tuple[int, bytes | None]]:
    """Return the newest value of each key, with its partition, of a compacted topic."""
    reader = consumer(brokers)
    try:
        ends = {
            number: end for number, (first, end) in bounds(reader, topic).items() if end > first
        }
        reader.assign([TopicPartition(topic, number, 0) for number in ends])
        found: dict[bytes, tuple[int, bytes | None]] = {}
        deadline = time.monotonic() + TIMEOUT_S
        while any(_position(reader, topic, number) < end for number, end in ends.items()):
            assert time.monotonic() < deadline, f"{topic} could not be read"
            for message in reader.consume(500, POLL_S):
                _keep(message, found)
    finally:
        reader.close()
    return found


def _keep(message: Message, found: dict[bytes, tuple[int, bytes | None]]) -> None:
    error = message.error()
    if error is not None:
        raise KafkaException(error)
    found[message.key() or b""] = (message.partition() or 0, message.value())


def _position(reader: Consumer, topic: str, partition: int) -> int:
    (where,) = reader.position([TopicPartition(topic, partition)])
    return int(where.offset)


def put(brokers: str, topic: str, *, partition: int, key: bytes, value: bytes | None) -> None:
    """Append one record, and wait until it is stored."""
    producer = Producer({"bootstrap.servers": brokers, **QUICK})
    producer.produce(topic, value, key, partition=partition)
    assert producer.flush(60) == 0, "the record was not stored"


def until(question: Callable[[], bool], *, what: str | Callable[[], str], within: float) -> float:
    """Ask until the answer is yes; return how long that took. `what` was asked, for the failure."""
    began = time.monotonic()
    while not question():
        if time.monotonic() - began >= within:
            told = what if isinstance(what, str) else what()
            message = f"after {within:g} s still not: {told}"
            raise AssertionError(message)
        time.sleep(POLL_S)
    return time.monotonic() - began
