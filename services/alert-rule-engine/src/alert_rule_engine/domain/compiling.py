"""Compiling a rule: what its panes count, when its windows are judged, and what they need."""

from collections.abc import Mapping
from functools import lru_cache
from sys import float_info
from typing import Any, Final

from alert_contracts.rules import Rule
from alert_rule_engine.domain.asks import PLACED
from alert_rule_engine.domain.conditions import (
    CompiledRule,
    Judgement,
    Place,
    constants_of,
    rule_key,
)
from alert_rule_engine.domain.partials import Group, bucket_of, slot_of, target_of
from alert_rule_engine.domain.specs import (
    EXPRESSIONS,
    FILTERS,
    NUMERIC,
    PaneSpec,
    condition_of,
    match_of,
    scalar_of,
    spec_of,
    value_of,
)
from alert_rule_engine.domain.windows import shape_of
from rule_language import PREVIOUS, Condition

_NEVER_NEGATIVE: Final = frozenset({"responseTime", "statusCode"})
"""Values of which no event has a negative one, so that their sum only grows."""
_OF_VALUES: Final = frozenset({"sum", "min", "max", "avg"})
_COUNTED: Final = frozenset({"count", "total", "rate", "threshold", "minCount"})
_MAX: Final = float_info.max
_MOST: Final = 1 << 53
_LARGE: Final = 10**12


def compile_rule(rule: Rule) -> CompiledRule:
    """Compile a rule.

    Raises:
        RuleLanguageError: an expression of the rule is refused.
    """
    match_of(rule.match, rule.tenant).rest(PLACED)  # remembered: whoever counts needs it in haste
    condition = condition_of(rule.condition)
    spec = spec_of(rule, condition)
    if spec.value is not None:
        compiled = value_of if spec.kind in NUMERIC else scalar_of
        compiled(spec.value, rule.tenant)
    moves = condition.moves(_never_negative(rule))
    sways = moves.down or moves.sways or condition.compares
    judgement = _judgement(rule, condition, down=moves.down, sways=sways)
    shape = shape_of(rule.window)
    # What divides is looked at from the first event on: that it cannot be decided is to be told.
    known = judgement is Judgement.CROSSING and "/" not in rule.condition
    counts = condition.variables <= _COUNTED and spec.kind not in FILTERS
    constants = frozenset((name, each, repr(each)) for name, each in constants_of(rule).items())
    least = _least(rule.condition, shape.size, constants) if known else 0
    return CompiledRule(
        rule=rule,
        key=rule_key(rule),
        spec=spec,
        shape=shape,
        condition=condition,
        judgement=judgement,
        low=max(least, rule.min_count, 1),
        exact=known and counts and not rule.active_time and least < _MOST,
        sways=sways,
        compares=condition.compares,
        fallible=_fallible(rule.condition),
        expected=_expected(rule, spec),
    )


def _fallible(condition: str) -> bool:
    return any(sign in condition for sign in "/%(")


def _expected(rule: Rule, spec: PaneSpec) -> Mapping[Place, tuple[Group, ...]]:
    found: dict[Place, tuple[Group, ...]] = {}
    for group in rule.expect:
        slot = slot_of(spec.id, group if spec.spread else ())
        place = target_of(slot), bucket_of(slot)
        found[place] = (*found.get(place, ()), group)
    return found


def _judgement(rule: Rule, condition: Condition, *, down: bool, sways: bool) -> Judgement:
    if not sways:
        return Judgement.CLOSE if rule.hold else Judgement.CROSSING
    return Judgement.END if down or _holds_empty(rule, condition) else Judgement.CLOSE


def _never_negative(rule: Rule) -> frozenset[str]:
    figures = _OF_VALUES if rule.value in _NEVER_NEGATIVE else frozenset()
    return figures | {"threshold"} if (rule.threshold or 0) >= 0 else figures


def _holds_empty(rule: Rule, condition: Condition) -> bool:
    """Tell whether the condition may hold for a window without events."""
    known = constants_of(rule)
    before = ("count", "total", "errors", "rate", "sum", "avg", "max", "distinct")
    for previous in (0, _LARGE):
        empty = dict.fromkeys(("count", "total", "errors", "rate", "distinct"), 0)
        view = {**empty, **{PREVIOUS + name: previous for name in before}, **known}
        if condition.test(view):
            return True
    return False


@lru_cache(EXPRESSIONS)
def _least(text: str, size: int, constants: frozenset[tuple[str, Any, str]]) -> int:
    """Return the least count of events with which a condition that only grows can hold.

    What cannot be decided of extremes (`int(max)` is too large) may hold of what is less.
    Each constant has its text beside it, which tells 0.0 from -0.0.
    """
    condition = condition_of(text)
    known = {name: value for name, value, _ in constants}
    decide = condition.judge if _fallible(text) else condition.test

    def could(count: int) -> bool:
        grown = dict.fromkeys(("count", "total", "errors", "distinct"), count)
        rate = {"rate": count * 1000.0 / size}
        extremes = {"sum": _MAX, "max": _MAX, "min": -_MAX} if count else {}
        return decide({**grown, **rate, **extremes, **known}) is not False

    low, high = 0, 1
    while not could(high):
        low, high = high, high * 2
        if high >= _MOST:
            return _MOST
    while low < high:
        middle = (low + high) // 2
        if could(middle):
            high = middle
        else:
            low = middle + 1
    return high
