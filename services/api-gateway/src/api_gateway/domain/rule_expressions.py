"""Whether the expressions of a rule compile, and read what there is for its type."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol

from alert_contracts.rules import DEFAULTS, SPIKES, RuleType
from api_gateway.domain.rule_document import Problem
from api_gateway.domain.rule_types import SCALAR, type_of
from rule_language import (
    Condition,
    RuleLanguageError,
    compile_condition,
    compile_match,
    compile_scalar,
    compile_value,
)

_OF_NUMBERS: Final = frozenset({"sum", "avg", "min", "max", "p50", "p90", "p95", "p99"})
_CALLED: Final = re.compile(
    r"\b(count|total|errors|rate|sum|avg|min|max|p50|p90|p95|p99|distinct)\s*\("
)
_EMPTY: Final = ("count", "total", "errors", "rate", "minCount", "distinct")
"""Figures that are nought in a window without events."""
_LONGEST: Final = 86_400
"""Seconds of the longest window: what a count in it at least is as a rate."""
_WHOLE: Final = 100
"""Percent."""
_SURE: Final = frozenset({"threshold"})
Sent = Mapping[str, Any]


class Compiler(Protocol):
    """Compiles an expression over one event, or raises RuleLanguageError."""

    def __call__(self, source: str, *, tenant: str) -> object: ...


class Expressions(NamedTuple):
    """The three expressions of a rule, its type's filled in; None where there is none."""

    kind: RuleType | None
    match: str | None
    value: str | None
    condition: str | None


def expressions(sent: Sent) -> Expressions:
    """Return the expressions that hold for a rule as sent."""
    kind = type_of(sent)
    given = (sent.get("match"), sent.get("value"), sent.get("condition"))
    if kind is None:
        return Expressions(None, *given)
    defaults = DEFAULTS[kind]
    condition = defaults.condition
    if kind is RuleType.SPIKE:
        direction = sent.get("direction", "up")
        condition = next((SPIKES[each] for each in SPIKES if each == direction), None)
    own = (defaults.match, defaults.value, condition)
    return Expressions(kind, *(said or default for said, default in zip(given, own, strict=True)))


def check(sent: Sent, wrong: set[str], tenant: str) -> Iterator[Problem]:
    """Find what is wrong with the expressions, and with what they need."""
    rule = expressions(sent)
    if rule.match and "/match" not in wrong:
        yield from _refused("/match", lambda: compile_match(rule.match or "", tenant=tenant))
    if rule.value and "/value" not in wrong:
        compiler: Compiler = compile_scalar if rule.kind in SCALAR else compile_value
        yield from _refused("/value", lambda: compiler(rule.value or "", tenant=tenant))
    if rule.condition and "/condition" not in wrong:
        yield from _condition(rule, rule.condition, sent, wrong)


def _refused(pointer: str, compile_it: Callable[[], object]) -> Iterator[Problem]:
    try:
        compile_it()
    except RuleLanguageError as exc:
        yield Problem(pointer, str(exc), exc.line, exc.column)


def _condition(rule: Expressions, text: str, sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    try:
        condition = compile_condition(text)
    except RuleLanguageError as exc:
        called = _CALLED.search(text)
        hint = f"; a figure is only named: {called[1]}" if called else ""
        yield Problem("/condition", f"{exc}{hint}", exc.line, exc.column)
        return
    yield from _parameters(rule, condition, sent)
    yield from _figures(rule, condition)
    if rule.kind is RuleType.SPIKE and "condition" in sent and not looks_back(condition):
        reason = "a SPIKE compares with `previous`; EVENT_COUNT and METRIC need not"
        yield Problem("/condition", reason)
    if "/threshold" not in wrong:
        yield from _percentage(rule, sent)
    if wrong.isdisjoint(("/threshold", "/minCount")):
        absence = rule.kind is RuleType.ABSENCE
        yield from _emptiness(condition, sent) if absence else _ruled_out(rule, condition, sent)


def looks_back(condition: Condition) -> bool:
    """Tell whether a condition reads the window before."""
    return any(name.startswith("previous.") for name in condition.variables)


def _parameters(rule: Expressions, condition: Condition, sent: Sent) -> Iterator[Problem]:
    """Find the numbers that the condition reads and the rule does not give, and the reverse."""
    for name in ("threshold", "factor"):
        if name in condition.variables and sent.get(name) is None:
            yield Problem(f"/{name}", f"is required: the condition `{condition.source}` uses it")
    if "factor" in condition.variables and rule.kind is not RuleType.SPIKE:
        yield Problem("/condition", "only SPIKE has a `factor`; write the number")
    if "threshold" not in condition.variables and "threshold" in sent:
        if "condition" not in sent:
            reason = f"is not read by the condition of the type, `{condition.source}`"
            yield Problem("/threshold", reason)
        elif rule.kind is RuleType.METRIC:
            reason = f"is not read by the condition, `{condition.source}`"
            yield Problem("/threshold", reason)


def _percentage(rule: Expressions, sent: Sent) -> Iterator[Problem]:
    """Find a percentage that is never exceeded."""
    usual = rule.condition == DEFAULTS[RuleType.ERROR_RATE].condition
    if rule.kind is RuleType.ERROR_RATE and usual and (sent.get("threshold") or 0) >= _WHOLE:
        yield Problem("/threshold", "no percentage exceeds 100, so it would never fire")


def _figures(rule: Expressions, condition: Condition) -> Iterator[Problem]:
    """Find the figures that the condition reads and windows of this type do not have."""
    read = {name.removeprefix("previous.") for name in condition.variables}
    numbers = sorted(read & _OF_NUMBERS)
    if numbers and rule.kind in SCALAR:
        reason = f"a window of {rule.kind} has no {', '.join(numbers)}: its value is not added up"
        yield Problem("/condition", reason)
    elif numbers and rule.kind not in {RuleType.METRIC, None} and not rule.value:
        yield Problem("/value", f"is required: the condition uses {', '.join(numbers)}")
    if "distinct" in read and rule.kind not in {RuleType.CARDINALITY, None}:
        yield Problem("/condition", "only CARDINALITY counts `distinct` values")


def _ruled_out(rule: Expressions, condition: Condition, sent: Sent) -> Iterator[Problem]:
    """Find what only holds with fewer events than `minCount`."""
    least = sent.get("minCount", DEFAULTS[rule.kind].min_count if rule.kind else 0)
    threshold = sent.get("threshold") or 0.0
    few = {**dict.fromkeys(_EMPTY, 0.0), "minCount": least, "threshold": threshold}
    enough = {**few, "count": least, "total": least, "rate": least / _LONGEST}
    for part in condition.parts:
        if not part.moves(_SURE if threshold >= 0 else frozenset()).only_down:
            continue
        if part.variables <= few.keys() and part.test(few) and part.judge(enough) is False:
            at = part.checked.root
            reason = (
                f"asks at line {at.line}, column {at.column} for fewer events than minCount"
                f' {least}, so it would never fire: say "minCount": 0, or make it an ABSENCE'
            )
            yield Problem("/condition", reason, at.line, at.column)


def _emptiness(condition: Condition, sent: Sent) -> Iterator[Problem]:
    threshold = sent.get("threshold")
    if looks_back(condition) or ("threshold" in condition.variables and threshold is None):
        return
    if not condition.test({**dict.fromkeys(_EMPTY, 0.0), "threshold": threshold or 0.0}):
        reason = "does not hold for a window without events, so it would never tell of absence"
        yield Problem("/condition", reason)
