"""Whether a rule could ever fire: each of its parts may be right, and yet nothing fulfil it.

What cannot be told from the text alone is tried: on windows with few events and many, of which all
are errors, half of them, or none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from alert_contracts.rules import DEFAULTS, RuleType
from api_gateway.domain.rule_document import Problem, Sent
from api_gateway.domain.rule_expressions import Expressions, expressions
from rule_language import (
    Condition,
    RuleLanguageError,
    compile_condition,
    compile_match,
    compile_value,
)
from rule_language.nodes import Binary, Literal, walk

_EMPTY: Final = ("count", "total", "errors", "rate", "distinct")
"""Figures that are nought in a window without events."""
_CONSTANT: Final = frozenset({"minCount", "threshold"})
_COUNTED: Final = _CONSTANT | {"count", "total"}
_BOUNDED: Final = ("<", "<=", ">", ">=")
_LONGEST: Final = 86_400
"""Seconds of the longest window: what a count in it at least is as a rate."""
_MANY: Final = 1e15
"""More events than any rule asks for."""
_MAX_TRIED: Final = 50
"""A part that names more numbers is not tried."""
_SURE: Final = frozenset({"threshold"})
View = Mapping[str, float]


class _Given(NamedTuple):
    """The numbers of a rule."""

    least: float
    """Fewer events never fire."""
    threshold: float

    def view(self, count: float, errors: float = 0.0) -> View:
        """Return a window of so many events."""
        view = {**dict.fromkeys(_EMPTY, 0.0), "rate": count / _LONGEST, "errors": errors}
        own = {"minCount": self.least, "threshold": self.threshold}
        return {**view, **own, "count": count, "total": count}


def check(sent: Sent, wrong: set[str], tenant: str) -> Iterator[Problem]:
    """Find what keeps a rule from firing whatever comes."""
    rule = expressions(sent)
    if rule.match and "/match" not in wrong:
        yield from _contradicted(rule.match, tenant)
    if wrong.isdisjoint(("/match", "/value")):
        yield from _unmatched(rule, tenant)
    if rule.condition and wrong.isdisjoint(("/condition", "/threshold", "/minCount")):
        yield from _condition(rule, rule.condition, sent)


def _contradicted(match: str, tenant: str) -> Iterator[Problem]:
    """Find the fields of which a match asks for two things at once."""
    try:
        asked = compile_match(match, tenant=tenant).equalities
    except RuleLanguageError:
        return  # that is told where expressions are looked at
    for name, texts in asked.items():
        if not texts:
            yield Problem("/match", f"matches no event: no `{name}` is all that it asks for")


def _unmatched(rule: Expressions, tenant: str) -> Iterator[Problem]:
    """Find a value that is not that of the events for which the type's own match asks."""
    usual = DEFAULTS[rule.kind] if rule.kind else None
    if usual is None or usual.value is None or rule.value is None or rule.match != usual.match:
        return
    try:
        if usual.value in compile_value(rule.value, tenant=tenant).variables:
            return
    except RuleLanguageError:
        return  # that is told, too
    reason = f"is required with this value: the type's own asks for another, `{usual.match}`"
    yield Problem("/match", f'{reason}; say "match": "{_presence(rule.value, tenant)}"')


def _presence(value: str, tenant: str) -> str:
    """Return how a match asks for a value; of one that is computed, in principle."""
    try:
        return compile_match(f"has({value})", tenant=tenant).source
    except RuleLanguageError:
        return "has(attributes.name)"


def _condition(rule: Expressions, text: str, sent: Sent) -> Iterator[Problem]:
    try:
        condition = compile_condition(text)
    except RuleLanguageError:
        return
    threshold = sent.get("threshold")
    if rule.kind is RuleType.ABSENCE:
        if "threshold" not in condition.variables or threshold is not None:
            yield from _never_empty(condition, _Given(0, threshold or 0.0))
        return
    least = sent.get("minCount", DEFAULTS[rule.kind].min_count if rule.kind else 0)
    for part in condition.parts:
        if len(_named(part)) > _MAX_TRIED:
            continue
        given = _Given(least, threshold or 0.0)
        if _asks_for_fewer(part, given):
            yield _fewer(part, least)
        elif "threshold" not in part.variables or threshold is not None:
            yield from _beyond(part, given)


def _never_empty(condition: Condition, given: _Given) -> Iterator[Problem]:
    if not condition.compares and not condition.test(given.view(0.0)):
        reason = "does not hold for a window without events, so it would never tell of absence"
        yield Problem("/condition", reason)


def _asks_for_fewer(part: Condition, given: _Given) -> bool:
    """Tell whether a part holds for fewer events than `minCount`, and never for as many."""
    falls = part.moves(_SURE if given.threshold >= 0 else frozenset()).only_down
    if not (part.variables <= _COUNTED or (falls and part.variables <= given.view(0).keys())):
        return False
    counts = [0.0, given.least] if falls else _counts(part, given)
    few = any(part.test(given.view(count)) for count in counts if count < given.least)
    return few and all(
        part.judge(given.view(count)) is False for count in counts if count >= given.least
    )


def _fewer(part: Condition, least: float) -> Problem:
    at = part.checked.root
    reason = (
        f"asks at line {at.line}, column {at.column} for fewer events than minCount"
        f' {least}, so it would never fire: say "minCount": 0, or make it an ABSENCE'
    )
    return Problem("/condition", reason, at.line, at.column)


def _beyond(part: Condition, given: _Given) -> Iterator[Problem]:
    """Find a bound that no window passes, such as a percentage of more than a hundred."""
    at = part.checked.root
    if not isinstance(at, Binary) or at.operator not in _BOUNDED:
        return
    if not part.variables <= _COUNTED | {"errors"} or part.variables <= _CONSTANT:
        return
    if any(map(part.test, _windows(_counts(part, given), given))):
        return
    reason = "no window {}, not even one of errors only, so it would never fire"
    if "threshold" in part.variables:
        yield Problem("/threshold", reason.format("fulfils the condition with this"))
    else:
        where = f"is like that at line {at.line}, column {at.column}"
        yield Problem("/condition", reason.format(where), at.line, at.column)


def _windows(counts: Sequence[float], given: _Given) -> Iterator[View]:
    """Yield windows of enough events, of which all are errors, half of them, few, one, or none."""
    for count in counts:
        enough = max(count, given.least)
        errors = (0.0, min(1.0, enough), enough / 2, enough)
        yield from (given.view(enough, each) for each in errors)
        yield given.view(max(enough, _MANY), count)


def _counts(part: Condition, given: _Given) -> Sequence[float]:
    """Return numbers of events to try: none, many, and some around each number that is named."""
    around = {
        each // 1 + step for each in (*_named(part), given.threshold) for step in range(-1, 3)
    }
    return [0.0, 1.0, given.least, _MANY, *(each for each in around if each > 0)]


def _named(part: Condition) -> Sequence[float]:
    literals = [node.value for node in walk(part.checked.root) if isinstance(node, Literal)]
    return [float(value) for value in literals if isinstance(value, int | float)]
