"""Whether the levels that a rule names are such as events have: those are folded before."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from alert_contracts.events import LEVELS
from api_gateway.domain.levels import UNKNOWN, fold
from api_gateway.domain.rule_document import Problem, Sent, is_wrong
from api_gateway.domain.rule_expressions import expressions
from api_gateway.domain.rule_groups import fields_of
from rule_language import RuleLanguageError, compared

_LEVEL: Final = "level"


def check(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    """Find the levels that no event can have."""
    rule = expressions(sent)
    for pointer, source in (("/match", rule.match), ("/value", rule.value)):
        if source and pointer not in wrong:
            yield from _compared(pointer, source)
    if rule.value == _LEVEL:
        for name in ("blacklist", "whitelist"):
            yield from _listed(name, sent, wrong, lambda term: term)
    fields = fields_of(sent)
    if _LEVEL in fields:
        yield from _listed("expect", sent, wrong, lambda group: _part(group, fields))


def _compared(pointer: str, source: str) -> Iterator[Problem]:
    try:
        literals = compared(source, _LEVEL)
    except RuleLanguageError:  # that is told already
        return
    for literal in literals:
        where = f" at line {literal.line}, column {literal.column}"
        reason = _refusal(literal.value, where)
        if reason:
            yield Problem(pointer, reason, literal.line, literal.column)


def _listed(
    name: str, sent: Sent, wrong: set[str], level_of: Callable[[Any], object]
) -> Iterator[Problem]:
    if is_wrong(wrong, f"/{name}", "/groupBy"):
        return
    for index, item in enumerate(sent.get(name, ())):
        reason = _refusal(level_of(item))
        if reason:
            yield Problem(f"/{name}/{index}", reason)


def _part(group: str | list[str], fields: list[str]) -> str:
    """Return the level of a group; of one that has not a text for each field, none."""
    if isinstance(group, str):
        group = [group]
    return group[fields.index(_LEVEL)] if len(group) == len(fields) else ""


def _refusal(text: object, where: str = "") -> str:
    if not isinstance(text, str) or text in LEVELS:
        return ""
    level = fold(text)
    known = ", ".join(sorted(each for each in LEVELS if each))
    hint = f"known are {known}" if level == UNKNOWN else f"it is folded, expected '{level}'"
    return f"no event has the level '{text}'{where}: {hint}"
