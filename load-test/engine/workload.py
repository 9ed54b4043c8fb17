"""The workload: records of `log-events` as a company of 200 services fills them, seeded.

A pool of distinct events is encoded once and cut into chunks. A record is a chunk with its time put
in: whole seconds, since each event has milliseconds of its own. A few events are out of order by
one second or five.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from loadtest.workload import (
    LEVELS,
    MEDIAN_MS,
    PARETO_ALPHA,
    SIGMA,
    SLOWER_WHEN_FAILING,
    TRACED,
    WITH_ATTRIBUTES,
    message_of,
    service_names,
    status_of,
)

PARTITIONS = 12
SERVICES, HOSTS = 200, 50
ERROR_SHARE = 0.05
LEVEL_WEIGHTS = (65, 18, 10.5, 1.5)
"""Of events that are no errors: INFO, DEBUG, WARN, TRACE; WARN is one in ten of all."""
BASE_SECONDS = 2_000_000_040
"""Where event time begins: a whole minute, and far ahead of any wall clock. An idle source follows
the wall clock, so what a slow machine does between two parts must not make the rest late."""
PACE = 10_000
"""Events per second of event time."""
STAMPS = {0: b":1000000000", 1: b":1000000001", 5: b":1000000005"}
"""Stands for the second of an event, by how many seconds it is late."""
LATE_SHARES = (95, 4, 1)
SENTINEL_SERVICE, SENTINEL_LEVEL = "end-of-topic", "FATAL"


class Drawn(NamedTuple):
    """What the rules can see of an event, and how late it is, in milliseconds of its record."""

    service: str
    level: str
    message: str
    status: int
    host: str
    offset_ms: int


class Record(NamedTuple):
    """One record of `log-events`, all but its value."""

    number: int
    partition: int
    second: int
    chunk: int
    """Which part of the pool; -1: a sentinel."""


@dataclass(frozen=True)
class Workload:
    """`warm_up` and `main` are events, rounded down to whole records on each partition."""

    seed: int
    batch: int
    warm_up: int
    main: int
    pool: int = 200_000
    hosts: int = HOSTS
    pace: int = PACE

    @cached_property
    def _made(self) -> tuple[list[bytes], list[list[Drawn]]]:
        """Return the chunks, encoded and as drawn."""
        chance = random.Random(self.seed)  # noqa: S311 - a workload, no secret
        names = service_names(SERVICES)
        weights = [1 / (rank + 1) ** PARETO_ALPHA for rank in range(SERVICES)]
        hosts = [f"host-{number:05d}" for number in range(self.hosts)]
        encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
        chunks, drawn = [], []
        for _ in range(self.pool // self.batch):
            services = chance.choices(names, weights, k=self.batch)
            made = [_event(chance, service, hosts) for service in services]
            chunks.append(b"\n".join(_stamped(encode(event), late) for event, late in made))
            drawn.append([_drawn(event, late) for event, late in made])
        return chunks, drawn

    @property
    def drawn(self) -> Sequence[Sequence[Drawn]]:
        """The events of each chunk."""
        return self._made[1]

    @property
    def mean_bytes(self) -> float:
        chunks = self._made[0]
        return sum(map(len, chunks)) / (len(chunks) * self.batch)

    def parts(self) -> tuple[list[Record], list[Record]]:
        """Return the records of the warm-up and of the main part, sentinels at the end of each."""
        warm = self._records(0, self.warm_up)
        return warm, self._records(len(warm), self.main)

    def _records(self, first: int, events: int) -> list[Record]:
        count = events // (self.batch * PARTITIONS) * PARTITIONS
        records = [
            self._record(number, number % len(self.drawn)) for number in range(first, first + count)
        ]
        last = first + count
        return records + [self._record(last + p, -1) for p in range(PARTITIONS)]

    def _record(self, number: int, chunk: int) -> Record:
        second = BASE_SECONDS + number * self.batch // self.pace
        return Record(number, number % PARTITIONS, second, chunk)

    def events_of(self, records: Sequence[Record]) -> int:
        return sum(1 if record.chunk < 0 else self.batch for record in records)

    def value(self, record: Record) -> bytes:
        """Return the record's NDJSON."""
        if record.chunk < 0:
            return _stamped(_sentinel(record), 0).replace(STAMPS[0], b":%d" % record.second)
        value = self._made[0][record.chunk]
        for late, stamp in STAMPS.items():
            value = value.replace(stamp, b":%d" % (record.second - late))
        return value

    def times(self, record: Record) -> Iterator[tuple[int, Drawn]]:
        """Return each event of a record with its time in epoch milliseconds."""
        if record.chunk < 0:
            yield record.second * 1000, sentinel(record)
            return
        for event in self.drawn[record.chunk]:
            yield record.second * 1000 + event.offset_ms, event


def sentinel(record: Record) -> Drawn:
    """Return the event that ends a part of a partition; a rule of its own speaks of it at once."""
    host = f"end-{record.number}"
    return Drawn(SENTINEL_SERVICE, SENTINEL_LEVEL, "the end", 200, host, 0)


def _sentinel(record: Record) -> str:
    event = sentinel(record)
    return json.dumps({"timestamp": 1_000_000_000_000, "service": event.service,
                       "message": event.message, "level": event.level,
                       "statusCode": event.status, "host": event.host},
                      separators=(",", ":"))  # fmt: skip


def _stamped(encoded: str, late: int) -> bytes:
    return encoded.encode().replace(STAMPS[0], STAMPS[late], 1)


def _drawn(event: dict[str, Any], late: int) -> Drawn:
    offset = event["timestamp"] % 1000 - late * 1000
    return Drawn(event["service"], event["level"], event["message"], event["statusCode"],
                 event["host"], offset)  # fmt: skip


def _event(chance: random.Random, service: str, hosts: Sequence[str]) -> tuple[dict[str, Any], int]:
    """Return an event whose time has a stamp for its second, and how late it is in seconds."""
    failing = chance.random() < ERROR_SHARE
    latency = chance.lognormvariate(0, SIGMA) * MEDIAN_MS * (SLOWER_WHEN_FAILING if failing else 1)
    late = chance.choices((0, 1, 5), LATE_SHARES)[0]
    event: dict[str, Any] = {
        "timestamp": 1_000_000_000_000 + chance.randrange(1000),
        "service": service,
        "message": message_of(chance, failing=failing, latency=latency),
        "level": "ERROR" if failing else chance.choices(LEVELS, LEVEL_WEIGHTS)[0],
        "statusCode": status_of(chance, failing=failing),
        "responseTime": round(latency, 1),
        "host": chance.choice(hosts),
    }
    if chance.random() < TRACED:
        event["traceId"] = f"{chance.getrandbits(128):032x}"
    if chance.random() < WITH_ATTRIBUTES:
        event["attributes"] = {"region": "eu-west", "version": f"1.{chance.randrange(30)}"}
    return event, late
