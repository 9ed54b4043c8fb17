"""A rule as the engine reads it: every default filled in."""

from typing import Any, Final

from alert_contracts import durations
from alert_contracts.forgetting import usual_forget
from alert_contracts.rules import DEFAULTS, SPIKES, Rule, RuleType
from api_gateway.domain import rule_types
from api_gateway.domain.rule_document import RuleDocument
from api_gateway.domain.rule_periods import interval_of
from api_gateway.domain.rule_windows import window_of
from api_gateway.domain.rules import StoredRule

_DAY: Final = 86_400_000


def resolve(rule: StoredRule) -> Rule:
    """Return the rule as the engine reads it."""
    document = rule.parsed
    defaults = DEFAULTS[document.type]
    window = window_of(document.window, document.window_minutes)
    hold, forget = durations.parse(document.hold), document.forget
    quiet = document.resolve_after
    few = document.min_count
    active = tuple(map(interval_of, document.active_time))
    return Rule(
        id=rule.id,
        tenant=rule.tenant,
        revision=rule.revision,
        name=document.name,
        type=document.type,
        match=document.match or defaults.match or "",
        condition=document.condition or _condition(document),
        severity=document.severity,
        window=window,
        group_by=tuple(document.group_by),
        enabled=document.enabled,
        threshold=document.threshold,
        value=document.value or defaults.value,
        min_count=defaults.min_count if few is None else few,
        resolve_after=durations.parse(quiet) if quiet else window.size,
        max_groups=document.max_groups,
        description=document.description,
        owner=document.owner,
        labels=document.labels,
        annotations=document.annotations,
        updated_at=rule.updated_at,
        hold=hold,
        keep_firing_for=durations.parse(document.keep_firing_for),
        no_data=document.no_data,
        active_time=active,
        forget=durations.parse(forget) if forget else usual_forget(window, hold, active),
        **_own(document),
    )


def _condition(document: RuleDocument) -> str:
    if document.type is RuleType.SPIKE:
        return SPIKES[document.direction or "up"]
    return DEFAULTS[document.type].condition or ""


def _own(document: RuleDocument) -> dict[str, Any]:
    """Return the fields of the rule's type that no other type has."""
    if document.type is RuleType.ABSENCE:
        return {"expect": tuple(dict.fromkeys(map(tuple, document.expect)))}
    if document.type in rule_types.NEWS:
        return {"remember": durations.parse(document.remember or rule_types.REMEMBER)}
    if document.type is RuleType.MATCH:
        return {
            "blacklist": tuple(dict.fromkeys(document.blacklist or ())),
            "whitelist": tuple(dict.fromkeys(document.whitelist or ())),
        }
    return _spike(document) if document.type is RuleType.SPIKE else {}


def _spike(document: RuleDocument) -> dict[str, Any]:
    direction = rule_types.direction_of(document.condition, document.direction)
    least = document.min_reference
    return {
        "factor": document.factor,
        "direction": direction,
        "min_reference": rule_types.MIN_REFERENCE if least is None else least,
    }
