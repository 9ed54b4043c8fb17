"""Posts a workload as the gateway would: batches keyed by their id, counted once acknowledged.

Batches wait a little before they are sent, each for a time of its own, so they are reordered; some
wait for longer than the engine waits for order, and some are sent twice. When too many are
unacknowledged nothing is made, as with a client that waits. In a second in which nothing was
written a record without events is, as gateways do to tell that they are up.
"""

import heapq
import math
import random
import threading
import time
from collections.abc import Sequence
from itertools import count, pairwise
from pathlib import Path
from typing import Final, NamedTuple

from confluent_kafka import KafkaError, Message
from faults.lab.habits import ends_of_periods
from faults.lab.post import headers, now_ms, producer, value
from faults.lab.workload import Workload
from oracle.journal import Journal

from alert_contracts.topics import Topic

TICK_S: Final = 0.05
REORDER_S: Final = 0.8
LATE: Final = 0.05
LATE_S: Final = (2.2, 3.5)
"""The engine waits 2 s for order."""
REPEATED: Final = 0.1
REPEAT_S: Final = 4.0
BEAT_S: Final = 1.0
UNANSWERED: Final = 60
BATCH: Final = 4_000
"""Events of a batch at most, but for what a few services do wrong."""
DELIVERY_S: Final = 240.0


class _Parcel(NamedTuple):
    due: float
    number: int
    id: str
    lines: Sequence[str]


class Driver:
    """Posts in the background from `start` to `finish`; no more events from `rest` on."""

    def __init__(
        self, brokers: str, workload: Workload, journal: Path, *, rate: int, seed: int
    ) -> None:
        self.failures: list[str] = []
        self.events = 0
        """Events of batches that were acknowledged, each batch once."""
        self._workload = workload
        self._journal = Journal(journal)
        self._known: set[str] = set()
        self._rate = rate
        self._draw = random.Random(seed)  # noqa: S311 - nothing secret
        self._parcels: list[_Parcel] = []
        self._number = count()
        self._unanswered = 0
        self._written = time.monotonic()
        self._rest = threading.Event()
        self._rested = threading.Event()
        self._enough = threading.Event()
        self._producer = producer(brokers, patience=DELIVERY_S)
        self._thread = threading.Thread(target=self._drive, name="driver", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def rest(self) -> None:
        """Make no more events; return when all that were made are acknowledged."""
        self._rest.set()
        if not self._rested.wait(DELIVERY_S if self._thread.is_alive() else 0):
            self.failures.append("batches were never acknowledged")
        assert not self.failures, self.failures[:5]

    def finish(self) -> None:
        """Write nothing more."""
        self._enough.set()
        self._thread.join()
        self._producer.flush(DELIVERY_S)
        self._journal.close()

    def _drive(self) -> None:
        told = now_ms()
        while not self._enough.wait(TICK_S):
            now, resting = now_ms(), self._rest.is_set()
            if self._unanswered < UNANSWERED:
                if not resting:
                    self._make(told, now)
                if time.monotonic() - self._written >= BEAT_S:
                    self._beat()
            told = now
            self._send(math.inf if resting else time.monotonic())
            if resting and not self._unanswered:
                self._rested.set()

    def _beat(self) -> None:
        number = next(self._number)
        self._post(_Parcel(0, number, f"{self._workload.tenant}-{number}", ()))

    def _make(self, begin: int, end: int) -> None:
        """Make the events of [begin, end): batches end with periods, and where they are full."""
        full = max(1, BATCH * 1000 // self._rate)
        cuts = {*range(begin, end, full), *ends_of_periods(begin, end), end}
        for left, right in pairwise(sorted(cuts)):
            background = self._rate * (right - left) // 1000
            lines = list(self._workload.lines(left, right, background))
            if lines:
                self._draw.shuffle(lines)
                self._plan(lines)

    def _plan(self, lines: Sequence[str]) -> None:
        number = next(self._number)
        id_ = f"{self._workload.tenant}-{number}"
        now = time.monotonic()
        late = self._draw.random() < LATE
        due = now + self._draw.uniform(*(LATE_S if late else (0, REORDER_S)))
        heapq.heappush(self._parcels, _Parcel(due, number, id_, lines))
        if self._draw.random() < REPEATED:
            again = due + self._draw.uniform(0.1, REPEAT_S)
            heapq.heappush(self._parcels, _Parcel(again, next(self._number), id_, lines))

    def _send(self, now: float) -> None:
        while self._parcels and self._parcels[0].due <= now:
            self._post(heapq.heappop(self._parcels))
        self._producer.poll(0)

    def _post(self, parcel: _Parcel) -> None:
        self._unanswered += 1
        self._written = time.monotonic()
        posted = now_ms()

        def answered(error: KafkaError | None, message: Message) -> None:
            self._unanswered -= 1
            if error is not None:
                self.failures.append(f"{parcel.id}: {error}")
            else:
                self._accept(parcel, posted, message)

        self._producer.produce(
            Topic.LOG_EVENTS,
            value(parcel.lines),
            parcel.id.encode(),
            headers=headers(self._workload.tenant, parcel.lines, at=posted),
            on_delivery=answered,
        )

    def _accept(self, parcel: _Parcel, posted: int, message: Message) -> None:
        place = (message.partition() or 0, message.offset() or 0)
        self._journal.accepted(
            parcel.id, posted=posted, at=now_ms(), place=place, lines=parcel.lines
        )
        if parcel.id not in self._known:
            self._known.add(parcel.id)
            self.events += len(parcel.lines)
