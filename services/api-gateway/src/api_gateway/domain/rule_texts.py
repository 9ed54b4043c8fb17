"""Whether the texts of a rule render: tried on an alert such as the rule makes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from alert_contracts.rules import RuleType, Severity
from api_gateway.domain.refusals import step
from api_gateway.domain.rule_document import Problem
from api_gateway.domain.rule_expressions import expressions
from api_gateway.domain.rule_groups import fields_of, label_of
from api_gateway.domain.rule_types import SCALAR, type_of

Sent = Mapping[str, Any]
CheckTemplate = Callable[[str, Mapping[str, object]], str | None]
"""Returns why a text cannot be rendered with these names, or None."""
_PREVIOUS: Final = "previous."
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
    alert = example(sent, tenant)
    for name, text in annotations.items():
        reason = refusal(text, alert) if isinstance(text, str) else None
        if reason is not None:
            yield Problem("/annotations" + step(name), reason)


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
            name.removeprefix(_PREVIOUS): number
            for name, number in numbers.items()
            if name.startswith(_PREVIOUS)
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
    figures = dict(_COUNTS)
    if rule.kind is RuleType.CARDINALITY:
        figures["distinct"] = 40
    if rule.value and rule.kind not in SCALAR:
        figures.update(_NUMBERS)
        if any(name in (rule.condition or "") for name in _SHARES):
            figures.update(_SHARES)
    if _PREVIOUS in (rule.condition or ""):
        figures.update({_PREVIOUS + name: number for name, number in figures.items()})
    return figures
