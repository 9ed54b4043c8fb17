"""How many different values there were: exact up to a bound, then about (see `hyperloglog`).

Which of the two is decided by the values alone, not by the order in which they came or sets were
merged: a set of up to `EXACT` hashes is kept as it is.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final

from alert_rule_engine.domain.hyperloglog import Registers
from alert_rule_engine.domain.partials import digest

EXACT: Final = 1_024
_FEW_OF: Final = 8
"""One hash in so many is put where it belongs; with more of them all are sorted anew."""
_FEW: Final = b"h"
_MANY: Final = b"r"


@lru_cache(maxsize=65_536)
def hash_of(text: str) -> int:
    """Return the 64 bits that stand for a value."""
    return digest(text.encode())


class Distinct:
    """A set of hashes that only grows: its count never falls, by adding or by merging.

    There is one in each pane of each group, so up to the bound it is a sorted array: 8 bytes a
    value, where a set of Python takes some 70.
    """

    __slots__ = ("hashes", "registers")

    def __init__(self) -> None:
        self.hashes: array[int] = array("Q")
        self.registers: Registers | None = None
        """Where there were too many hashes to keep them."""

    def add(self, hashes: Collection[int]) -> None:
        """Add hashes of 64 bits."""
        if self.registers is not None:
            self.registers.add(hashes)
        elif len(hashes) * _FEW_OF < len(self.hashes):
            self._insert(hashes)
        else:
            self._hold({*self.hashes, *hashes})

    def _insert(self, hashes: Iterable[int]) -> None:
        for each in hashes:
            at = bisect_left(self.hashes, each)
            if at == len(self.hashes) or self.hashes[at] != each:
                self.hashes.insert(at, each)
        if len(self.hashes) > EXACT:
            self._hold(self.hashes)

    def _hold(self, hashes: Collection[int]) -> None:
        if len(hashes) > EXACT:
            self.registers = Registers()
            self.registers.add(hashes)
            hashes = ()
        self.hashes = array("Q", sorted(hashes))

    def count(self) -> int:
        """Return how many different hashes there are, or about how many if there are many."""
        return count_of([self])

    def pack(self) -> bytes:
        """Return the set for `unpack`; the same set is always packed the same."""
        if self.registers is not None:
            return _MANY + bytes(self.registers)
        return _FEW + _ordered(self.hashes[:]).tobytes()


def merged(parts: Iterable[Distinct]) -> Distinct:
    """Return what some sets have together."""
    whole, found = Distinct(), _together(parts)
    if isinstance(found, Registers):
        whole.registers = found
    else:
        whole.hashes = array("Q", sorted(found))
    return whole


def count_of(parts: Iterable[Distinct]) -> int:
    """Return how many different hashes some sets have together, or about how many if many."""
    found = _together(parts)
    if isinstance(found, Registers):
        return max(EXACT + 1, round(found.estimate()))
    return len(found)


def _together(parts: Iterable[Distinct]) -> set[int] | Registers:
    few: set[int] = set()
    whole: Registers | None = None
    for each in parts:
        if each.registers is None:
            few.update(each.hashes)
        elif whole is None:
            whole = Registers(bytes(each.registers))
        else:
            whole.merge(each.registers)
    if whole is None:
        if len(few) <= EXACT:
            return few
        whole = Registers()
    whole.add(few)
    return whole


def unpack(packed: bytes) -> Distinct:
    """Return the set that was packed."""
    made, kept = Distinct(), packed[1:]
    if packed[:1] == _MANY:
        made.registers = Registers(kept)
    else:
        made.hashes = _ordered(array("Q", kept))
    return made


def _ordered(hashes: "array[int]") -> "array[int]":
    """Return the hashes with their bytes in the order in which they are stored."""
    if sys.byteorder != "little":  # pragma: no cover - one of two kinds of machine
        hashes.byteswap()
    return hashes
