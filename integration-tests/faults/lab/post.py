"""Batches of `log-events` as the gateway writes them."""

import json
import time
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Final

from confluent_kafka import Producer
from faults.lab.topics import QUICK, Headers
from oracle.journal import Event

from alert_contracts.events import NDJSON
from alert_contracts.topics import MAX_RECORD_BYTES, Header, Schema, Topic

ANSWER_S: Final = 60.0


def producer(brokers: str, *, patience: float) -> Producer:
    """Return a producer that writes each record once and tries for so many seconds."""
    return Producer(
        {
            "bootstrap.servers": brokers,
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "linger.ms": 5,
            "message.max.bytes": MAX_RECORD_BYTES,
            "message.timeout.ms": int(patience * 1000),
            **QUICK,
        }
    )


def headers(tenant: str, lines: Sequence[str], *, at: int) -> Headers:
    """Return the headers of a batch that is accepted at a time."""
    texts = {
        Header.CONTENT_TYPE: NDJSON,
        Header.SCHEMA: str(Schema.LOG_BATCH),
        Header.TENANT: tenant,
        Header.COUNT: str(len(lines)),
        Header.ACCEPTED_AT: str(at),
    }
    return [(str(name), text.encode()) for name, text in texts.items()]


def value(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Poster:
    """Posts chosen events for one tenant, and waits for each batch."""

    def __init__(self, brokers: str, tenant: str) -> None:
        self._producer = producer(brokers, patience=ANSWER_S)
        self._tenant = tenant
        self._number = count()

    def post(self, events: Iterable[Event]) -> None:
        lines = [json.dumps(event) for event in events]
        self._producer.produce(
            Topic.LOG_EVENTS,
            value(lines),
            f"{self._tenant}-{next(self._number)}".encode(),
            headers=headers(self._tenant, lines, at=now_ms()),
        )
        assert self._producer.flush(ANSWER_S) == 0, "the batch was not stored"
