"""What is known of some events of one group: counts, numbers, distinct values, where they lie.

Merging is commutative and associative, so panes may be filled in any order, and windows summed
from panes in any order.
"""

from bisect import bisect_left
from collections import _count_elements  # type: ignore[attr-defined]  # counts in C
from collections.abc import Mapping
from itertools import accumulate
from math import ceil
from sys import float_info
from typing import Any, Final

import msgspec

from alert_rule_engine.domain import sketch as sketches
from alert_rule_engine.domain.distinct import Distinct, count_of, merged
from alert_rule_engine.domain.partials import Numbers

PERCENTILES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
NUMBERS: Final = frozenset({"sum", "avg", "min", "max", *PERCENTILES})
"""Figures that need a number of each event."""
_GROWING: Final = ("count", "total", "errors", "rate", "sum", "distinct")
_MUCH: Final = 1_000_000_000
_EXTREMES: Final = {"min": -float_info.max, "max": float_info.max}
MAX_REFERENCES: Final = 12
_SOURCES: Final = 16
"""References are packed as offset * 16 + source partition."""
_QUANTA: Final = 2.0**40
"""Totals are added up as whole multiples of 2^-40, so that their order does not matter."""


def pack_reference(source: int, offset: int) -> int:
    """Return the place of a record of `log-events` as one number."""
    return offset * _SOURCES + source


def unpack_reference(reference: int) -> tuple[int, int]:
    """Return source partition and offset."""
    return reference % _SOURCES, reference // _SOURCES


def much_more(view: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures as they would be if any number of such events came: shares stay as they are.

    And some that are smaller or larger than all others.
    """
    grown = {name: view[name] * _MUCH for name in _GROWING if name in view}
    extremes = {name: each for name, each in _EXTREMES.items() if name in view}
    return {**view, **grown, **extremes}


class Figures(msgspec.Struct, array_like=True, gc=False):
    """What some events had for a `value`."""

    number: int = 0
    total: float = 0.0
    low: float = 0.0
    high: float = 0.0
    bins: dict[int, int] | None = None
    distinct: Distinct | None = None


class Cell(msgspec.Struct, array_like=True, gc=False):
    """The events of one group in one pane."""

    count: int
    errors: int
    first: int
    """The records that they came in: a packed reference."""
    last: int
    figures: Figures | None = None

    def add_numbers(self, numbers: Numbers) -> None:
        """Add the numbers of a row."""
        figures = self.figures
        if figures is None:
            figures = self.figures = Figures(0, 0.0, numbers.low, numbers.high)
        figures.number += numbers.count
        figures.total += numbers.total
        figures.low = min(figures.low, numbers.low)
        figures.high = max(figures.high, numbers.high)
        if numbers.bins is not None:
            if figures.bins is None:
                figures.bins = {}
            _count_elements(figures.bins, numbers.bins)

    def add_distinct(self, hashes: list[int]) -> None:
        """Add the values of a row."""
        if self.figures is None:
            self.figures = Figures(distinct=Distinct())
        if self.figures.distinct is not None:
            self.figures.distinct.add(hashes)


class Sum:
    """The sum of some cells."""

    __slots__ = ("bins", "count", "distinct", "errors", "high", "low", "number", "quanta", "refs")

    def __init__(self) -> None:
        self.count = 0
        self.errors = 0
        self.number = 0
        self.quanta = 0
        self.low = 0.0
        self.high = 0.0
        self.bins: dict[int, int] | None = None
        self.distinct: list[Distinct] | None = None
        """Of each cell; they are merged when somebody asks."""
        self.refs: list[int] = []
        """First and last record of each cell, in the order of the cells."""

    def add(self, cell: Cell) -> None:
        """Add a cell."""
        self.count += cell.count
        self.errors += cell.errors
        self.refs.append(cell.first)
        self.refs.append(cell.last)
        if cell.figures is not None:
            self._add(cell.figures)

    def _add(self, figures: Figures) -> None:
        if figures.number:
            fresh = self.number == 0
            self.number += figures.number
            self.quanta += int(figures.total * _QUANTA)
            self.low = figures.low if fresh else min(self.low, figures.low)
            self.high = figures.high if fresh else max(self.high, figures.high)
        if figures.bins is not None:
            if self.bins is None:
                self.bins = dict(figures.bins)
            else:
                sketches.merge(self.bins, figures.bins)
        if figures.distinct is not None:
            if self.distinct is None:
                self.distinct = []
            self.distinct.append(figures.distinct)

    def copy(self) -> "Sum":
        """Return the same, to be added to."""
        made = Sum()
        made.count, made.errors = self.count, self.errors
        made.number, made.quanta = self.number, self.quanta
        made.low, made.high = self.low, self.high
        made.refs = self.refs.copy()
        made.bins = None if self.bins is None else self.bins.copy()
        made.distinct = None if self.distinct is None else self.distinct.copy()
        return made

    def settle(self) -> None:
        """Merge the distinct values of the cells, to be asked for more than once."""
        if self.distinct is not None:
            self.distinct = [merged(self.distinct)]

    def remove(self, cell: Cell) -> bool:
        """Take the first cell out again; tell whether that can be told without the others."""
        figures = cell.figures
        if figures is not None and (
            figures.distinct is not None or figures.low <= self.low or figures.high >= self.high
        ):
            return False
        self.subtract(cell)
        return True

    def subtract(self, cell: Cell) -> None:
        """Take the first cell out; the least, the largest and the distinct values stay."""
        figures = cell.figures
        self.count -= cell.count
        self.errors -= cell.errors
        del self.refs[:2]
        if figures is not None:
            self.number -= figures.number
            self.quanta -= int(figures.total * _QUANTA)
            bins = self.bins or {}
            for number, count in (figures.bins or {}).items():
                bins[number] -= count
                if not bins[number]:
                    del bins[number]

    def references(self) -> list[int]:
        """Return the first and the last record and some between, each once, at most so many."""
        known = list(dict.fromkeys(self.refs))
        if len(known) <= MAX_REFERENCES:
            return known
        step = (len(known) - 1) / (MAX_REFERENCES - 1)
        return [known[round(number * step)] for number in range(MAX_REFERENCES)]

    def seen(self, size: int) -> dict[str, Any]:
        """Return what `condition` sees of a window of `size` milliseconds.

        A figure that does not exist (the average of nothing) is absent.
        """
        view: dict[str, Any] = {
            "count": self.count,
            "total": self.count,
            "errors": self.errors,
            "rate": self.count * 1000.0 / size,
        }
        if self.number:
            view["sum"] = self.quanta / _QUANTA
            view["avg"] = view["sum"] / self.number
            view["min"] = self.low
            view["max"] = self.high
        if self.bins:
            view.update(self._percentiles(self.bins))
        if self.distinct is not None:
            view["distinct"] = count_of(self.distinct)
        return view

    def _percentiles(self, bins: dict[int, int]) -> dict[str, float]:
        """Return the percentiles, each within the range seen."""
        numbers = sorted(bins)
        reached = [*accumulate(map(bins.__getitem__, numbers))]
        found = {}
        for name, share in PERCENTILES.items():
            rank = max(1, ceil(share * reached[-1]))
            value = sketches.value_of(numbers[bisect_left(reached, rank)])
            found[name] = min(max(value, self.low), self.high)
        return found
