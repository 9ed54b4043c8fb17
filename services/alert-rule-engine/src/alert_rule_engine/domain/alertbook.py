"""The alerts of one bucket: opened, prolonged, refreshed, ended, and what is to be said of them.

Whether something was already said never changes a decision: a storm may delay records, not alerts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from alert_contracts.rules import Rule
from alert_rule_engine.domain.aggregates import Aggregate
from alert_rule_engine.domain.lifecycle import (
    UPDATE_EVERY,
    AlertState,
    Crossing,
    open_alert,
    snapshot,
)
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.rules import CompiledRule, Judgement, RuleBook, rule_key

AlertKey = tuple[str, Group]
Windows = Callable[[CompiledRule, Group, int], Aggregate]
"""Sums the window of a rule and group that starts at a time."""


@dataclass(slots=True)
class AlertBook:
    """Alerts by (rule, group)."""

    firing: dict[AlertKey, AlertState] = field(default_factory=dict)
    ended: dict[str, AlertState] = field(default_factory=dict)
    """Alerts that are over and have not said so, by id."""
    past: dict[AlertKey, tuple[int, int]] = field(default_factory=dict)
    """Of an alert that is over: start of its last window, and the watermark at which that no
    longer matters. Late events of that window do not open it again."""
    pending: dict[str, AlertState] = field(default_factory=dict)
    """Alerts with something to say, by id, in order."""
    news: dict[str, AlertState] = field(default_factory=dict)
    """Alerts whose window has changed since they last spoke, by id."""

    def judge(
        self, rule: CompiledRule, group: Group, start: int, window: Aggregate, crossing: Crossing
    ) -> bool:
        """Judge a window (or as much of it as there is); tell whether anything changed."""
        key = (rule_key(rule.rule), group)
        alert = self.firing.get(key)
        grows = rule.judgement is Judgement.CROSSING
        if alert is not None and (
            start < alert.window.start or (grows and start == alert.window.start)
        ):
            return start == alert.window.start and self._grew(alert)
        if not rule.holds(window):
            return False
        if alert is None:
            return self._open(rule, group, start, window, crossing)
        alert.window = snapshot(rule, start, window)
        alert.rule = rule.rule
        alert.stale = False
        alert.changed = True
        self.news[alert.id] = alert
        return True

    def _grew(self, alert: AlertState) -> bool:
        alert.stale = True
        self.news[alert.id] = alert
        return True

    def _open(
        self, rule: CompiledRule, group: Group, start: int, window: Aggregate, crossing: Crossing
    ) -> bool:
        key = (rule_key(rule.rule), group)
        past = self.past.get(key)
        if past is not None and start <= past[0]:
            return False
        alert = open_alert(rule, group, snapshot(rule, start, window), crossing)
        self.firing[key] = self.pending[alert.id] = alert
        return True

    def refresh(self, watermark: int, log_now: int, book: RuleBook, windows: Windows) -> bool:
        """Give alerts with news a new snapshot, where it is time to speak or the window is over."""
        refreshed = False
        for alert in list(self.news.values()):
            due = log_now - alert.said_at >= UPDATE_EVERY
            if not due and (not alert.stale or watermark < alert.until):
                continue
            refreshed = True
            rule = book.rules.get(alert.key[0])
            if alert.stale and rule is not None:
                window = windows(rule, alert.group, alert.window.start)
                alert.window = snapshot(rule, alert.window.start, window)
                alert.rule = rule.rule
                alert.changed = True
            alert.stale = False
            if due:
                self.pending[alert.id] = alert
                del self.news[alert.id]
        return refreshed

    def resolve(self, watermark: int) -> bool:
        """End the alerts whose last window that held is `resolveAfter` behind the watermark."""
        over = [
            alert
            for alert in self.firing.values()
            if alert.until + alert.rule.resolve_after <= watermark
        ]
        for alert in over:
            quiet = duration(alert.rule.resolve_after)
            self._end(alert, f"no window held for {quiet}")
            size = alert.window.end - alert.window.start
            forgotten = watermark + size + alert.rule.window.allowed_lateness
            self.past[alert.key] = (alert.window.start, forgotten)
        done = [key for key, (_, until) in self.past.items() if until <= watermark]
        for key in done:
            del self.past[key]
        return bool(over or done)

    def follow(self, book: RuleBook) -> bool:
        """End the alerts whose rule is gone, disabled or counts something else now."""
        over = [(alert, why) for alert in self.firing.values() if (why := gone(alert, book))]
        for alert, why in over:
            self._end(alert, why)
        return bool(over)

    def _end(self, alert: AlertState, why: str) -> None:
        del self.firing[alert.key]
        self.news.pop(alert.id, None)
        alert.resolved = why
        self.ended[alert.id] = self.pending[alert.id] = alert

    def said(self, alert: AlertState) -> None:
        """Note that a record was made of an alert; one that is over and was told is forgotten."""
        if not alert.resolved:
            del self.pending[alert.id]
        elif alert.sequence > 1:
            del self.pending[alert.id]
            del self.ended[alert.id]


def gone(alert: AlertState, book: RuleBook) -> str:
    """Return why the rules as they now are end an alert; empty if they do not."""
    key = alert.key[0]
    rule = book.rules.get(key)
    if rule is None:
        if key in book.errors:
            return f"the rule does not compile: {book.errors[key]}"
        return "the rule was disabled" if key in book.disabled else "the rule was deleted"
    if _counts(rule.rule) != _counts(alert.rule):
        return "the rule was changed: it starts anew"
    return ""


def _counts(rule: Rule) -> tuple[object, ...]:
    """Return what an alert depends on; all else of its rule may change under it."""
    window = (rule.window.size, rule.window.kind)
    return (rule.match, rule.value, rule.group_by, rule.severity, *window)


def duration(milliseconds: int) -> str:
    """Return a length of time as Prometheus writes it: `1h30m`, `5m`, `250ms`."""
    if milliseconds == 0:
        return "0s"
    text = ""
    for unit, length in (("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        number, milliseconds = divmod(milliseconds, length)
        text += f"{number}{unit}" if number else ""
    return text
