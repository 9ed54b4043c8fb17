"""An alert's annotations: a rule's Jinja2 texts with the alert's facts filled in."""

from collections.abc import Mapping
from typing import Final

import msgspec

from alert_contracts.alerts import Alert
from service_runtime import templating

MAX_ANNOTATIONS: Final = 32
MAX_ANNOTATION: Final = 4_096
"""Characters of one rendered annotation."""
PREVIOUS: Final = "previous."
"""Numbers of the window before have names that begin so."""


def enrich(alert: Alert) -> Alert:
    """Return the alert with its annotations rendered; a failing text says so and the alert goes.

    Texts see the labels, the group, and every number that the condition saw, by name.
    """
    if not alert.annotations:
        return alert
    numbers = {name: _plain(number) for name, number in alert.aggregates.items()}
    before = {
        name.removeprefix(PREVIOUS): number
        for name, number in numbers.items()
        if name.startswith(PREVIOUS)
    }
    context: dict[str, object] = {
        **numbers,
        "aggregates": numbers,
        "previous": before,
        "found": alert.found,
        "labels": alert.labels,
        "group": alert.group,
        "rule": alert.rule.name,
        "severity": alert.severity.value,
        "service": alert.labels.get("service", ""),
        "threshold": None if alert.threshold is None else _plain(alert.threshold),
        "condition": alert.condition,
        "reason": alert.reason,
    }
    texts = list(alert.annotations.items())[:MAX_ANNOTATIONS]
    rendered = {name: _render(text, context) for name, text in texts}
    return msgspec.structs.replace(alert, annotations=rendered)


def _plain(number: float) -> float:
    return int(number) if number.is_integer() else number


def _render(text: str, context: Mapping[str, object]) -> str:
    try:
        return templating.render(text, context)[:MAX_ANNOTATION]
    except templating.TemplateRefusedError as exc:
        return f"<error expanding template: {exc}>"[:MAX_ANNOTATION]
