"""Whether the texts of a rule render: tried on an alert such as the rule makes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from alert_contracts.labels import label_of
from alert_contracts.rules import RuleType, Severity
from alert_contracts.spelling import nearest
from api_gateway.domain.refusals import step
from api_gateway.domain.rule_document import Problem, Sent, is_wrong
from api_gateway.domain.rule_expressions import expressions
from api_gateway.domain.rule_groups import fields_of
from api_gateway.domain.rule_types import SCALAR, type_of
from rule_language import PREVIOUS, RuleLanguageError, compile_condition

CheckTemplate = Callable[[str, Mapping[str, object]], str | None]
"""Returns why a text cannot be rendered with these names, or None."""
_DECISIVE: Final = ("/groupBy", "/type")
"""Where these are wrong, nobody knows what an alert has."""
_WHY_EMPTY: Final[Mapping[str, str]] = {
    "previous": "its condition does not read the window before",
    "found": "rules of its type find nothing but figures",
    "group": "its groupBy is empty",
}
_SAMPLES: Final[Mapping[str, str]] = {
    "service": "payment-service",
    "level": "ERROR",
    "host": "pay-3",
    "statusCode": "500",
    "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
}
_COUNTS: Final[Mapping[str, float]] = {"count": 120, "total": 120, "errors": 60, "rate": 0.4}
_NUMBERS: Final[Mapping[str, float]] = {"sum": 150_000.5, "avg": 1_250.004, "min": 3, "max": 5_000}
_SHARES: Final[Mapping[str, float]] = {"p50": 900.5, "p90": 2_000.5, "p95": 2_500.5, "p99": 4_900.5}


def check(sent: Sent, wrong: set[str], tenant: str, refusal: CheckTemplate) -> Iterator[Problem]:
    """Find the annotations that are no templates, or fail on an alert of this rule."""
    annotations = sent.get("annotations")
    if not isinstance(annotations, dict) or "/annotations" in wrong:
        return
    if is_wrong(wrong, *_DECISIVE):
        return
    alert = example(sent, tenant)
    for name, text in annotations.items():
        reason = refusal(text, alert) if isinstance(text, str) else None
        if reason is not None:
            yield Problem("/annotations" + step(name), reason)


def missing(path: Sequence[str], alert: Mapping[str, object]) -> str:
    """Return why a text may not read a name, `labels` and `servce`, that an alert has not."""
    *parents, name = path
    owner = alert[parents[0]] if parents else alert
    reason = f"an alert of this rule has no `{_written(path)}`"
    if not isinstance(owner, Mapping):
        return f"{reason}; `{parents[0]}` has no parts"
    if not owner:
        return f"{reason}; {_WHY_EMPTY[parents[0]]}"
    names = [each for each in owner if parents or each.isidentifier()]
    meant = nearest(name, names)
    if meant:
        return f"{reason}; did you mean {_written((*parents, meant))}?"
    return f"{reason}; there are {', '.join(_written((*parents, each)) for each in names)}"


def _written(path: Sequence[str]) -> str:
    """Return a name as a text reads it: `labels.service`, `group["attributes.user"]`."""
    return path[0] + "".join(
        f".{name}" if name.isidentifier() else f'["{name}"]' for name in path[1:]
    )


def example(sent: Sent, tenant: str) -> dict[str, object]:
    """Return what the texts of an alert of this rule see, as far as the rule can be read."""
    group = {field: _SAMPLES.get(field, "a-value") for field in fields_of(sent)}
    labels = sent.get("labels")
    severity = sent.get("severity")
    severity = severity if severity in Severity.__members__ else Severity.HIGH.value
    numbers = _numbers(sent)
    return {
        **numbers,
        "aggregates": numbers,
        "previous": {
            name.removeprefix(PREVIOUS): number
            for name, number in numbers.items()
            if name.startswith(PREVIOUS)
        },
        "found": _found(sent),
        "labels": {
            **(labels if isinstance(labels, dict) else {}),
            **{label_of(field): text for field, text in group.items()},
            "alertname": str(sent.get("name")),
            "severity": str(severity).lower(),
            "rule_id": "5f3a1c9e",
            "tenant": tenant,
        },
        "group": group,
        "rule": str(sent.get("name")),
        "severity": severity,
        "service": group.get("service", ""),
        "threshold": sent.get("threshold"),
        "condition": expressions(sent).condition,
        "reason": "count 120 > threshold 100",
    }


def _found(sent: Sent) -> Mapping[str, str]:
    """Return what an alert of this rule has found, besides numbers."""
    kind = type_of(sent)
    if kind is RuleType.CHANGE:
        return {"old": "a-value", "new": "another-value"}
    found = kind is RuleType.NEW_TERM or (kind is RuleType.MATCH and "value" in sent)
    return {"value": "a-value"} if found else {}


def _numbers(sent: Sent) -> dict[str, float]:
    """Return the figures that a window of this rule has; those of numbers only where it has any."""
    rule = expressions(sent)
    read = _read(rule.condition)
    figures = dict(_COUNTS)
    if rule.kind is RuleType.CARDINALITY:
        figures["distinct"] = 40
    if rule.value and rule.kind not in SCALAR:
        shares = read & _SHARES.keys()
        figures.update(_NUMBERS if shares or read & _NUMBERS.keys() else {})
        figures.update(_SHARES if shares else {})
    if PREVIOUS in read:
        figures.update({PREVIOUS + name: number for name, number in figures.items()})
    return figures


def _read(condition: str | None) -> set[str]:
    """Return the figures that a condition reads, and whether of the window before; or all."""
    try:
        variables = compile_condition(str(condition)).variables
    except RuleLanguageError:  # that is told already
        return {*_NUMBERS, *_SHARES, PREVIOUS}
    before = {PREVIOUS for name in variables if name.startswith(PREVIOUS)}
    return {name.removeprefix(PREVIOUS) for name in variables} | before
