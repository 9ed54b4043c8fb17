"""Percentiles that merge: a logarithmic histogram with a relative error below 1 %.

An octave (from one power of two to the next) is cut into 64 bins of equal width, and the middle of
a bin answers for it: off by at most 1/128 of the value. The bin is the upper half of a number's
single-precision bits, so whole lists are binned without a loop in Python. Two histograms merge by
adding their counts, in any order. Magnitudes below `SMALLEST` count as zero, above `LARGEST` as
`LARGEST`, so that a histogram has at most some 9 000 bins whatever it is fed.
"""

import struct
import sys
from array import array
from collections.abc import Mapping, Sequence
from typing import Final

RELATIVE_ERROR: Final = 1 / 128
SMALLEST: Final = 1e-6
LARGEST: Final = 1e15
LARGEST_ADDED: Final = 1e280
"""Numbers beyond it are added up as if they were it: no window has so many that a sum of them is
infinite, and nothing judges infinity."""

Sketch = dict[int, int]
"""Bin to count: positive for positive values, negative for negative ones, 0 for zero."""

_UPPER: Final = slice(1 if sys.byteorder == "little" else 0, None, 2)
_SIGN: Final = 0x8000
_INFINITE: Final = 0x7F80


def _raw(value: float) -> int:
    """Return the upper 16 bits of a number in single precision."""
    return int.from_bytes(struct.pack(">f", value)[:2], "big")


_FIRST: Final = _raw(SMALLEST) >> 1
_LAST: Final = _raw(LARGEST) >> 1


def _bin(raw: int) -> int:
    size = raw & ~_SIGN
    if size > _INFINITE or size >> 1 < _FIRST:
        return 0
    number = min(size >> 1, _LAST) - _FIRST + 1
    return -number if raw & _SIGN else number


_bin_of: Final = [_bin(raw) for raw in range(2 * _SIGN)].__getitem__


def bounded(value: float) -> float:
    """Return the number as it is added up."""
    return max(-LARGEST_ADDED, min(value, LARGEST_ADDED))


def bins_of(values: Sequence[float]) -> list[int]:
    """Return the bin of each value."""
    halves = memoryview(array("f", values)).cast("B").cast("H")
    return list(map(_bin_of, halves[_UPPER]))


def value_of(number: int) -> float:
    """Return the value that stands for a bin."""
    if number == 0:
        return 0.0
    edge = abs(number) - 1 + _FIRST << 17
    low, high = struct.unpack(">ff", struct.pack(">II", edge, edge + (1 << 17)))
    size: float = (low + high) / 2
    return size if number > 0 else -size


def merge(into: Sketch, other: Mapping[int, int]) -> None:
    """Add `other` to `into`."""
    for number, count in other.items():
        into[number] = into.get(number, 0) + count
