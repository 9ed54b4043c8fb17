"""How many different values there were: exact up to a bound, then about (see `hyperloglog`).

Which of the two is decided by the values alone, not by the order in which they came or sets were
merged: a set of up to `EXACT` hashes is kept as it is.
"""

import sys
from array import array
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from alert_rule_engine.domain.hyperloglog import Registers

EXACT: Final = 1_024
_HASH_BYTES: Final = 8
_FEW: Final = b"h"
_MANY: Final = b"r"


@lru_cache(maxsize=65_536)
def hash_of(text: str) -> int:
    """Return the 64 bits that stand for a value."""
    return int.from_bytes(blake2b(text.encode(), digest_size=_HASH_BYTES).digest(), "big")


class Distinct:
    """A set of hashes that only grows: its count never falls, by adding or by merging."""

    __slots__ = ("hashes", "registers")

    def __init__(self) -> None:
        self.hashes: set[int] = set()
        self.registers: Registers | None = None
        """Where there were too many hashes to keep them."""

    def add(self, hashes: Iterable[int]) -> None:
        """Add hashes of 64 bits."""
        if self.registers is not None:
            self.registers.add(hashes)
            return
        self.hashes.update(hashes)
        if len(self.hashes) > EXACT:
            self._spill(Registers())

    def _spill(self, registers: Registers) -> None:
        registers.add(self.hashes)
        self.registers = registers
        self.hashes = set()

    def merge(self, other: "Distinct") -> None:
        """Add all that another set has."""
        if other.registers is None:
            self.add(other.hashes)
        elif self.registers is None:
            self._spill(Registers(bytes(other.registers)))
        else:
            self.registers.merge(other.registers)

    def count(self) -> int:
        """Return how many different hashes there are, or about how many if there are many."""
        if self.registers is None:
            return len(self.hashes)
        return max(EXACT + 1, round(self.registers.estimate()))

    def pack(self) -> bytes:
        """Return the set for `unpack`; the same set is always packed the same."""
        if self.registers is not None:
            return _MANY + bytes(self.registers)
        return _FEW + _ordered(array("Q", sorted(self.hashes))).tobytes()


def unpack(packed: bytes) -> Distinct:
    """Return the set that was packed."""
    made, kept = Distinct(), packed[1:]
    if packed[:1] == _MANY:
        made.registers = Registers(kept)
    else:
        made.add(_ordered(array("Q", kept)))
    return made


def _ordered(hashes: "array[int]") -> "array[int]":
    """Return the hashes with their bytes in the order in which they are stored."""
    if sys.byteorder != "little":  # pragma: no cover - one of two kinds of machine
        hashes.byteswap()
    return hashes
