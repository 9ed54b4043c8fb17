"""Pane specs: what is counted, by what, and in panes of which length."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from alert_contracts.panes import pane_length
from alert_contracts.rules import Rule, RuleType
from alert_rule_engine.domain.aggregates import NUMBERS, PERCENTILES
from rule_language import (
    PREVIOUS,
    Condition,
    compile_condition,
    compile_match,
    compile_scalar,
    compile_value,
)

MAX_TOGETHER: Final = 1_000
"""A rule of at most so many groups has them in one bucket."""
EXPRESSIONS: Final = 20_000
"""Compiled expressions that are remembered, so that a change costs what it changes."""


match_of: Final = lru_cache(EXPRESSIONS)(compile_match)
value_of: Final = lru_cache(EXPRESSIONS)(compile_value)
scalar_of: Final = lru_cache(EXPRESSIONS)(compile_scalar)
condition_of: Final = lru_cache(EXPRESSIONS)(compile_condition)
"""They raise RuleLanguageError for what is refused, as what they remember does."""


class Kind(StrEnum):
    """What a pane keeps of `value`."""

    COUNT = "count"  # nothing
    NUMBER = "number"  # sum, least and largest
    SKETCH = "sketch"  # those, and a histogram for percentiles
    DISTINCT = "distinct"  # how many different ones there were
    TERM = "term"  # its text is the last part of the group
    CHANGE = "change"  # when it became another


@dataclass(frozen=True, slots=True)
class PaneSpec:
    """What one pane counts."""

    id: str
    tenant: str
    match: str
    value: str | None
    group_by: tuple[str, ...]
    pane: int
    kind: Kind
    spread: bool
    """Groups are spread over all buckets; else they stay in one, where they are counted exactly."""
    blacklist: frozenset[str] | None = None
    """Only events whose text of `value` is one of these."""
    whitelist: frozenset[str] | None = None
    """Only events whose text of `value` is none of these."""
    learn: int = 0
    """TERM: milliseconds from a group's first event on in which no value is new."""


NUMERIC: Final = frozenset({Kind.NUMBER, Kind.SKETCH})
"""Kinds that keep numbers."""
FILTERS: Final = frozenset({Kind.TERM, Kind.CHANGE})
"""Kinds of which only the events count that bring something new."""
_REMEMBER: Final = 2_592_000_000
"""Stands in the ids of those for how long their rules remember, which may be edited."""
_KINDS: Final = {RuleType.NEW_TERM: Kind.TERM, RuleType.CHANGE: Kind.CHANGE}


def _kind(rule: Rule, condition: Condition) -> Kind:
    figures = {name.removeprefix(PREVIOUS) for name in condition.variables}
    if rule.type in _KINDS:
        return _KINDS[rule.type]
    if rule.value is None or rule.type is RuleType.MATCH:
        return Kind.COUNT
    if rule.type is RuleType.CARDINALITY or "distinct" in figures:
        return Kind.DISTINCT
    if figures & PERCENTILES.keys():
        return Kind.SKETCH
    return Kind.NUMBER if figures & NUMBERS else Kind.COUNT


def spec_of(rule: Rule, condition: Condition) -> PaneSpec:
    """Return the panes that a rule reads; the id is the same in every process."""
    kind = _kind(rule, condition)
    blacklist, whitelist = frozenset(rule.blacklist), frozenset(rule.whitelist)
    if rule.type is not RuleType.MATCH or rule.value is None:
        blacklist = whitelist = frozenset()
    listed = bool(blacklist or whitelist)
    value = rule.value if kind is not Kind.COUNT or listed else None
    pane = pane_length(rule.window.size, rule.window.step)
    spread = rule.max_groups > MAX_TOGETHER
    remember = _REMEMBER if kind in FILTERS else 0
    learn = rule.window.size if kind is Kind.TERM else 0
    bounds = (str(rule.max_groups), str(rule.window.allowed_lateness))
    flags = (str(pane), kind, *bounds, str(remember), str(learn))
    lists = ("\x1f".join(sorted(blacklist)), "\x1f".join(sorted(whitelist)))
    parts = (rule.tenant, rule.match, value or "", *rule.group_by, *flags, *lists)
    text = "\x1f".join(f"{len(part)}:{part}" for part in parts)
    return PaneSpec(
        id=blake2b(text.encode(), digest_size=8).hexdigest(),
        tenant=rule.tenant,
        match=rule.match,
        value=value,
        group_by=rule.group_by,
        pane=pane,
        kind=kind,
        spread=spread,
        blacklist=blacklist or None,
        whitelist=whitelist or None,
        learn=learn,
    )
