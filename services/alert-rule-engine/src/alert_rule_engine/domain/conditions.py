"""A rule compiled: what it reads, when it is judged, and whether it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from sys import float_info
from typing import Any, Final

from alert_contracts.rules import Rule, RuleType
from alert_rule_engine.domain.aggregates import Sum
from alert_rule_engine.domain.asks import PLACED
from alert_rule_engine.domain.endless import ENDLESS
from alert_rule_engine.domain.partials import Group, bucket_of, slot_of, target_of
from alert_rule_engine.domain.specs import (
    EXPRESSIONS,
    FILTERS,
    NUMERIC,
    Kind,
    PaneSpec,
    condition_of,
    match_of,
    scalar_of,
    spec_of,
    value_of,
)
from alert_rule_engine.domain.windows import Shape, shape_of
from rule_language import PREVIOUS, Condition, Undecided

_NEVER_NEGATIVE: Final = frozenset({"responseTime", "statusCode"})
"""Values of which no event has a negative one, so that their sum only grows."""
_OF_VALUES: Final = frozenset({"sum", "min", "max", "avg"})
_COUNTED: Final = frozenset({"count", "total", "rate", "threshold", "minCount"})
_REFERENCE: Final = PREVIOUS + "count"
_MAX: Final = float_info.max
_MOST: Final = 1 << 53
_LARGE: Final = 10**12
Place = tuple[int, int]
"""A partition, and a bucket in it."""
View = Mapping[str, Any]
"""The figures of a window by name."""


class Judgement(StrEnum):
    """When a window is judged."""

    CROSSING = "crossing"  # it only grows towards the condition: at once
    CLOSE = "close"  # it goes both ways: at the close of each pane, over the window so far
    END = "end"  # what is still to come can make it false again: when the window is complete


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule, the panes that it reads, and its condition."""

    rule: Rule
    key: str
    """See `rule_key`."""
    spec: PaneSpec
    shape: Shape
    condition: Condition
    judgement: Judgement
    low: int = 0
    """CROSSING: with fewer events it cannot hold."""
    exact: bool = False
    """CROSSING: it holds from `low` events on, whatever else there is; more are no news."""
    sways: bool = False
    """What a window holds at one time it may not at another; not so if more events only help."""
    compares: bool = False
    """It reads the window before."""
    fallible: bool = False
    """Deciding may fail at run time: only what computes can."""
    expected: Mapping[Place, tuple[Group, ...]] = field(default_factory=dict)
    """The groups that are watched before they are seen, by where they belong."""

    @property
    def momentary(self) -> bool:
        """Tell whether single events make it fire, not how much there is of them."""
        return self.rule.type is RuleType.MATCH or self.finds

    @property
    def finds(self) -> bool:
        """Tell whether each event that counts brings something to be told."""
        return self.spec.kind in FILTERS

    @property
    def empties(self) -> bool:
        """Tell whether windows without events of a known group are judged by the condition."""
        return self.judgement is Judgement.END and self.rule.min_count == 0

    @property
    def remembers(self) -> bool:
        """Tell whether it needs to know groups beyond their panes."""
        return self.empties or self.compares or self.judges_silence

    @property
    def timed(self) -> bool:
        """Tell whether the watermark makes it look at its windows."""
        grows = self.judgement is Judgement.CROSSING and self.shape.tumbling
        return not grows or self.rule.no_data != "ok" or bool(self.rule.active_time)

    @property
    def overlaps(self) -> bool:
        """Tell whether it is judged at once, over windows of which several are open."""
        return self.judgement is Judgement.CROSSING and not self.shape.tumbling

    @property
    def looks_back(self) -> bool:
        """Tell whether windows that are over are judged once more when rows come late."""
        return self.judgement is Judgement.CLOSE or self.overlaps

    @property
    def reach(self) -> int:
        """Return how far back from its end a window needs panes."""
        return self.shape.size * (2 if self.compares else 1)

    @property
    def horizon(self) -> int:
        """Return how long after its end a pane is of use."""
        return self.reach + self.rule.window.allowed_lateness

    def settled(self, start: int, watermark: int) -> bool:
        """Tell whether a window that starts then is over, and its lateness too."""
        return start + self.shape.size + self.rule.window.allowed_lateness <= watermark

    @property
    def quiet(self) -> int:
        """Return for how long no window may hold until an alert is over."""
        quiet = max(self.rule.resolve_after, self.rule.keep_firing_for)
        if self.judgement is Judgement.END or self.rule.no_data != "ok":
            quiet = max(quiet, self.shape.step)  # only the end of the next window tells
        elif self.judgement is Judgement.CLOSE:
            quiet = max(quiet, self.spec.pane)  # the next window is judged at its first pane's end
        return quiet

    @property
    def patience(self) -> int:
        """Return how long after its last window that held an alert is over."""
        return self.quiet + self.wait

    @property
    def wait(self) -> int:
        """Return how long after their end its windows are judged."""
        waits = self.judgement is Judgement.END or self.judges_silence
        return self.rule.window.allowed_lateness if waits else 0

    @property
    def endless(self) -> bool:
        """Tell whether windows of which nothing is left are looked at as well."""
        return self.empties or self.rule.no_data != "ok"

    @property
    def judges_silence(self) -> bool:
        """Tell whether windows without events of a known group hold, whatever its condition."""
        return self.rule.no_data == "alerting"

    @property
    def by_lack(self) -> bool:
        """Tell whether it concludes anything from what did not come."""
        return self.endless or self.compares or self.judgement is Judgement.END

    def view(self, window: Sum, previous: Sum | None = None) -> dict[str, Any]:
        """Return what the condition sees of a window (or of as much of it as there is)."""
        view = self._figures(window)
        if previous is not None:
            view.update((PREVIOUS + name, each) for name, each in self._figures(previous).items())
        return view

    def _figures(self, window: Sum) -> dict[str, Any]:
        figures = window.seen(self.shape.size)
        if self.spec.kind is Kind.DISTINCT:
            figures.setdefault("distinct", 0)
        return figures

    def holds(self, view: View) -> bool:
        """Tell whether the condition is true of what it sees."""
        if view["count"] < self.rule.min_count:
            return False
        if view.get(_REFERENCE, ENDLESS) < self.rule.min_reference:
            return False
        return self.condition.test({**view, **constants_of(self.rule)})

    def falters(self, view: View) -> bool:
        """Tell whether a window that is open and does not hold says that nothing lasts.

        One that only grows may still come to hold.
        """
        return self.sways and view["count"] >= max(1, self.rule.min_count)

    def mistake(self, view: View) -> str:
        """Return why the condition cannot be decided; empty if it can, or need not be."""
        if not self.fallible or view["count"] < self.rule.min_count:
            return ""
        answer = self.condition.judge({**view, **constants_of(self.rule)})
        return answer.reason if isinstance(answer, Undecided) else ""


def rule_key(rule: Rule) -> str:
    """Return what tells a rule from those of all tenants: `tenant/id`."""
    return f"{rule.tenant}/{rule.id}"


def constants_of(rule: Rule) -> dict[str, Any]:
    """Return the numbers of a rule that its condition may name."""
    given = {"minCount": rule.min_count, "threshold": rule.threshold, "factor": rule.factor}
    return {name: value for name, value in given.items() if value is not None}


def compile_rule(rule: Rule) -> CompiledRule:
    """Compile a rule.

    Raises:
        RuleLanguageError: an expression of the rule is refused.
    """
    match_of(rule.match, rule.tenant).rest(PLACED)  # remembered: whoever counts needs it in haste
    condition = condition_of(rule.condition)
    spec = spec_of(rule, condition)
    if spec.value is not None:
        compiled = value_of if spec.kind in NUMERIC else scalar_of
        compiled(spec.value, rule.tenant)
    moves = condition.moves(_never_negative(rule))
    sways = moves.down or moves.sways or condition.compares
    judgement = _judgement(rule, condition, down=moves.down, sways=sways)
    shape = shape_of(rule.window)
    # What divides is looked at from the first event on: that it cannot be decided is to be told.
    known = judgement is Judgement.CROSSING and "/" not in rule.condition
    counts = condition.variables <= _COUNTED and spec.kind not in FILTERS
    constants = frozenset((name, each, repr(each)) for name, each in constants_of(rule).items())
    least = _least(rule.condition, shape.size, constants) if known else 0
    return CompiledRule(
        rule=rule,
        key=rule_key(rule),
        spec=spec,
        shape=shape,
        condition=condition,
        judgement=judgement,
        low=max(least, rule.min_count, 1),
        exact=known and counts and not rule.active_time and least < _MOST,
        sways=sways,
        compares=condition.compares,
        fallible=_fallible(rule.condition),
        expected=_expected(rule, spec),
    )


def _fallible(condition: str) -> bool:
    return any(sign in condition for sign in "/%(")


def _expected(rule: Rule, spec: PaneSpec) -> Mapping[Place, tuple[Group, ...]]:
    found: dict[Place, tuple[Group, ...]] = {}
    for group in rule.expect:
        slot = slot_of(spec.id, group if spec.spread else ())
        place = target_of(slot), bucket_of(slot)
        found[place] = (*found.get(place, ()), group)
    return found


def _judgement(rule: Rule, condition: Condition, *, down: bool, sways: bool) -> Judgement:
    if not sways:
        return Judgement.CLOSE if rule.hold else Judgement.CROSSING
    return Judgement.END if down or _holds_empty(rule, condition) else Judgement.CLOSE


def _never_negative(rule: Rule) -> frozenset[str]:
    figures = _OF_VALUES if rule.value in _NEVER_NEGATIVE else frozenset()
    return figures | {"threshold"} if (rule.threshold or 0) >= 0 else figures


def _holds_empty(rule: Rule, condition: Condition) -> bool:
    """Tell whether the condition may hold for a window without events."""
    known = constants_of(rule)
    before = ("count", "total", "errors", "rate", "sum", "avg", "max", "distinct")
    for previous in (0, _LARGE):
        empty = dict.fromkeys(("count", "total", "errors", "rate", "distinct"), 0)
        view = {**empty, **{PREVIOUS + name: previous for name in before}, **known}
        if condition.test(view):
            return True
    return False


@lru_cache(EXPRESSIONS)
def _least(text: str, size: int, constants: frozenset[tuple[str, Any, str]]) -> int:
    """Return the least count of events with which a condition that only grows can hold.

    What cannot be decided of extremes (`int(max)` is too large) may hold of what is less.
    Each constant has its text beside it, which tells 0.0 from -0.0.
    """
    condition = condition_of(text)
    known = {name: value for name, value, _ in constants}
    decide = condition.judge if _fallible(text) else condition.test

    def could(count: int) -> bool:
        grown = dict.fromkeys(("count", "total", "errors", "distinct"), count)
        rate = {"rate": count * 1000.0 / size}
        extremes = {"sum": _MAX, "max": _MAX, "min": -_MAX} if count else {}
        return decide({**grown, **rate, **extremes, **known}) is not False

    low, high = 0, 1
    while not could(high):
        low, high = high, high * 2
        if high >= _MOST:
            return _MOST
    while low < high:
        middle = (low + high) // 2
        if could(middle):
            high = middle
        else:
            low = middle + 1
    return high
