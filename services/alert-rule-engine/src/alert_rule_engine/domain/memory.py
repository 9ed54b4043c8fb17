"""What a bucket remembers of groups beyond their panes: when they were seen, terms, last values.

Each memory belongs to one pane spec of one bucket and depends on nothing but the rows in the order
of the log. It is bounded, and forgets as the watermark moves: not exactly on time but in steps,
and never early. Steady sightings are noted coarsely, so that they change nothing that is stored.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, NamedTuple

from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.shelves import SHARDS, Entry, Shelf

GRACE: Final = 120_000
"""What was counted for a spec that no rule reads (yet, or any more) is kept this long."""
RECALL: Final = 3_600_000
"""What a spec remembers is kept so long when no rule needs it any more: it took long to learn."""
STEPS: Final = 64
"""What is kept for some time is kept for up to two parts in so many longer."""
MAX_GROUP_TERMS: Final = 10_000
MAX_TERMS: Final = 50_000
"""Terms of one group, and of one memory; events of further ones are left out."""


class Keep(NamedTuple):
    """How long groups are remembered."""

    longest: int
    """Milliseconds for which one is known after it was last seen."""
    grain: int
    """Milliseconds by which may be off when that was."""


def keep_of(forgets: Collection[int]) -> Keep | None:
    """Return how groups are remembered of which some forget sooner than others; None: not at all.

    For as long as the last of them needs, and as exactly as the first.
    """
    return Keep(max(forgets), max(1, min(forgets) // STEPS)) if forgets else None


class Memory:
    """Shelves that are swept together, and stored in pieces, each under a number."""

    def __init__(self, keep: int, *more: Shelf, grain: int = 0) -> None:
        """`keep`: milliseconds for which something is known after it was last seen.

        `grain`: by how much may be off when that was; 0: as much as fits a step.
        """
        self.keep = keep
        self.step = max(1, keep // STEPS)
        self.grain = grain or self.step
        self.groups = Shelf()
        self._shelves = (self.groups, *more)

    def __len__(self) -> int:
        return len(self.groups)

    def __iter__(self) -> Iterator[Group]:
        return iter(self.groups)

    def __contains__(self, group: Group) -> bool:
        return self.groups.get(group) is not None

    def forget(self, since: int, watermark: int) -> bool:
        """Drop what was silent for too long; tell whether there was any.

        Looks only where the watermark has passed a step since `since`.
        """
        step = watermark // self.step * self.step
        if step <= since:
            return False
        swept = [shelf.sweep(step) for shelf in self._shelves]
        return any(swept)

    def step_after(self, watermark: int) -> int:
        """Return the next watermark at which `forget` looks."""
        return (watermark // self.step + 1) * self.step

    def follow(self, keep: int) -> bool:
        """Keep what is known for another time than until now; tell whether it is another."""
        longer = keep - self.keep
        if not longer:
            return False
        for shelf in self._shelves:
            shelf.put_off(longer)
        self.keep = keep
        self.grain = self.step = max(1, keep // STEPS)
        return True

    def _until(self, at: int) -> int:
        return at + self.keep + self.grain

    def _has_room(self, entry: Entry | None, room: int) -> bool:
        return entry is not None or len(self.groups) < room

    def touched(self) -> set[int]:
        """Return the pieces that changed since the last call."""
        return _numbered([shelf.touched() for shelf in self._shelves])

    def live(self) -> set[int]:
        """Return the pieces that hold anything."""
        return _numbered([shelf.live() for shelf in self._shelves])

    def pack(self, piece: int) -> list[Any]:
        """Return a piece as plain values, for `unpack`."""
        return self._shelves[piece // SHARDS].pack(piece % SHARDS)

    def unpack(self, piece: int, packed: list[Any]) -> None:
        """Fill a piece that is empty with what `pack` returned."""
        self._shelves[piece // SHARDS].unpack(piece % SHARDS, packed)


def _numbered(shards: Sequence[set[int]]) -> set[int]:
    return {shelf * SHARDS + shard for shelf, mine in enumerate(shards) for shard in mine}


class Groups(Memory):
    """Groups that were seen: when first, and about when last. An entry: until when, first seen."""

    def see(self, group: Group, at: int, *, room: int) -> bool:
        """Note that a group was there at a time; tell whether it is known or had room."""
        entry = self.groups.get(group)
        if not self._has_room(entry, room):
            return False
        if entry is None:
            self.groups.put(group, [self._until(at), at])
        elif at < entry[1]:
            self.groups.put(group, [entry[0], at])
        elif at + self.keep >= entry[0]:
            self.groups.put(group, [self._until(at), entry[1]])
        return True

    def first(self, group: Group) -> int | None:
        """Return when a group was first there; None if it is not known."""
        entry = self.groups.get(group)
        return None if entry is None else entry[1]

    def last(self, group: Group) -> int | None:
        """Return a time at most a `grain` after a group was last there; None if not known."""
        entry = self.groups.get(group)
        return None if entry is None else entry[0] - self.keep


class Admitted(NamedTuple):
    """Of some events: how many are to be counted, and how many had no room."""

    events: int
    surplus: int = 0
    """Of a group that had no room."""
    excess: int = 0
    """Of a term that had none."""


class Terms(Memory):
    """The values that each group has shown. An event counts if its value is new.

    A group's first events teach what is usual: until `learn` after the first, none of its values
    is new. Of the events that bring a new value only the first counts.
    """

    def __init__(
        self, keep: int, learn: int, *, most: int = MAX_TERMS, most_of_group: int = MAX_GROUP_TERMS
    ) -> None:
        """`keep`: how long a value that does not occur stays known."""
        self.terms = Shelf()
        """Under group and term: until when it is known."""
        super().__init__(keep, self.terms)
        self.learn = learn
        self._most = most
        self._most_of_group = most_of_group

    def admit(self, group: Group, term: str, count: int, at: int, *, room: int) -> Admitted:
        """Take note of events with one value; `room`: how many groups there may be."""
        mine, key = self.groups.get(group), (*group, term)
        known = self.terms.get(key)
        if not self._has_room(mine, room):
            return Admitted(0, surplus=count)
        if known is None and self._is_full(group):
            return Admitted(0, excess=count)
        learnt = at + self.learn if mine is None else mine[1]
        if known is None or at + self.keep >= known[0]:
            self.terms.put(key, [self._until(at)])
        if mine is None or at + self.keep >= mine[0]:
            self.groups.put(group, [self._until(at), learnt])
        new = known is None or at >= known[0]
        return Admitted(int(new and at >= learnt))

    def may_count(self, group: Group, term: str, since: int) -> bool:
        """Tell whether a term may have been new to a group at or after a time.

        It was not, if it had been learnt or shown before. When it was shown is noted coarsely, so
        one that was may pass for new.
        """
        mine, known = self.groups.get(group), self.terms.get((*group, term))
        if mine is None or known is None:
            return False
        until: int = known[0]
        return until >= self._until(max(since, mine[1]))

    def _is_full(self, group: Group) -> bool:
        return len(self.terms) >= self._most or self.terms.under(group) >= self._most_of_group


class Change(NamedTuple):
    """A group's value became another one."""

    at: int
    old: str
    new: str


class Changes(NamedTuple):
    """What some runs of values came to."""

    found: list[Change]
    ignored: int = 0
    """Runs older than the group's last value."""
    surplus: int = 0
    """Runs that had no room."""


class Values(Memory):
    """The last value of each group. An entry: until when it is known, when it was seen, and it."""

    def admit(
        self, group: Group, runs: Sequence[tuple[int, str]], accepted: int, *, room: int
    ) -> Changes:
        """Compare runs of values, in the order of time, with the value that the group had last.

        A group's first value is no change, nor is what is older than the last one. What says that
        it comes from the future is as old as its acceptance: else all until then would be older.
        """
        last = self.groups.get(group)
        if not self._has_room(last, room):
            return Changes([], surplus=len(runs))
        found = []
        ignored = 0
        for told, value in runs:
            at = min(told, accepted)
            if last is not None and at < last[1]:
                ignored += 1
                continue
            if last is not None and value != last[2]:
                found.append(Change(at, last[2], value))
            last = [self._until(at), at, value]
        if last is not None and ignored < len(runs):
            self.groups.put(group, last)
        return Changes(found, ignored)
