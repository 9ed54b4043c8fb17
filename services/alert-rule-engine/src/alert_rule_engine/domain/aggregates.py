"""What is known of some events of one group: counts, sums, a sketch, two samples, their sources.

Merging is commutative and associative (sums of floats up to rounding), so panes may be filled in
any order and windows summed from panes in any order.
"""

from typing import Any, Final, NamedTuple

from alert_rule_engine.domain import sketch as sketches
from alert_rule_engine.domain.partials import Row, Values

PERCENTILES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


class Evidence(NamedTuple):
    """One event: when it happened, which record holds it, and its line of NDJSON."""

    at: int
    source: int
    offset: int
    line: bytes


class Arrival(NamedTuple):
    """The record that rows came in."""

    source: int
    offset: int
    accepted_at: int
    traceparent: str | None


class Aggregate:
    """Mutable sums of one pane or one window of one group."""

    __slots__ = (
        "accepted",
        "count",
        "errors",
        "first",
        "high",
        "last",
        "low",
        "number",
        "sketch",
        "sources",
        "total",
    )

    def __init__(self) -> None:
        self.count = 0
        self.errors = 0
        self.number = 0
        self.total = 0.0
        self.low = 0.0
        self.high = 0.0
        self.sketch: dict[int, int] | None = None
        self.first: Evidence | None = None
        self.last: Evidence | None = None
        self.sources: dict[int, tuple[int, int]] = {}
        self.accepted: tuple[int, str] = (0, "")
        """When the newest batch was accepted, and its trace."""

    def weight(self) -> int:
        """Return the bytes of the samples."""
        return sum(len(each.line) for each in (self.first, self.last) if each is not None)

    def add(self, row: Row, arrival: Arrival) -> None:
        """Count a row of a record."""
        source, offset = arrival.source, arrival.offset
        self.count += row.count
        self.errors += row.errors
        if row.values is not None:
            self._add_values(row.values)
        if row.first is not None:
            self._witness(Evidence(row.first.at, source, offset, row.first.line))
        if row.last is not None:
            self._witness(Evidence(row.last.at, source, offset, row.last.line))
        self._came_from(source, offset, offset)
        self.accepted = max(self.accepted, (arrival.accepted_at, arrival.traceparent or ""))

    def merge(self, other: "Aggregate") -> None:
        """Add what another aggregate counted."""
        self.count += other.count
        self.errors += other.errors
        if other.number:
            self._add_values(Values(other.number, other.total, other.low, other.high, other.sketch))
        for evidence in (other.first, other.last):
            if evidence is not None:
                self._witness(evidence)
        for source, (low, high) in other.sources.items():
            self._came_from(source, low, high)
        self.accepted = max(self.accepted, other.accepted)

    def _add_values(self, values: Values) -> None:
        fresh = self.number == 0
        self.number += values.count
        self.total += values.total
        self.low = values.low if fresh or values.low < self.low else self.low
        self.high = values.high if fresh or values.high > self.high else self.high
        if values.sketch is not None:
            if self.sketch is None:
                self.sketch = {}
            sketches.merge(self.sketch, values.sketch)

    def _witness(self, evidence: Evidence) -> None:
        if self.first is None or evidence < self.first:
            self.first = evidence
        if self.last is None or evidence > self.last:
            self.last = evidence

    def _came_from(self, source: int, low: int, high: int) -> None:
        known = self.sources.get(source)
        if known is not None:
            low, high = min(known[0], low), max(known[1], high)
        self.sources[source] = (low, high)

    def seen(self, size: int) -> dict[str, Any]:
        """Return what `condition` sees of a window of `size` milliseconds, without percentiles.

        An aggregate that does not exist (the average of nothing) is absent.
        """
        view: dict[str, Any] = {
            "count": self.count,
            "total": self.count,
            "errors": self.errors,
            "rate": self.count * 1000.0 / size,
        }
        if self.number:
            view["sum"] = self.total
            view["avg"] = self.total / self.number
            view["min"] = self.low
            view["max"] = self.high
        return view

    def percentiles(self) -> dict[str, float]:
        """Return the percentiles, each within the range seen; none without a sketch."""
        if not self.sketch:
            return {}
        return {
            name: min(max(sketches.quantile(self.sketch, share), self.low), self.high)
            for name, share in PERCENTILES.items()
        }

    def pack(self) -> list[Any]:
        """Return the state as plain values, for `unpack`."""
        return [
            *(self.count, self.errors, self.number, self.total, self.low, self.high),
            *(self.sketch, self.first, self.last),
            [(source, *span) for source, span in self.sources.items()],
            self.accepted,
        ]


def unpack(packed: list[Any]) -> Aggregate:
    """Return the aggregate that `pack` wrote."""
    aggregate = Aggregate()
    aggregate.count, aggregate.errors, aggregate.number = packed[:3]
    aggregate.total, aggregate.low, aggregate.high = packed[3:6]
    aggregate.sketch = packed[6]
    aggregate.first = Evidence(*packed[7]) if packed[7] else None
    aggregate.last = Evidence(*packed[8]) if packed[8] else None
    aggregate.sources = {source: (low, high) for source, low, high in packed[9]}
    aggregate.accepted = (packed[10][0], packed[10][1])
    return aggregate
