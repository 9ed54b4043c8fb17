"""Which records a partition's state consists of, which of them must be written now, and loading.

Keys are `<partition>:<name>`:

- `v`: the vector. Written last, when all else is acknowledged.
- `r<n>`: rules by which all behind the vector is judged; see `inforce`.
- `b<n>`: bucket n: its alerts, and the panes that changed lately (hot). One record is one cut of
  the log, so no bucket is ever torn; one that is newer than the vector skips, in the replay, what
  it contains.
- `b<n>@<start>`: the panes of bucket n that start there (cold). Written once they have stayed
  unchanged since the last flush, so that a closed pane is not written again and again. They leave
  the bucket's record one flush later, when the cold copy is known to be stored; a hot copy
  overrides a cold one. They are deleted one flush after they were forgotten.

- `b<n>!<spec>!<piece>`: a piece of what bucket n remembers for a pane spec (cold), likewise.

A value that is too long for one record is cut into parts; see `parts`.
"""

from collections.abc import Mapping

import msgspec

from alert_rule_engine.domain import persistence
from alert_rule_engine.domain.bucket import Bucket
from alert_rule_engine.domain.copies import Copies
from alert_rule_engine.domain.inforce import REPEATS, InForce
from alert_rule_engine.domain.partition import Partition
from alert_rule_engine.domain.parts import PART_BYTES, Change, Parts, Stages
from alert_rule_engine.domain.persistence import Piece
from alert_rule_engine.domain.rules import Revision, RuleBook
from alert_rule_engine.domain.seals import REMEDY, StateFormatError


class Journal:
    """A partition together with the knowledge of what is stored of it."""

    def __init__(self, partition: Partition, *, part_bytes: int = PART_BYTES) -> None:
        self.partition = partition
        self._parts = Parts(part_bytes)
        self._panes: list[Copies[int]] = [Copies() for _ in partition.buckets]
        self._pieces: list[Copies[Piece]] = [Copies() for _ in partition.buckets]
        self._vector: tuple[int, Mapping[str, Revision]] | None = None
        self._rules = InForce()
        self.repeats_until = -1
        """Until the log's clock is past it, what may have been told is repeated."""

    def due(self, book: RuleBook) -> bool:
        """Tell whether rules are to be taken over, or to be stored for the first time."""
        return not self._rules.known or (self.repeated() and self.partition.book is not book)

    def repeated(self) -> bool:
        """Tell whether all that may have been told before a crash was told again."""
        return self.partition.vector.log_now > self.repeats_until

    def rules(self, book: RuleBook) -> Stages:
        """Return what is to be stored of the rules that hold from here on.

        All behind it is stored, and what the last call returned.
        """
        return self._parts.cut(
            Change(b"%d:r%d" % (self.partition.number, shard), persistence.pack_rules(rules))
            for shard, rules in self._rules.changes(book, self.partition.arriving(book))
        )

    def changes(self) -> Stages:
        """Return what has changed since the last call, but for the vector.

        What the last call returned is stored by now.
        """
        found: list[Change] = []
        for number, bucket in enumerate(self.partition.buckets):
            if bucket.dirty or self._panes[number].restless() or self._pieces[number].restless():
                found.extend(self._bucket(number, bucket))
        return self._parts.cut(found)

    def vector(self) -> Change | None:
        """Return the vector's record, if it changed; to be written after the changes."""
        current = self.partition.vector.applied, self.partition.vector.revisions
        if current == self._vector:
            return None
        self._vector = current
        value = persistence.pack_vector(self.partition.vector)
        return Change(b"%d:v" % self.partition.number, value)

    def _bucket(self, number: int, bucket: Bucket) -> list[Change]:
        live: set[int] = set().union(*[panes.slices for panes in bucket.specs.values()])
        newest = {max(live)} if live else set()
        panes = self._panes[number].plan(live, bucket.touched_panes(), newest)
        pieces = self._pieces[number].plan(bucket.pieces(), bucket.touched_pieces(), set())
        gone = [self._pane_key(number, start) for start in panes.deleted]
        gone += [self._piece_key(number, piece) for piece in pieces.deleted]
        found = [Change(key, None) for key in sorted(gone)]
        for start in sorted(panes.cooling):
            value = persistence.pack_panes(bucket, start)
            found.append(Change(self._pane_key(number, start), value))
        for piece in sorted(pieces.cooling):
            value = persistence.pack_piece(bucket, piece)
            found.append(Change(self._piece_key(number, piece), value))
        if bucket.dirty:
            bucket.dirty = False
            self._panes[number].hot, self._pieces[number].hot = panes.hot, pieces.hot
            # In a replay it may contain more of the log than the vector has reached.
            applied = max(self.partition.vector.applied, bucket.restored)
            value = persistence.pack_bucket(bucket, panes.hot, pieces.hot, applied)
            found.append(Change(b"%d:b%d" % (self.partition.number, number), value))
        return found

    def _pane_key(self, number: int, start: int) -> bytes:
        return b"%d:b%d@%d" % (self.partition.number, number, start)

    def _piece_key(self, number: int, piece: Piece) -> bytes:
        return b"%d:b%d!%s!%d" % (self.partition.number, number, piece[0].encode(), piece[1])

    def resume(self, today: RuleBook) -> None:
        """Go on from what was loaded, under the rules that were in force."""
        arrived = self._rules.arrived if self._rules.known else None
        self.partition.resume(self._rules.compiled(today), arrived)
        if self._rules.known:
            self.repeats_until = self.partition.vector.log_now + REPEATS

    def _load(self, stored: Mapping[bytes, bytes]) -> None:
        prefix = b"%d:" % self.partition.number
        mine = {key: value for key, value in stored.items() if key.startswith(prefix)}
        stored = self._parts.join(mine)
        names = {key.removeprefix(prefix).decode(): key for key in stored}
        # Cold records last: a hot copy overrides them.
        for name, key in sorted(names.items(), key=lambda item: "@" in item[0] or "!" in item[0]):
            try:
                self._load_one(name, stored[key])
            except (StateFormatError, msgspec.DecodeError) as exc:
                sealed = isinstance(exc, msgspec.DecodeError)
                why = f"another version of the engine wrote it ({exc})" if sealed else exc
                message = f"record {key.decode()} of the state's changelog: {why}"
                raise StateFormatError(message) from exc

    def _load_one(self, name: str, value: bytes) -> None:
        if name == "v":
            self.partition.vector = persistence.unpack_vector(value)
            self._vector = self.partition.vector.applied, self.partition.vector.revisions
        elif name.startswith("r"):
            self._rules.take(int(name[1:]), persistence.unpack_rules(value))
        elif "@" in name:
            number, _, start = name[1:].partition("@")
            if self._panes[int(number)].load(int(start)):
                bucket = self.partition.buckets[int(number)]
                persistence.unpack_panes(value, bucket, int(start))
        elif "!" in name:
            number, spec, last = name[1:].split("!")
            piece = spec, int(last)
            if self._pieces[int(number)].load(piece):
                persistence.unpack_piece(value, self.partition.buckets[int(number)], piece)
        else:
            index = int(name[1:])
            hot = persistence.unpack_bucket(value, self.partition.buckets[index])
            self._panes[index].hot, self._pieces[index].hot = hot


def restore(
    number: int,
    stored: Mapping[bytes, bytes],
    *,
    book: RuleBook,
    lateness: int,
    part_bytes: int = PART_BYTES,
) -> Journal:
    """Return the partition that was stored (an empty one, if nothing was) under its rules.

    Those are the ones that were stored with it; today's, if none were.

    Raises:
        StateFormatError: it was stored by a version that wrote another format, is damaged, or is
            not whole.
    """
    journal = Journal(Partition(number, RuleBook(), lateness), part_bytes=part_bytes)
    try:
        journal._load(stored)  # noqa: SLF001 - the constructor of the stored case
    except StateFormatError as exc:
        message = f"{exc}; {REMEDY}"
        raise StateFormatError(message) from exc
    journal.resume(book)
    return journal
