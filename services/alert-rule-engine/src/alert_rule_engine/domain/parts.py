"""Records of a bounded size for values of any size.

A value that is too long for one record is cut into parts, `<key>.<generation>.<n>`; the record of
its key then only names the generation and the number of its parts. Parts are stored before that
record is written, under names that nothing refers to yet, and parts of the generation before are
deleted after it is stored. So whatever dies in between, the key names one whole value.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from alert_rule_engine.domain.seals import StateFormatError, checksum

PART_BYTES: Final = 2 * 1_048_576
_HEAD: Final = b"parts"
"""No sealed value begins like this: those begin with their format."""


class Change(NamedTuple):
    """One record to be written; None deletes."""

    key: bytes
    value: bytes | None


class Stages(NamedTuple):
    """Records to be written: the second list after all of the first is stored for good."""

    parts: list[Change]
    records: list[Change]


class Parts:
    """Cuts values, joins them, and knows which parts are stored."""

    def __init__(self, size: int) -> None:
        """`size`: bytes of the longest record."""
        self._size = size
        self._heads: dict[bytes, tuple[int, int]] = {}
        """Generation and number of parts of the keys that have any."""
        self._stale: set[bytes] = set()
        """Parts to be deleted with the next changes."""

    def cut(self, changes: Iterable[Change]) -> Stages:
        """Return the records of these changes; what was returned before is stored by now."""
        stale, self._stale = self._stale, set()
        parts: list[Change] = []
        records = [self._change(change, parts) for change in changes]
        written = {part.key for part in parts}
        deleted = [Change(key, None) for key in sorted(stale - written)]
        return Stages([*deleted, *parts], records)

    def _change(self, change: Change, parts: list[Change]) -> Change:
        key, value = change
        generation, count = self._heads.pop(key, (0, 0))
        self._stale.update(_names(key, generation, count))
        if value is None or len(value) <= self._size:
            return change
        pieces = [value[at : at + self._size] for at in range(0, len(value), self._size)]
        generation += 1
        self._heads[key] = generation, len(pieces)
        parts.extend(map(Change, _names(key, generation, len(pieces)), pieces))
        return Change(key, _head(generation, len(pieces)))

    def join(self, stored: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Return the values of stored records; parts that nothing names will be deleted.

        Raises:
            StateFormatError: a part is missing.
        """
        self._stale = {key for key in stored if b"." in key}
        return {key: self._whole(key, stored) for key in stored if b"." not in key}

    def _whole(self, key: bytes, stored: Mapping[bytes, bytes]) -> bytes:
        value = stored[key]
        if not value.startswith(_HEAD):
            return value
        self._heads[key] = _read_head(value)
        names = _names(key, *self._heads[key])
        self._stale.difference_update(names)
        try:
            return b"".join([stored[name] for name in names])
        except KeyError as exc:
            message = f"a part of the stored state is missing: {exc}"
            raise StateFormatError(message) from exc


def _names(key: bytes, generation: int, count: int) -> list[bytes]:
    return [b"%s.%d.%d" % (key, generation, number) for number in range(count)]


def _head(generation: int, count: int) -> bytes:
    names = b"%s %d %d" % (_HEAD, generation, count)
    return b"%s %s" % (names, checksum(names).hex().encode())


def _read_head(value: bytes) -> tuple[int, int]:
    names, _, check = value.rpartition(b" ")
    if check != checksum(names).hex().encode():
        message = "the stored state is damaged: its checksum does not fit"
        raise StateFormatError(message)
    _, generation, count = names.split(b" ")
    return int(generation), int(count)
