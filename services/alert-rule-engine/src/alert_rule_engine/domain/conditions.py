"""What a compiled rule reads, when it is judged, and whether it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from alert_contracts.rules import Rule, RuleType
from alert_rule_engine.domain.aggregates import Sum, much_more
from alert_rule_engine.domain.endless import ENDLESS
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.specs import FILTERS, Kind, PaneSpec
from alert_rule_engine.domain.windows import Shape
from rule_language import PREVIOUS, Condition, Undecided

_REFERENCE: Final = PREVIOUS + "count"
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

        One that would hold with enough events like its own may still come to.
        """
        enough = view["count"] >= max(1, self.rule.min_count)
        return self.sways and enough and not self.holds(much_more(view))

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
