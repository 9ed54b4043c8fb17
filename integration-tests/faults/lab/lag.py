"""How far the two consumer groups are behind, sampled from the broker's own books."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaException, TopicPartition
from faults.lab.topics import consumer

from alert_contracts.topics import LOG_EVENTS_PARTITIONS, STATE_PARTITIONS, Topic

SAMPLE_S: Final = 0.25
ANSWER_S: Final = 3.0
GROUPS: Final = (
    ("rule-eval-v1", Topic.LOG_EVENTS, LOG_EVENTS_PARTITIONS),
    ("rule-state-v1", Topic.RULE_PARTIALS, STATE_PARTITIONS),
)
Place = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: what each group has committed, and where each partition ends."""

    at: float
    """Monotonic clock."""
    committed: Mapping[Place, int]
    ends: Mapping[Place, int]

    @property
    def lag(self) -> int:
        """Records that wait."""
        return sum(max(0, end - self.committed.get(place, 0)) for place, end in self.ends.items())


class LagWatch:
    """Samples in the background; knows how fast a fault was overcome."""

    def __init__(self, brokers: str) -> None:
        self.samples: list[Sample] = []
        self.regressions: list[str] = []
        """I7: commits that went backwards."""
        self._readers = {group: consumer(brokers, group) for group, _, _ in GROUPS}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lag", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._closed.wait(SAMPLE_S):
            with suppress(KafkaException):
                self._take(self._look())

    def _look(self) -> Sample:
        committed: dict[Place, int] = {}
        ends: dict[Place, int] = {}
        for group, topic, partitions in GROUPS:
            reader = self._readers[group]
            places = [TopicPartition(topic, number) for number in range(partitions)]
            for where in reader.committed(places, timeout=ANSWER_S):
                if where.error is not None:
                    raise KafkaException(where.error)
                committed[topic, where.partition] = max(0, where.offset)
            for place in places:
                edges = reader.get_watermark_offsets(place, timeout=ANSWER_S)
                ends[topic, place.partition] = edges[1]
        return Sample(time.monotonic(), committed, ends)

    def _take(self, sample: Sample) -> None:
        if self.samples:
            for place, offset in self.samples[-1].committed.items():
                if sample.committed.get(place, 0) < offset:
                    said = f"{place}: {offset} was committed, then {sample.committed.get(place)}"
                    self.regressions.append(said)
        self.samples.append(sample)

    def falling(self, since: float) -> float | None:
        """Return how long it took, from `since` on, until all that waited moved again.

        That is: until something of every partition in which records waited was done.
        """
        return self._first(since, lambda first, place: first.committed.get(place, 0) + 1)

    def fallen(self, since: float) -> float | None:
        """Return how long it took, from `since` on, until all that waited was done."""
        return self._first(since, lambda first, place: first.ends[place])

    def _first(self, since: float, wanted: Callable[[Sample, Place], int]) -> float | None:
        after = [sample for sample in self.samples if sample.at >= since]
        for sample in after:
            first = after[0]
            if all(
                sample.committed.get(place, 0) >= min(end, wanted(first, place))
                for place, end in first.ends.items()
            ):
                return sample.at - since
        return None

    def behind(self) -> Mapping[Place, tuple[int, int]]:
        """Return what is committed and where it ends, of each partition with a lag."""
        last = self.samples[-1]
        return {
            place: (last.committed.get(place, 0), end)
            for place, end in last.ends.items()
            if last.committed.get(place, 0) < end
        }

    def close(self) -> None:
        self._closed.set()
        self._thread.join()
        for reader in self._readers.values():
            reader.close()
