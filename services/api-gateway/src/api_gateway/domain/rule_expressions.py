"""Whether the expressions of a rule compile, and read what there is for its type."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

from alert_contracts.rules import DEFAULTS, SPIKES, RuleType
from api_gateway.domain.rule_document import Problem, Sent
from api_gateway.domain.rule_types import NEWS, SCALAR, type_of
from rule_language import (
    PREVIOUS,
    Condition,
    RuleLanguageError,
    compile_condition,
    compile_match,
    compile_scalar,
    compile_value,
    mistakes,
)

_OF_NUMBERS: Final = frozenset({"sum", "avg", "min", "max", "p50", "p90", "p95", "p99"})
_COMMENT: Final = "//"


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
        yield from _refused("/match", rule.match, partial(compile_match, tenant=tenant))
    if rule.value and "/value" not in wrong:
        compiler = compile_scalar if rule.kind in SCALAR else compile_value
        yield from _refused("/value", rule.value, partial(compiler, tenant=tenant))
    if rule.condition and "/condition" not in wrong:
        yield from _condition(rule, rule.condition, sent, wrong)


def _refused(pointer: str, source: str, compiler: Callable[[str], object]) -> Iterator[Problem]:
    try:
        compiler(source)
        found = mistakes(source)
    except RuleLanguageError as exc:
        found = [exc]
    for each in found:
        yield Problem(pointer, str(each), each.line, each.column)


def _condition(rule: Expressions, text: str, sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    try:
        condition = compile_condition(text)
    except RuleLanguageError as exc:
        yield Problem("/condition", str(exc), exc.line, exc.column)
        return
    if _COMMENT in text:
        reason = "has a comment, which would be read in every alert; put it into `description`"
        yield Problem("/condition", reason)
    yield from _parameters(rule, condition, sent)
    yield from _figures(rule, condition)
    if rule.kind is RuleType.SPIKE and "condition" in sent and not condition.compares:
        reason = "a SPIKE compares with `previous`; EVENT_COUNT and METRIC need not"
        yield Problem("/condition", reason)
    if "/threshold" not in wrong:
        yield from _threshold(condition, sent)


def _parameters(rule: Expressions, condition: Condition, sent: Sent) -> Iterator[Problem]:
    """Find the numbers that the condition reads and the rule does not give."""
    for name in ("threshold", "factor"):
        if name in condition.variables and sent.get(name) is None:
            yield Problem(f"/{name}", f"is required: the condition `{condition.source}` uses it")
    if "factor" in condition.variables and rule.kind is not RuleType.SPIKE:
        yield Problem("/condition", "only SPIKE has a `factor`; write the number")


def _threshold(condition: Condition, sent: Sent) -> Iterator[Problem]:
    """Find a threshold that is not read."""
    if "threshold" not in condition.variables and "threshold" in sent:
        whose = "" if "condition" in sent else " of the type"
        yield Problem("/threshold", f"is not read by the condition{whose}, `{condition.source}`")


def _figures(rule: Expressions, condition: Condition) -> Iterator[Problem]:
    """Find the figures that the condition reads and windows of this type do not have."""
    read = {name.removeprefix(PREVIOUS) for name in condition.variables}
    numbers = sorted(read & _OF_NUMBERS)
    if numbers and rule.kind in SCALAR:
        reason = f"a window of {rule.kind} has no {', '.join(numbers)}: its value is not added up"
        yield Problem("/condition", reason)
    elif numbers and rule.kind not in {RuleType.METRIC, None} and not rule.value:
        yield Problem("/value", f"is required: the condition uses {', '.join(numbers)}")
    if "distinct" in read and rule.kind not in {RuleType.CARDINALITY, None}:
        yield Problem("/condition", "only CARDINALITY counts `distinct` values")
    if rule.kind in NEWS:
        yield from _of_news(rule.kind, condition)


def _of_news(kind: RuleType, condition: Condition) -> Iterator[Problem]:
    """Find what is not known of the events that bring something new."""
    if condition.compares:
        yield Problem("/condition", f"a {kind} has no `previous`: what is new is not compared")
    if "errors" in condition.variables:
        reason = f'a {kind} counts no `errors`; ask for them in `match`: level == "ERROR"'
        yield Problem("/condition", reason)
