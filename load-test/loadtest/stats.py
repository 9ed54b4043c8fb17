"""Latencies: kept whole, summarised as percentiles in milliseconds."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple


class Percentiles(NamedTuple):
    """Milliseconds; None where nothing was measured."""

    measured: int
    p50: float | None
    p95: float | None
    p99: float | None
    longest: float | None

    def as_json(self) -> dict[str, float | int | None]:
        """Return the members under their JSON names."""
        return {
            "count": self.measured,
            "p50": self.p50,
            "p95": self.p95,
            "p99": self.p99,
            "max": self.longest,
        }


def percentiles(milliseconds: Sequence[float]) -> Percentiles:
    """Summarise by nearest rank, so that every figure is one that was measured."""
    ordered = sorted(milliseconds)
    if not ordered:
        return Percentiles(0, None, None, None, None)
    p50, p95, p99 = (ordered[ceil(len(ordered) * share) - 1] for share in (0.5, 0.95, 0.99))
    return Percentiles(len(ordered), p50, p95, p99, ordered[-1])


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Return how fast y grows with x, by least squares; None with fewer than two distinct x."""
    count = len(points)
    if not count:
        return None
    middle_x = sum(x for x, _ in points) / count
    middle_y = sum(y for _, y in points) / count
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    if not spread:
        return None
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
