"""Rules compiled, and gathered by the panes that they share.

Rules with the same match, value, groupBy, pane and bounds (`maxGroups`, `allowedLateness`) count
the same things, so they share one pane spec, whatever their conditions, thresholds and window sizes
are: editing a threshold forgets nothing, and a hundred thresholds cost one count.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from math import isqrt
from typing import Final

from alert_contracts.rules import Rule
from alert_contracts.topics import STATE_PARTITIONS
from alert_rule_engine.domain.compiling import compile_rule
from alert_rule_engine.domain.conditions import CompiledRule, Judgement, rule_key
from alert_rule_engine.domain.endless import ENDLESS
from alert_rule_engine.domain.memory import Keep, keep_of
from alert_rule_engine.domain.partials import BUCKETS, Group, digest
from alert_rule_engine.domain.specs import FILTERS, MAX_TOGETHER, PaneSpec
from alert_rule_engine.domain.windows import Shape
from rule_language import RuleLanguageError


@dataclass(frozen=True, slots=True)
class Watch:
    """Rules that are judged at once, over windows of one shape."""

    shape: Shape
    rules: tuple[CompiledRule, ...]
    low: int
    """With fewer events none of them holds."""
    high: int
    """A window that had as many before has nothing new to say to any of them."""


@dataclass(frozen=True, slots=True)
class SpecRules:
    """The rules that read one pane spec, and how long its panes are of use."""

    spec: PaneSpec
    rules: tuple[CompiledRule, ...]
    crossing: tuple[Watch, ...]
    timed: tuple[CompiledRule, ...]
    """Those judged as the watermark moves: all but tumbling windows that only grow."""
    lateness: int
    shapes: frozenset[Shape]
    horizon: int
    """A pane is forgotten when the watermark has left its end behind by this much."""
    max_groups: int
    """Of one bucket; see `allowance`."""
    keep: Keep | None
    """How long groups, terms or values are remembered beyond their panes; None: not at all."""
    expected: frozenset[Group]
    """Groups that have room even when all of it is taken."""


def allowance(max_groups: int) -> int:
    """Return how many of a rule's groups one bucket keeps.

    Up to `MAX_TOGETHER` all groups are in one bucket and the bound is exact. Beyond, they are
    spread by hash, and each bucket gets its share and four standard deviations of slack.
    """
    if max_groups <= MAX_TOGETHER:
        return max_groups
    share = max_groups // (STATE_PARTITIONS * BUCKETS)
    return share + 4 * isqrt(share) + 1


def _watches(rules: Iterable[CompiledRule]) -> tuple[Watch, ...]:
    by_shape: dict[Shape, list[CompiledRule]] = defaultdict(list)
    for each in rules:
        if each.judgement is Judgement.CROSSING:
            by_shape[each.shape].append(each)
    return tuple(
        Watch(
            shape,
            tuple(group),
            min(each.low for each in group),
            max(each.low if each.exact else ENDLESS for each in group),
        )
        for shape, group in by_shape.items()
    )


def _spec_rules(rules: tuple[CompiledRule, ...]) -> SpecRules:
    one = rules[0].rule
    keeps = [each.rule.forget for each in rules if each.remembers]
    if rules[0].spec.kind in FILTERS:
        keeps = [each.rule.remember for each in rules]
    return SpecRules(
        spec=rules[0].spec,
        rules=rules,
        crossing=_watches(rules),
        timed=tuple(each for each in rules if each.timed),
        lateness=one.window.allowed_lateness,
        shapes=frozenset(each.shape for each in rules),
        horizon=max(each.horizon for each in rules),
        max_groups=allowance(one.max_groups),
        keep=keep_of(keeps),
        expected=frozenset(group for each in rules for group in each.rule.expect),
    )


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Every enabled rule, compiled; immutable, replaced whole when a rule changes."""

    rules: Mapping[str, CompiledRule] = field(default_factory=dict)
    """By `rule_key`."""
    specs: Mapping[str, SpecRules] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """Rules that did not compile, and why: they are left out, alone."""
    disabled: frozenset[str] = frozenset()
    digest: int = 0
    """64 bits that stand for the revisions of the rules."""
    timed: tuple[str, ...] = ()
    """The specs that have rules which are judged as the watermark moves."""


Revision = tuple[int, int]
"""When a revision of a rule was made, and its number."""


_EMPTY: Final = RuleBook()


def revision_of(rule: CompiledRule) -> Revision:
    """Return which revision of a rule this is."""
    return rule.rule.updated_at, rule.rule.revision


def arrived(
    book: RuleBook, known: Mapping[str, Revision], counted: Collection[str]
) -> dict[str, int]:
    """Return the specs that may not have been counted all along, and when they were asked for.

    `known`: the revisions of the rules until now, by key; `counted`: specs that were counted.
    """
    return {
        spec: min(rule.rule.updated_at for rule in each.rules)
        for spec, each in book.specs.items()
        if not any(_goes_on(rule, known, counted) for rule in each.rules)
    }


def _goes_on(rule: CompiledRule, known: Mapping[str, Revision], counted: Collection[str]) -> bool:
    """Tell whether a rule was there, with what it asks for; one left out may have paused it."""
    before, now = known.get(rule.key), revision_of(rule)
    if before is None or before == now:
        return before == now
    return now[1] == before[1] + 1 and rule.spec.id in counted


def compile_rules(rules: Iterable[Rule], before: RuleBook = _EMPTY) -> RuleBook:
    """Compile rules; one that is refused is reported and stops no other.

    What `before` holds of the same rules is taken over as it is.
    """
    compiled: dict[str, CompiledRule] = {}
    errors: dict[str, str] = {}
    disabled = set()
    by_spec: dict[str, list[CompiledRule]] = defaultdict(list)
    for rule in rules:
        key = rule_key(rule)
        if not rule.enabled:
            disabled.add(key)
            continue
        known = before.rules.get(key)
        try:
            compiled[key] = known if known and known.rule == rule else compile_rule(rule)
        except RuleLanguageError as exc:
            errors[key] = str(exc)
            continue
        except Exception as exc:  # noqa: BLE001 - our fault in one rule must not stop the others
            errors[key] = repr(exc)
            continue
        by_spec[compiled[key].spec.id].append(compiled[key])
    specs = {
        spec: known if known and known.rules == tuple(group) else _spec_rules(tuple(group))
        for spec, group in by_spec.items()
        for known in [before.specs.get(spec)]
    }
    timed = tuple(spec for spec, each in specs.items() if each.timed)
    return RuleBook(compiled, specs, errors, frozenset(disabled), _digest(compiled), timed)


def _digest(rules: Mapping[str, CompiledRule]) -> int:
    revisions = [
        f"{key}@{each.rule.updated_at}.{each.rule.revision}" for key, each in sorted(rules.items())
    ]
    return digest("\x1f".join(revisions).encode())
