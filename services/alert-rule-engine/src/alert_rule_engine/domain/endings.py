"""Which changes of a rule end its alerts."""

import msgspec.structs

from alert_contracts.rules import Rule
from alert_rule_engine.domain.lifecycle import AlertState
from alert_rule_engine.domain.partials import digest
from alert_rule_engine.domain.rules import RuleBook


def gone(alert: AlertState, book: RuleBook) -> str:
    """Return why the rules as they now are end an alert; empty if they do not."""
    key = alert.key
    rule = book.rules.get(key)
    if rule is None:
        if key in book.errors:
            return f"the rule does not compile: {book.errors[key]}"
        return "the rule was disabled" if key in book.disabled else "the rule was deleted"
    if _counts(rule.rule) != _counts(alert.rule):
        return "the rule was changed: it starts anew"
    return ""


def basis(rule: Rule) -> int:
    """Return 64 bits that stand for what an alert of a rule depends on."""
    return digest(repr(_counts(rule)).encode())


def _counts(rule: Rule) -> tuple[object, ...]:
    """Return what an alert depends on; all else of its rule may change under it."""
    lists = (rule.blacklist, rule.whitelist)
    return (
        rule.type,
        rule.match,
        rule.value,
        rule.group_by,
        rule.severity,
        rule.max_groups,
        lists,
        msgspec.structs.astuple(rule.window),
    )
