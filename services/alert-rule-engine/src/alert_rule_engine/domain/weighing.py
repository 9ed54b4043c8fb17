"""How much single events tell of why an alert fires.

An event is weighed by the parts of the condition that would hold of a window with as many events,
all of them like this one: an error weighs for `errors * 100.0 / total > 5`, a slow request for
`p95 > 1000`, a small number for `min < 3`. Where values fire that are news, one with such a value
weighs.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from math import inf
from typing import Any, Final, NamedTuple

from alert_rule_engine.domain.aggregates import NUMBERS
from alert_rule_engine.domain.conditions import CompiledRule, constants_of
from alert_rule_engine.domain.specs import EXPRESSIONS, condition_of
from alert_rule_engine.domain.speech import holding
from rule_language import Condition

_ERRORS: Final = "errors"
_SINGLE: Final = NUMBERS | {_ERRORS}
"""Figures that follow from what single events are, not from how many there are."""
_FAR: Final = 1e15


def _nothing(_text: str) -> bool:
    return False


class Weight(NamedTuple):
    """What an event weighs; the greatest tells most."""

    parts: int = 0
    """Of the condition, those that would hold."""
    reach: float = 0.0
    """How far its number goes where that helps."""


class Scale:
    """Weighs events for the parts of a condition that holds of a window."""

    __slots__ = ("_count", "_direction", "_like", "_names", "_tests")

    def __init__(self, parts: Sequence[Condition], figures: Mapping[str, Any]) -> None:
        """`figures`: what the condition sees of the window."""
        self._tests = [part.test for part in parts]
        self._names = NUMBERS & frozenset[str]().union(*(part.variables for part in parts))
        self._count = figures["count"]
        self._like: dict[str, Any] = {**figures}
        high, low = self._holding(_FAR, error=False), self._holding(-_FAR, error=False)
        self._direction = (high > low) - (high < low)

    def weigh(self, number: float | None, *, error: bool) -> Weight:
        """Weigh an event with this number, or without any, that counts as an error or not."""
        parts = self._holding(number, error=error)
        if not self._direction:
            return Weight(parts)
        return Weight(parts, -inf if number is None else number * self._direction)

    def _holding(self, number: float | None, *, error: bool) -> int:
        like = self._like
        like[_ERRORS] = self._count if error else 0
        for name in self._names:
            like[name] = number
        if number is not None and "sum" in self._names:
            like["sum"] = number * self._count
        parts = 0
        for test in self._tests:
            parts += test(like)
        return parts


class News(NamedTuple):
    """What a rule found, by which it fires, and what it may have found besides."""

    value: str
    old: str | None = None
    """The value that it replaced, if it is a change."""
    besides: Callable[[str], bool] = _nothing
    """Tells whether another value may have been news, too."""

    def weigh(self, text: str | None, beside: Collection[str]) -> Weight:
        """Weigh an event by its value; `beside`: the values of all that came with it.

        A record is only known of if it brought something: one value alone is what it brought.
        """
        if text is None:
            return Weight()
        return Weight(int(text == self.value or len(beside) == 1 or self.besides(text)))

    def crossing(self, texts: Sequence[str | None]) -> int | None:
        """Return which of some values, in the order of time, brought it; None if none did.

        It is the first one, or the first after the last of those that it replaced.
        """
        found, before = None, None
        for place, text in enumerate(texts):
            replaces = self.old is not None and before == self.old
            if text == self.value and (found is None or replaces):
                found = place
            before = before if text is None else text
        return found


def scale_of(rule: CompiledRule, figures: Mapping[str, float]) -> Scale | None:
    """Return what weighs the events of a window of which a rule's condition holds.

    None, where its condition only asks how many there are.
    """
    if _SINGLE.isdisjoint(rule.condition.variables):
        return None
    known = {**figures, **constants_of(rule.rule)}
    parts = _parts(holding(rule.rule.condition, known))
    return Scale(parts, known) if parts else None


@lru_cache(EXPRESSIONS)
def _parts(condition: str) -> tuple[Condition, ...]:
    """Return the parts of a condition that single events can fulfil."""
    parts = condition_of(condition).parts
    return tuple(part for part in parts if not _SINGLE.isdisjoint(part.variables))
