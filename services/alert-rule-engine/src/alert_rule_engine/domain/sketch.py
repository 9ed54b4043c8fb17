"""Percentiles that merge: a logarithmic histogram with a relative error of at most 1 %.

A value falls into the bucket (g^(i-1), g^i] with g = (1 + e) / (1 - e); a bucket's answer is off
by at most e of the value (the bound of DDSketch). Two histograms merge by adding their counts, in
any order. Magnitudes below `SMALLEST` count as zero, above `LARGEST` as `LARGEST`, so that a
histogram has at most some 5 000 buckets whatever it is fed.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import accumulate
from typing import Final

RELATIVE_ERROR: Final = 0.01
SMALLEST: Final = 1e-6
LARGEST: Final = 1e15

Sketch = dict[int, int]
"""Bucket to count: positive for positive values, negative for negative ones, 0 for zero."""

_GAMMA: Final = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_SCALE: Final = 1 / math.log(_GAMMA)
_OFFSET: Final = 1 - math.ceil(math.log(SMALLEST) * _SCALE)
_MIDDLE: Final = 2 / (_GAMMA + 1)


def bounded(value: float) -> float:
    """Return the number within +-`LARGEST`; what is no number counts as zero."""
    return max(-LARGEST, min(value, LARGEST)) if value == value else 0.0  # noqa: PLR0124 - NaN


@lru_cache(maxsize=65_536)
def bucket_of(value: float) -> int:
    """Return the bucket of a finite value."""
    size = abs(value)
    if size < SMALLEST:
        return 0
    bucket = math.ceil(math.log(min(size, LARGEST)) * _SCALE) + _OFFSET
    return bucket if value > 0 else -bucket


def value_of(bucket: int) -> float:
    """Return the value that stands for a bucket."""
    if bucket == 0:
        return 0.0
    size = _GAMMA ** (abs(bucket) - _OFFSET) * _MIDDLE
    return size if bucket > 0 else -size


def sketch_of(values: Iterable[float]) -> Sketch:
    """Return the histogram of some finite values."""
    counts: Sketch = {}
    for value in values:
        bucket = bucket_of(value)
        counts[bucket] = counts.get(bucket, 0) + 1
    return counts


def merge(into: Sketch, other: Mapping[int, int]) -> None:
    """Add `other` to `into`."""
    for bucket, count in other.items():
        into[bucket] = into.get(bucket, 0) + count


def quantile(sketch: Mapping[int, int], share: float) -> float:
    """Return the value at rank ceil(share * n), 0 < share <= 1; `sketch` is not empty."""
    buckets = sorted(sketch)
    rank = max(1, math.ceil(share * sum(sketch.values())))
    return value_of(buckets[bisect_left([*accumulate(sketch[bucket] for bucket in buckets)], rank)])
