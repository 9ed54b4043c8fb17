"""How many different hashes there were, about, in 4 KiB: HyperLogLog.

For each of 4 096 registers the longest run of zero bits is kept, which is the same whatever the
order in which hashes were added or sets merged. The estimate is Ertl's ("New cardinality estimation
algorithms for HyperLogLog sketches", 2017, algorithm 6): no bias tables, one formula for every
size. Its standard error is 1.04 / sqrt(4 096) = 1.6 %; of 100 estimates 99 are within 4.2 %.
"""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

_INDEX_BITS: Final = 12
_REGISTERS: Final = 1 << _INDEX_BITS
_REST_BITS: Final = 64 - _INDEX_BITS
_REST: Final = (1 << _REST_BITS) - 1
_HIGH: Final = int.from_bytes(b"\x80" * _REGISTERS, "little")
_ALPHA: Final = 0.5 / math.log(2)


class Registers:
    """A HyperLogLog."""

    __slots__ = ("_counts", "runs")

    def __init__(self, runs: bytes = bytes(_REGISTERS)) -> None:
        self.runs = bytearray(runs)
        self._counts: list[int] = []
        """How many registers have a run of each length; empty while nobody asked."""

    def _counted(self) -> list[int]:
        if not self._counts:
            counts = Counter(self.runs)
            self._counts = [counts[run] for run in range(_REST_BITS + 2)]
        return self._counts

    def __bytes__(self) -> bytes:
        return bytes(self.runs)

    def add(self, hashes: Iterable[int]) -> None:
        """Add hashes of 64 bits."""
        runs, counts = self.runs, self._counted()
        for each in hashes:
            index = each >> _REST_BITS
            run = _REST_BITS + 1 - (each & _REST).bit_length()
            before = runs[index]
            if run > before:
                runs[index] = run
                counts[before] -= 1
                counts[run] += 1

    def merge(self, other: "Registers") -> None:
        """Take the longer run of each register, by arithmetic on all of them at once.

        Runs are below 128: with its highest bit set, a byte of mine keeps that bit when the byte
        of theirs is taken from it, exactly where it is not the smaller one.
        """
        mine = int.from_bytes(self.runs, "little")
        theirs = int.from_bytes(other.runs, "little")
        kept = ((mine | _HIGH) - theirs) & _HIGH
        mask = (kept << 1) - (kept >> 7)
        longer = theirs ^ ((mine ^ theirs) & mask)
        self.runs = bytearray(longer.to_bytes(_REGISTERS, "little"))
        self._counts = []

    def estimate(self) -> float:
        """Return Ertl's improved estimate of how many different hashes were added."""
        counts = self._counted()
        total = _REGISTERS * _tau(1 - counts[-1] / _REGISTERS)
        for count in counts[-2:0:-1]:
            total = 0.5 * (total + count)
        total += _REGISTERS * _sigma(counts[0] / _REGISTERS)
        return _ALPHA * _REGISTERS * _REGISTERS / total


def _sigma(share: float) -> float:
    """Return share + sum of share^(2^k) * 2^(k-1), for a share below 1."""
    weight, total, before = 1.0, share, -1.0
    while total != before:
        share *= share
        before = total
        total += share * weight
        weight += weight
    return total


def _tau(share: float) -> float:
    """Return a third of 1 - share - sum of (1 - share^(2^-k))^2 * 2^-k."""
    if share in (0.0, 1.0):
        return 0.0
    weight, total, before = 1.0, 1 - share, -1.0
    while total != before:
        share = math.sqrt(share)
        before = total
        weight *= 0.5
        total -= (1 - share) ** 2 * weight
    return total / 3
