"""Rules compiled, and gathered by the panes that they share.

Rules with the same match, value, groupBy and pane count the same things, so they share one pane
spec, whatever their conditions, thresholds and window sizes are: editing a threshold forgets
nothing, and a hundred thresholds cost one count.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from math import isqrt
from typing import Any, Final

from alert_contracts.rules import Rule
from alert_contracts.topics import STATE_PARTITIONS
from alert_rule_engine.domain.aggregates import PERCENTILES, Aggregate
from alert_rule_engine.domain.partials import BUCKETS
from alert_rule_engine.domain.windows import Shape, pane_length, shape_of
from rule_language import (
    Condition,
    Match,
    RuleLanguageError,
    Value,
    compile_condition,
    compile_match,
    compile_value,
)

MAX_TOGETHER: Final = 1_000
EXPRESSIONS: Final = 20_000
"""Compiled expressions that are remembered, so that a change costs what it changes."""
_NEVER_NEGATIVE: Final = frozenset({"responseTime", "statusCode"})
"""Values whose sum only grows."""


@lru_cache(EXPRESSIONS)
def match_of(text: str, tenant: str) -> Match:
    """Compile a match, or remember it.

    Raises:
        RuleLanguageError: it is refused.
    """
    return compile_match(text, tenant=tenant)


@lru_cache(EXPRESSIONS)
def value_of(text: str, tenant: str) -> Value:
    """Compile a value, or remember it.

    Raises:
        RuleLanguageError: it is refused.
    """
    return compile_value(text, tenant=tenant)


@lru_cache(EXPRESSIONS)
def condition_of(text: str) -> Condition:
    """Compile a condition, or remember it.

    Raises:
        RuleLanguageError: it is refused.
    """
    return compile_condition(text)


class Judgement(StrEnum):
    """When a window is judged."""

    CROSSING = "crossing"  # it only grows towards the condition: at once
    CLOSE = "close"  # it goes both ways: at the close of each pane, over the window so far
    END = "end"  # it holds for an empty window (a bound from below): when the window is complete


@dataclass(frozen=True, slots=True)
class PaneSpec:
    """What one pane counts."""

    id: str
    tenant: str
    match: str
    value: str | None
    group_by: tuple[str, ...]
    pane: int
    sketch: bool
    spread: bool
    """Groups are spread over all buckets; else they stay in one, where they are counted exactly."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule, the panes that it reads, and its condition."""

    rule: Rule
    spec: PaneSpec
    shape: Shape
    condition: Condition
    judgement: Judgement

    def holds(self, window: Aggregate) -> bool:
        """Tell whether the condition is true of a window (or of as much of it as there is)."""
        return window.count >= self.rule.min_count and self.condition.test(
            _view(self.rule, self.shape, window, sketch=self.spec.sketch)
        )


def _view(rule: Rule, shape: Shape, window: Aggregate, *, sketch: bool) -> dict[str, Any]:
    view = window.seen(shape.size)
    view["minCount"] = rule.min_count
    if rule.threshold is not None:
        view["threshold"] = rule.threshold
    if sketch:
        view.update(window.percentiles())
    return view


def spec_of(rule: Rule, condition: Condition) -> PaneSpec:
    """Return the panes that a rule reads; the id is the same in every process."""
    pane = pane_length(rule.window.size)
    sketch = rule.value is not None and not condition.variables.isdisjoint(PERCENTILES)
    spread = rule.max_groups > MAX_TOGETHER
    flags = (str(pane), str(sketch), str(spread))
    parts = (rule.tenant, rule.match, rule.value or "", *rule.group_by, *flags)
    text = "\x1f".join(f"{len(part)}:{part}" for part in parts)
    digest = blake2b(text.encode(), digest_size=8).hexdigest()
    return PaneSpec(
        *(digest, rule.tenant, rule.match, rule.value, rule.group_by, pane, sketch, spread)
    )


def compile_rule(rule: Rule) -> CompiledRule:
    """Compile a rule.

    Raises:
        RuleLanguageError: an expression of the rule is refused.
    """
    match_of(rule.match, rule.tenant)
    if rule.value is not None:
        value_of(rule.value, rule.tenant)
    condition = condition_of(rule.condition)
    shape = shape_of(rule.window)
    judgement = _judgement(rule, shape, condition)
    return CompiledRule(rule, spec_of(rule, condition), shape, condition, judgement)


def _judgement(rule: Rule, shape: Shape, condition: Condition) -> Judgement:
    shrinks = "sum" in condition.variables and rule.value not in _NEVER_NEGATIVE
    if condition.monotonic and not shrinks:
        return Judgement.CROSSING
    empty = _view(rule, shape, Aggregate(), sketch=False)
    return Judgement.END if condition.test(empty) else Judgement.CLOSE


@dataclass(frozen=True, slots=True)
class SpecRules:
    """The rules that read one pane spec, and how long its panes are of use."""

    spec: PaneSpec
    rules: tuple[CompiledRule, ...]
    crossing: tuple[tuple[Shape, tuple[CompiledRule, ...]], ...]
    """Those judged at once, by the shape of their windows."""
    timed: tuple[CompiledRule, ...]
    """Those judged as the watermark moves: all but tumbling windows that only grow."""
    lateness: int
    horizon: int
    """A pane is forgotten when the watermark has left its end behind by this much."""
    max_groups: int
    """Of one bucket; see `allowance`."""


def allowance(max_groups: int) -> int:
    """Return how many of a rule's groups one bucket keeps.

    Up to `MAX_TOGETHER` all groups are in one bucket and the bound is exact. Beyond, they are
    spread by hash, and each bucket gets its share and four standard deviations of slack.
    """
    if max_groups <= MAX_TOGETHER:
        return max_groups
    share = max_groups // (STATE_PARTITIONS * BUCKETS)
    return share + 4 * isqrt(share) + 1


def _spec_rules(rules: tuple[CompiledRule, ...]) -> SpecRules:
    by_shape: dict[Shape, list[CompiledRule]] = defaultdict(list)
    timed = []
    for each in rules:
        if each.judgement is Judgement.CROSSING:
            by_shape[each.shape].append(each)
        if each.judgement is not Judgement.CROSSING or not each.shape.tumbling:
            timed.append(each)
    lateness = max(each.rule.window.allowed_lateness for each in rules)
    return SpecRules(
        spec=rules[0].spec,
        rules=rules,
        crossing=tuple((shape, tuple(group)) for shape, group in by_shape.items()),
        timed=tuple(timed),
        lateness=lateness,
        horizon=max(each.shape.size for each in rules) + lateness,
        max_groups=max(allowance(each.rule.max_groups) for each in rules),
    )


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Every enabled rule, compiled; immutable, replaced whole when a rule changes."""

    rules: Mapping[str, CompiledRule] = field(default_factory=dict)
    """By `tenant/id`."""
    specs: Mapping[str, SpecRules] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """Rules that did not compile, and why: they are left out, alone."""
    disabled: frozenset[str] = frozenset()


def rule_key(rule: Rule) -> str:
    """Return the key of a rule in a RuleBook."""
    return f"{rule.tenant}/{rule.id}"


def compile_rules(rules: Iterable[Rule]) -> RuleBook:
    """Compile rules; one that is refused is reported and stops no other."""
    compiled: dict[str, CompiledRule] = {}
    errors: dict[str, str] = {}
    disabled = set()
    by_spec: dict[str, list[CompiledRule]] = defaultdict(list)
    for rule in rules:
        key = rule_key(rule)
        if not rule.enabled:
            disabled.add(key)
            continue
        try:
            compiled[key] = compile_rule(rule)
        except RuleLanguageError as exc:
            errors[key] = str(exc)
            continue
        by_spec[compiled[key].spec.id].append(compiled[key])
    specs = {spec: _spec_rules(tuple(group)) for spec, group in by_spec.items()}
    return RuleBook(compiled, specs, errors, frozenset(disabled))
