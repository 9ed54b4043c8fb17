"""The words and labels of an alert."""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from alert_contracts import durations
from alert_contracts.labels import label_of
from alert_contracts.rules import Rule, RuleType
from alert_rule_engine.domain.conditions import constants_of
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.specs import condition_of
from rule_language import PREVIOUS, RuleLanguageError
from rule_language.schema import FIGURES

CROWD: Final = "\x1fmaxGroups"
"""Ends the group that stands for those that a rule had no room for, and makes it longer than any
group of events: their texts can be anything, this one too."""
_FIGURE: Final = re.compile(
    rf"(?<![\w.])((?:{re.escape(PREVIOUS)})?(?:{'|'.join(FIGURES)}))\b(?!\()"
)
_BOUND: Final = re.compile(r"\b(threshold|factor)\b")
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_NESTING: Final = re.compile(r"([()\[\]{}]|\|\|)")
_UNPARTED: Final = ("?", '"', "'", "//")
"""Signs with which `||` may not be what parts a condition."""
_LONG: Final = 1e15
_TINY: Final = 0.01
"""From here to there, figures are written out."""
_DECIMALS: Final = range(2, 18)
"""Two are enough, unless what is said with them would not be true."""


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
    """Return what holds of the condition in words: `count 101 > threshold 100`."""
    if rule.type is RuleType.ABSENCE and not figures["count"]:
        return f"no events for {durations.show(rule.window.size)}"
    if rule.type is RuleType.MATCH:
        count = int(figures["count"])
        return f"{count} event{'s match' if count != 1 else ' matches'}"
    known = {**figures, **constants_of(rule)}
    condition = holding(rule.condition, known)
    names = {*_FIGURE.findall(condition), *_BOUND.findall(condition)} & known.keys()
    texts = _numbers(condition, known, names)

    def with_number(found: re.Match[str]) -> str:
        name = found.group(1)
        return f"{name} {texts[name]}" if name in texts else name

    return _BOUND.sub(with_number, _FIGURE.sub(with_number, condition))


def turned_away(figures: Mapping[str, float]) -> str:
    """Return in words how many events had no room, since their groups had none."""
    count, groups = int(figures["count"]), int(figures["groups"])
    events = "1 event of a group" if count == 1 else f"{count} events of groups"
    were = "was" if count == 1 else "were"
    known = "1 group is" if groups == 1 else f"{groups} groups are"
    bound = int(figures["maxGroups"])
    return f"{events} beyond maxGroups {bound} {were} turned away; {known} known here"


def holding(condition: str, known: Mapping[str, float]) -> str:
    """Return of a condition's alternatives those that hold; all of it, if that cannot be told."""
    parts = _alternatives(condition)
    if len(parts) == 1:
        return condition
    try:
        return " || ".join(part for part in parts if condition_of(part).test(known)) or condition
    except RuleLanguageError:
        return condition  # State may hold a rule of a version that took what is refused now.


def _alternatives(condition: str) -> list[str]:
    """Part a condition at each `||` that stands in no brackets."""
    parts, depth = [""], 0
    if any(sign in condition for sign in _UNPARTED):
        return [condition]
    for piece in _NESTING.split(condition):
        depth += (piece in _OPENING) - (piece in _CLOSING)
        if piece == "||" and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts]


def _numbers(condition: str, known: Mapping[str, float], names: AbstractSet[str]) -> dict[str, str]:
    """Return numbers as people read them: as short as the condition says the same of them."""
    parts = _alternatives(condition)
    tries = ({name: _number(known[name], decimals) for name in names} for decimals in _DECIMALS)
    exactly = {name: repr(known[name]) for name in names}
    return next((texts for texts in tries if _is_true(parts, known, texts)), exactly)


def _is_true(parts: Iterable[str], known: Mapping[str, float], texts: Mapping[str, str]) -> bool:
    """Tell whether the conditions say the same of numbers as they are shown."""
    shown = {name: float(text) for name, text in texts.items()}
    exact = shown.items() <= known.items()
    return exact or _answers(parts, {**known, **shown}) == _answers(parts, known)


def _answers(parts: Iterable[str], known: Mapping[str, float]) -> list[bool]:
    """Return which conditions hold; of one that is refused by now, nothing."""
    try:
        return [condition_of(part).test(known) for part in parts]
    except RuleLanguageError:
        return []


def _number(value: float, decimals: int) -> str:
    if float(value).is_integer() and abs(value) < _LONG:
        return f"{value:.0f}"
    return f"{value:.{decimals}f}" if _TINY <= abs(value) < _LONG else f"{value:.{decimals + 1}g}"


def discovery(found: Mapping[str, str]) -> str:
    """Return what the type of a rule found, in words; empty if that is nothing."""
    if "old" in found:
        return f"{found['old']!r} became {found['new']!r}"
    return f"new value {found['value']!r}" if found else ""


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
