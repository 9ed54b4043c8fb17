"""Entries that expire, in shards: what is stored again after a change is a part of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final
from zlib import crc32

from alert_rule_engine.domain.partials import Group

SHARDS: Final = 16
Entry = list[Any]
"""Begins with the time at which it expires; it changes only by being put again."""


class Shelf:
    """Entries by key."""

    def __init__(self) -> None:
        self._shards: dict[int, dict[Group, Entry]] = {}
        self._sizes: Counter[Group] = Counter()
        """How many keys there are by all but the last text of theirs."""
        self._size = 0
        self._touched: set[int] = set()

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Group]:
        for shard in self._shards.values():
            yield from shard

    def get(self, key: Group) -> Entry | None:
        """Return what lies under a key."""
        shard = self._shards.get(shard_of(key))
        return None if shard is None else shard.get(key)

    def put(self, key: Group, entry: Entry) -> None:
        """Set what lies under a key."""
        number = shard_of(key)
        shard = self._shards.setdefault(number, {})
        if key not in shard:
            self._size += 1
            self._sizes[key[:-1]] += 1
        shard[key] = entry
        self._touched.add(number)

    def put_off(self, longer: int) -> None:
        """Let all entries expire later by some time, which may be negative."""
        for number, shard in self._shards.items():
            self._touched.add(number)
            for key, (until, *more) in shard.items():
                shard[key] = [until + longer, *more]

    def under(self, group: Group) -> int:
        """Return how many keys are this group and one text more."""
        return self._sizes[group]

    def sweep(self, now: int) -> bool:
        """Drop what has expired; tell whether there was any."""
        before = self._size
        for number, shard in list(self._shards.items()):
            gone = [key for key, entry in shard.items() if entry[0] <= now]
            for key in gone:
                del shard[key]
                self._drop(key)
            if gone:
                self._touched.add(number)
            if not shard:
                del self._shards[number]
        return self._size < before

    def _drop(self, key: Group) -> None:
        self._size -= 1
        self._sizes[key[:-1]] -= 1
        if not self._sizes[key[:-1]]:
            del self._sizes[key[:-1]]

    def touched(self) -> set[int]:
        """Return the shards that changed since the last call."""
        touched, self._touched = self._touched, set()
        return touched

    def live(self) -> set[int]:
        """Return the shards that hold anything."""
        return set(self._shards)

    def pack(self, shard: int) -> list[Any]:
        """Return a shard as plain values, for `unpack`."""
        return [[key, entry] for key, entry in self._shards[shard].items()]

    def unpack(self, shard: int, packed: Iterable[Any]) -> None:
        """Fill a shard that is empty with what `pack` returned."""
        self._shards[shard] = {tuple(key): entry for key, entry in packed}
        self._size += len(self._shards[shard])
        self._sizes.update(key[:-1] for key in self._shards[shard])


def shard_of(key: Group) -> int:
    """Return the shard of a key: the same in every process."""
    return crc32("\x1f".join(key).encode()) % SHARDS
