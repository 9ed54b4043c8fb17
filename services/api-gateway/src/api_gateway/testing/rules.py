"""Rules of every type, and what becomes of them."""

from typing import Any

from alert_contracts.rules import Rule, RuleType
from api_gateway.domain.rule_document import Problem
from api_gateway.domain.rule_resolve import resolve
from api_gateway.domain.rule_review import review
from api_gateway.domain.rules import StoredRule, own_fields

LEAST: dict[RuleType, dict[str, Any]] = {
    RuleType.ERROR_THRESHOLD: {"threshold": 100},
    RuleType.LATENCY: {"threshold": 1000},
    RuleType.ERROR_RATE: {"threshold": 5},
    RuleType.SERVER_ERROR: {"threshold": 25},
    RuleType.EVENT_COUNT: {"match": 'message.contains("declined")', "threshold": 5},
    RuleType.METRIC: {"value": "attributes.depth", "condition": "max > threshold", "threshold": 9},
    RuleType.MATCH: {"match": 'level == "FATAL"'},
    RuleType.ABSENCE: {},
    RuleType.SPIKE: {"factor": 3},
    RuleType.CARDINALITY: {"value": "attributes.user", "threshold": 20},
    RuleType.NEW_TERM: {"value": "attributes.country"},
    RuleType.CHANGE: {"value": "attributes.version"},
}


def sent(kind: RuleType, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return the least that a rule of a type says, and changes; None takes away."""
    rule = {"name": "A rule", "type": kind.value, "severity": "HIGH", **LEAST[kind], **changes}
    return own_fields(rule)


def problems(kind: RuleType, **changes: Any) -> list[Problem]:  # noqa: ANN401 - any JSON
    """Return what is wrong with a rule of a type."""
    rule = sent(kind, **changes)
    return review(rule, tenant="default", check_template=lambda _text, _alert: None)


def resolved(kind: RuleType, **changes: Any) -> Rule:  # noqa: ANN401 - any JSON
    """Return the sound rule of a type as the engine is told."""
    if found := problems(kind, **changes):
        raise AssertionError(found)
    return resolve(StoredRule("default", "r", 1, sent(kind, **changes), 0, 0))
