"""Very many groups cross at once: is the state stored all the while, and how much is held?"""

import re
import time
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from confluent_kafka import Producer

from alert_contracts.events import Event, encode_batch
from alert_contracts.rules import Rule, RuleType, Severity, Window
from alert_contracts.topics import LOG_EVENTS_PARTITIONS, MAX_RECORD_BYTES, Topic
from engine.compare import Bench
from engine.measure import peak_mib
from engine.sides import Processes, Tocsin
from engine.topics import Topics

BATCH: Final = 1_000
SECONDS: Final = 600.0
LOOK_SECONDS: Final = 2.0
SLOWEST_FLUSH: Final = 5.0
"""Seconds: more than this and a restart replays for long."""
BYTES_A_GROUP: Final = 4_096
PROCESS_MIB: Final = 150.0
WINDOW: Final = Window(size=3_600_000, step=3_600_000)
ROLE: Final = "aggregate-0"


class Look(NamedTuple):
    """What the second stage tells at one moment."""

    groups: int
    waiting: int
    flushes: int
    flushing: float
    """Seconds spent flushing since the start."""
    told: int


class Storm(NamedTuple):
    """How a storm went."""

    looks: Sequence[Look]
    seconds: float
    """Until all groups were counted."""
    peak: float
    """MiB of the second stage."""

    def slowest(self) -> float:
        """Return the longest mean of flushes between two looks; what has not ended counts too."""
        longest, since, before = 0.0, 0, self.looks[0]
        for look in self.looks[1:]:
            since += 1
            flushes = look.flushes - before.flushes
            if flushes:
                longest = max(longest, (look.flushing - before.flushing) / flushes)
                before, since = look, 0
            longest = max(longest, since * LOOK_SECONDS - LOOK_SECONDS)
        return longest

    def problems(self, groups: int) -> list[str]:
        """Return what must not be."""
        last = self.looks[-1]
        found = []
        if last.groups != groups:
            found.append(f"{last.groups:,} of {groups:,} groups are held")
        if self.slowest() > SLOWEST_FLUSH:
            found.append(f"a flush took {self.slowest():.1f} s")
        if self.peak > PROCESS_MIB + groups * BYTES_A_GROUP / 2**20:
            found.append(f"the second stage took {self.peak:.0f} MiB")
        if not last.told:
            found.append("nothing was told")
        return found


def storm(bench: Bench, *, groups: int) -> Storm:
    """Let every group cross with its first event, all within seconds, and look until it is over.

    Raises:
        FailedError: the engine did not come through.
    """
    topics = Topics(bench.servers)
    topics.reset()
    topics.publish([_rule(groups)])
    side = Tocsin()
    processes = side.start(bench.place, bench.servers, [])
    try:
        _post(bench.servers, groups)
        began = time.monotonic()
        looks = list(_looks(side, processes, groups))
        seconds = time.monotonic() - began
        peak = peak_mib(processes.members[ROLE].pid)
    finally:
        processes.stop()
    return Storm(looks, seconds, peak)


def _rule(groups: int) -> Rule:
    return Rule(
        id="storm",
        tenant="default",
        revision=1,
        name="Storm",
        type=RuleType.EVENT_COUNT,
        match="true",
        condition="count > threshold",
        severity=Severity.HIGH,
        window=WINDOW,
        group_by=("service",),
        threshold=0,
        max_groups=2 * groups,
    )


def _post(servers: str, groups: int) -> None:
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "compression.type": "lz4",
            "message.max.bytes": MAX_RECORD_BYTES,
        }
    )
    for first in range(0, groups, BATCH):
        now = time.time_ns() // 1_000_000
        numbers = range(first, min(first + BATCH, groups))
        value = encode_batch(Event(now, f"service-{n}", f"down {n}", "ERROR") for n in numbers)
        headers: list[tuple[str, str | bytes | None]] = [
            ("tenant", b"default"),
            ("accepted-at", str(now).encode()),
        ]
        partition = first // BATCH % LOG_EVENTS_PARTITIONS
        producer.produce(
            Topic.LOG_EVENTS, value, key=b"%d" % first, partition=partition, headers=headers
        )
        producer.poll(0)
    producer.flush()


def _looks(side: Tocsin, processes: Processes, groups: int) -> Iterator[Look]:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        processes.check()
        look = look_at(side.metrics(ROLE))
        yield look
        if look.groups >= groups:
            return
        time.sleep(LOOK_SECONDS)


def look_at(metrics: str) -> Look:
    """Return what the metrics of the second stage say."""

    def total(name: str) -> float:
        found = re.findall(rf"^tocsin_engine_{name}(?:{{[^}}]*}})? (\S+)", metrics, re.MULTILINE)
        return sum(map(float, found))

    return Look(
        int(total("groups")),
        int(total("alerts_waiting")),
        int(total("flush_seconds_count")),
        total("flush_seconds_sum"),
        int(total("alerts_total")),
    )
