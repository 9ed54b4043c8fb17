"""The words and labels of an alert."""

import re
from collections.abc import Mapping
from typing import Final

from alert_contracts.rules import Rule, RuleType
from alert_rule_engine.domain.partials import Group

CROWD: Final = "\x1fmaxGroups"
"""Ends the group that stands for those that a rule had no room for, and makes it longer than any
group of events: their texts can be anything, this one too."""
_FIGURE: Final = re.compile(
    r"(?<![\w.])((?:previous\.)?"
    r"(?:count|total|errors|rate|sum|avg|min|max|p50|p90|p95|p99|distinct))\b(?!\()"
)
_BOUND: Final = re.compile(r"\b(threshold|factor)\b")
_NO_LABEL: Final = re.compile(r"[^a-zA-Z0-9_]")


def is_crowd(rule: Rule, group: Group) -> bool:
    """Tell whether this stands for the groups that a rule had no room for."""
    return len(group) > len(rule.group_by)


def named(rule: Rule, group: Group) -> dict[str, str]:
    """Return the group under the names that the rule groups by."""
    return {} if is_crowd(rule, group) else dict(zip(rule.group_by, group, strict=True))


def identity(rule: Rule, group: Group) -> dict[str, str]:
    """Return what tells an alert of a rule from its others."""
    return {"maxGroups": "passed"} if is_crowd(rule, group) else named(rule, group)


def reason_of(rule: Rule, figures: Mapping[str, float]) -> str:
    """Return the condition in words: `count 101 > threshold 100`."""
    if rule.type is RuleType.ABSENCE and not figures["count"]:
        return f"no events for {duration(rule.window.size)}"
    bounds = {"threshold": rule.threshold, "factor": rule.factor}

    def with_figure(found: re.Match[str]) -> str:
        name = found.group(1)
        return f"{name} {_number(figures[name])}" if name in figures else name

    def with_bound(found: re.Match[str]) -> str:
        name = found.group(1)
        bound = bounds[name]
        return name if bound is None else f"{name} {_number(bound)}"

    return _BOUND.sub(with_bound, _FIGURE.sub(with_figure, rule.condition))


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.2f}"


def discovery(found: Mapping[str, str]) -> str:
    """Return what the type of a rule found, in words; empty if that is nothing."""
    if "old" in found:
        return f"{found['old']!r} became {found['new']!r}"
    return f"new value {found['value']!r}" if found else ""


def label_of(field: str) -> str:
    """Return the label name of a groupBy field: `attributes.k8s.pod` is `k8s_pod`."""
    label = _NO_LABEL.sub("_", field.removeprefix("attributes."))
    return f"_{label}" if label[0].isdigit() else label


def labels_of(rule: Rule, group: Group) -> dict[str, str]:
    """Return the labels of an alert: the rule's own, the group, and what names the rule."""
    owner = {"owner": rule.owner} if is_crowd(rule, group) and rule.owner else {}
    return {
        **rule.labels,
        **{label_of(field): value for field, value in named(rule, group).items()},
        **owner,
        "alertname": f"{rule.name}: too many groups" if is_crowd(rule, group) else rule.name,
        "severity": rule.severity.lower(),
        "rule_id": rule.id,
        "tenant": rule.tenant,
    }


def duration(milliseconds: int) -> str:
    """Return a length of time as Prometheus writes it: `1h30m`, `5m`, `250ms`."""
    if milliseconds == 0:
        return "0s"
    text = ""
    for unit, length in (("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        number, milliseconds = divmod(milliseconds, length)
        text += f"{number}{unit}" if number else ""
    return text
