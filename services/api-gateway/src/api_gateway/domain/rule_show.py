"""A rule as REST shows it: as sent, defaults filled in, times as RFC 3339."""

from collections.abc import Iterator
from typing import Any

from alert_contracts import durations
from alert_contracts.rules import Rule
from alert_contracts.times import rfc3339
from api_gateway.domain import rule_types
from api_gateway.domain.rule_resolve import resolve
from api_gateway.domain.rule_windows import DEFAULT_MINUTES
from api_gateway.domain.rules import Document, StoredRule


def show(rule: StoredRule) -> dict[str, Any]:
    """Return the rule as REST shows it."""
    return {
        "id": rule.id,
        "revision": rule.revision,
        **show_document(rule.document),
        "createdAt": rfc3339(rule.created_at),
        "updatedAt": rfc3339(rule.updated_at),
    }


def show_document(document: Document) -> dict[str, Any]:
    """Return a document, valid, with the defaults of what its type has filled in."""
    rule = resolve(StoredRule("", "", revision=1, document=document, created_at=0, updated_at=0))
    filled = {**dict(_defaults(rule, document)), **document}
    if "window" in document:
        filled["window"] = {
            "kind": "tumbling",
            "step": durations.show(rule.window.step),
            "allowedLateness": durations.show(rule.window.allowed_lateness),
            **document["window"],
        }
    return filled


def _defaults(rule: Rule, document: Document) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a rule of this type, in the order in which they are shown."""
    values: dict[str, Any] = {
        "name": rule.name,
        "description": "",
        "type": rule.type.value,
        "match": rule.match,
        "value": rule.value,
        "condition": rule.condition,
        "threshold": rule.threshold,
        "factor": rule.factor,
        "direction": rule.direction,
        "minReference": rule.min_reference,
        "windowMinutes": None if "window" in document else DEFAULT_MINUTES,
        "window": document.get("window"),
        "groupBy": list(rule.group_by),
        "expect": [],
        "forget": durations.show(rule.forget),
        "remember": durations.show(rule.remember),
        "severity": rule.severity.value,
        "enabled": True,
        "minCount": rule.min_count,
        "for": "0s",
        "keepFiringFor": "0s",
        "resolveAfter": durations.show(rule.resolve_after),
        "noData": "ok",
        "activeTime": [],
        "maxGroups": rule.max_groups,
        "labels": {},
        "annotations": {},
        "owner": "",
    }
    for name, value in values.items():
        if value is not None and rule_types.has(rule.type, name):
            yield name, value
