"""Whether a rule could ever fire: each of its parts may be right, and yet nothing fulfil it."""

from collections.abc import Iterator, Mapping
from typing import Any

from alert_contracts.rules import DEFAULTS
from api_gateway.domain.rule_document import Problem
from api_gateway.domain.rule_expressions import Expressions, expressions
from rule_language import RuleLanguageError, compile_match, compile_value

Sent = Mapping[str, Any]


def check(sent: Sent, wrong: set[str], tenant: str) -> Iterator[Problem]:
    """Find what keeps a rule from firing whatever comes."""
    rule = expressions(sent)
    if "match" not in sent and "/value" not in wrong:
        yield from _unmatched(rule, tenant)


def _unmatched(rule: Expressions, tenant: str) -> Iterator[Problem]:
    """Find a value that is not that of the events for which the type's own match asks."""
    usual = DEFAULTS[rule.kind] if rule.kind else None
    if usual is None or usual.value is None or rule.value is None:
        return
    try:
        if usual.value in compile_value(rule.value, tenant=tenant).variables:
            return
    except RuleLanguageError:
        return  # that is told where expressions are looked at
    reason = f"is required with this value: the type's own asks for another, `{usual.match}`"
    yield Problem("/match", f'{reason}; say "match": "{_presence(rule.value, tenant)}"')


def _presence(value: str, tenant: str) -> str:
    """Return how a match asks for a value; of one that is computed, in principle."""
    try:
        return compile_match(f"has({value})", tenant=tenant).source
    except RuleLanguageError:
        return "has(attributes.name)"
