"""Which records a partition's state consists of, which of them must be written now, and loading.

Keys are `<partition>:<name>`:

- `v`: the vector. Written last, when all else is acknowledged.
- `b<n>`: bucket n: its alerts, and the panes that changed lately (hot). One record is one cut of
  the log, so no bucket is ever torn; one that is newer than the vector skips, in the replay, what
  it contains.
- `b<n>@<start>`: the panes of bucket n that start there (cold). Written once they have stayed
  unchanged since the last flush, so that a closed pane is not written again and again. They leave
  the bucket's record one flush later, when the cold copy is known to be stored; a hot copy
  overrides a cold one. They are deleted one flush after they were forgotten.

A value that is too long for one record is cut into parts; see `parts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alert_rule_engine.domain import persistence
from alert_rule_engine.domain.bucket import Bucket
from alert_rule_engine.domain.partition import Partition
from alert_rule_engine.domain.parts import PART_BYTES, Change, Parts, Stages
from alert_rule_engine.domain.rules import RuleBook


@dataclass(slots=True)
class _Copies:
    """Of one bucket: which panes are in its record, and which have a cold copy."""

    hot: set[int] = field(default_factory=set)
    cold: set[int] = field(default_factory=set)
    """Up to date."""
    written: set[int] = field(default_factory=set)
    """Up to date or not."""
    forgotten: set[int] = field(default_factory=set)


class Journal:
    """A partition together with the knowledge of what is stored of it."""

    def __init__(self, partition: Partition, *, part_bytes: int = PART_BYTES) -> None:
        self.partition = partition
        self._parts = Parts(part_bytes)
        self._copies = [_Copies() for _ in partition.buckets]
        self._vector: int | None = None

    def changes(self) -> Stages:
        """Return what has changed since the last call, but for the vector.

        What the last call returned is stored by now.
        """
        found: list[Change] = []
        for number, bucket in enumerate(self.partition.buckets):
            copies = self._copies[number]
            if bucket.dirty or copies.hot - copies.cold or copies.written:
                found.extend(self._bucket(number, bucket, copies))
        return self._parts.cut(found)

    def vector(self) -> Change | None:
        """Return the vector's record, if it changed; to be written after the changes."""
        applied = self.partition.vector.applied
        if applied == self._vector:
            return None
        self._vector = applied
        value = persistence.pack_vector(self.partition.vector)
        return Change(b"%d:v" % self.partition.number, value)

    def _bucket(self, number: int, bucket: Bucket, copies: _Copies) -> list[Change]:
        live = {start for panes in bucket.specs.values() for start in panes.slices}
        touched, bucket.touched = bucket.touched & live, set()
        found = [Change(self._key(number, start), None) for start in sorted(copies.forgotten)]
        copies.written -= copies.forgotten
        copies.forgotten = copies.written - live
        copies.cold = (copies.cold & live) - touched
        kept = (copies.hot & live) - touched - copies.cold
        cooling = {start for start in kept if start < max(live)}
        for start in sorted(cooling):
            value = persistence.pack_panes(bucket, start)
            found.append(Change(self._key(number, start), value))
        if bucket.dirty:
            bucket.dirty = False
            copies.hot = touched | kept
            applied = self.partition.vector.applied
            value = persistence.pack_bucket(bucket, copies.hot, applied)
            found.append(Change(b"%d:b%d" % (self.partition.number, number), value))
        copies.cold |= cooling
        copies.written |= cooling
        return found

    def _key(self, number: int, start: int) -> bytes:
        return b"%d:b%d@%d" % (self.partition.number, number, start)

    def _load(self, stored: Mapping[bytes, bytes]) -> None:
        prefix = b"%d:" % self.partition.number
        mine = {key: value for key, value in stored.items() if key.startswith(prefix)}
        stored = self._parts.join(mine)
        names = {key.removeprefix(prefix).decode(): key for key in stored}
        for name, key in names.items():
            if name == "v":
                self.partition.vector = persistence.unpack_vector(stored[key])
                self._vector = self.partition.vector.applied
            elif "@" not in name:
                number = int(name[1:])
                bucket = self.partition.buckets[number]
                self._copies[number].hot = persistence.unpack_bucket(stored[key], bucket)
        for name, key in names.items():
            if "@" in name:
                bucket_number, _, start = name[1:].partition("@")
                self._load_cold(int(bucket_number), int(start), stored[key])

    def _load_cold(self, number: int, start: int, value: bytes) -> None:
        copies = self._copies[number]
        copies.written.add(start)
        if start not in copies.hot:
            copies.cold.add(start)
            persistence.unpack_panes(value, self.partition.buckets[number], start)


def restore(
    number: int,
    stored: Mapping[bytes, bytes],
    *,
    book: RuleBook,
    lateness: int,
    part_bytes: int = PART_BYTES,
) -> Journal:
    """Return the partition that was stored (an empty one, if nothing was) under today's rules.

    Raises:
        StateFormatError: it was stored by a version that wrote another format, or is not whole.
        msgspec.DecodeError: a record is damaged.
    """
    journal = Journal(Partition(number, RuleBook(), lateness), part_bytes=part_bytes)
    journal._load(stored)  # noqa: SLF001 - the constructor of the stored case
    journal.partition.resume(book)
    return journal
