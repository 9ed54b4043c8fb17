"""Which rules metrics show. Ten thousand would be too many: those that fail, then the costliest."""

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import Final, NamedTuple

from api_gateway.domain.rule_health import Fare, RuleKey

HOLD: Final = 2.0
"""A rule that is not shown has to cost so many times as much as one that is, to take its place:
else small changes would make new time series all the time."""


_Weight = tuple[bool, float, bool]


class Shown(NamedTuple):
    """The rules that metrics show, and how many they leave out."""

    rules: Mapping[RuleKey, Fare]
    left_out: int = 0


class Ranking:
    """Takes rules one by one, and keeps those to show."""

    def __init__(self, limit: int, *, before: Mapping[RuleKey, Fare]) -> None:
        self._limit = limit
        self._before = before
        self._best: list[tuple[_Weight, RuleKey, Fare]] = []
        """A heap: the first is the next to go."""
        self._left_out = 0

    def take(self, key: RuleKey, fare: Fare) -> None:
        """Look at one more rule."""
        held = key in self._before
        weight = fare.failing, fare.cpu_share * (HOLD if held else 1.0), held
        heappush(self._best, (weight, key, fare))
        if len(self._best) > self._limit:
            heappop(self._best)
            self._left_out += 1

    def shown(self) -> Shown:
        """Return the rules to show, the most notable first."""
        rules = {
            key: _steady(self._before[key], fare) if key in self._before else fare
            for _, key, fare in sorted(self._best, reverse=True)
        }
        return Shown(rules, self._left_out)


def _steady(before: Fare, now: Fare) -> Fare:
    """Return how a rule fares, its counts not a little lower than they were.

    A worker that was restored has to count its last events again. A reader of counters would take
    a lower count for one that began anew, and the whole of it for an increase.
    """
    return now._replace(
        events_matched=_held(before.events_matched, now.events_matched),
        late=_held(before.late, now.late),
        surplus=_held(before.surplus, now.surplus),
    )


def _held(before: int, now: int) -> int:
    return before if now < before <= 2 * now else now
