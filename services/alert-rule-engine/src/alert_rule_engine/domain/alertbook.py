"""The alerts of one bucket: opened, prolonged, refreshed, ended, and what is to be said of them.

Whether something was already said never changes a decision: a storm may delay records, not alerts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from alert_contracts.rules import Rule
from alert_contracts.time_intervals import holds as holds_at
from alert_rule_engine.domain.conditions import CompiledRule, Judgement
from alert_rule_engine.domain.lifecycle import (
    UPDATE_EVERY,
    AlertState,
    Crossing,
    Look,
    open_alert,
    prolong,
    snapshot,
)
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.rules import RuleBook, rule_key
from alert_rule_engine.domain.specs import FILTERS, MAX_TOGETHER
from alert_rule_engine.domain.speech import duration, reason_of

AlertKey = tuple[str, Group]
Witness = Callable[[], Crossing]
"""Tells what made a window hold, if it does."""
Windows = Callable[[CompiledRule, Group, int], Look]
"""Sums the window of a rule and group that starts at a time."""


@dataclass(slots=True)
class AlertBook:
    """Alerts by rule and group."""

    firing: dict[str, dict[Group, AlertState]] = field(default_factory=dict)
    ended: dict[str, AlertState] = field(default_factory=dict)
    """Alerts that are over and have not said so, by id."""
    past: dict[AlertKey, tuple[int, int]] = field(default_factory=dict)
    """Of an alert that is over: start of its last window, and the watermark at which that no
    longer matters. Late events of that window do not open it again."""
    pending: dict[str, dict[Group, int]] = field(default_factory=dict)
    """Since when the condition of a rule with `for` has held."""
    outbox: dict[str, AlertState] = field(default_factory=dict)
    """Alerts with something to say, by id, in order."""

    def all_firing(self) -> Iterator[AlertState]:
        """Yield the alerts that fire."""
        for mine in self.firing.values():
            yield from mine.values()

    def pending_rows(self) -> list[tuple[str, Group, int]]:
        """Return what is pending as (rule, group, since)."""
        return [
            (key, group, since)
            for key, mine in self.pending.items()
            for group, since in mine.items()
        ]

    def judge(self, rule: CompiledRule, group: Group, look: Look, witness: Witness) -> bool:
        """Judge a window (or as much of it as there is); tell whether anything changed."""
        key = rule_key(rule.rule)
        alert = self.firing.get(key, {}).get(group)
        if alert is not None and look.start < alert.window.start:
            return False
        if not look.note and not rule.holds(look.view):
            return look.complete and self._passed(rule, group, look, alert)
        if alert is None:
            return self._begin(rule, group, look, witness)
        prolong(alert, rule, look, witness().found if rule.spec.kind in FILTERS else None)
        return True

    def _passed(
        self, rule: CompiledRule, group: Group, look: Look, alert: AlertState | None
    ) -> bool:
        """Note that a whole window did not hold."""
        if alert is not None and rule.rule.no_data == "keepLast" and not look.view["count"]:
            alert.until = max(alert.until, look.end)
            return True
        return self._lapse(rule_key(rule.rule), group)

    def _lapse(self, key: str, group: Group) -> bool:
        """Let what is pending begin anew."""
        mine = self.pending.get(key, {})
        if mine.pop(group, None) is None:
            return False
        if not mine:
            del self.pending[key]
        return True

    def _begin(self, rule: CompiledRule, group: Group, look: Look, witness: Witness) -> bool:
        key = rule_key(rule.rule)
        past = self.past.get((key, group))
        if past is not None and look.start <= past[0]:
            return False
        since = look.at
        if rule.rule.hold:
            since = self.pending.setdefault(key, {}).setdefault(group, look.at)
            if look.at - since < rule.rule.hold:
                return True
        if not holds_at(rule.rule.active_time, look.at):
            return False
        self._lapse(key, group)
        crossing = witness()
        crossing.at = min(crossing.at, since)
        alert = open_alert(rule, group, look, crossing)
        self.firing.setdefault(key, {})[group] = self.outbox[alert.id] = alert
        return True

    def refresh(self, log_now: int, book: RuleBook, windows: Windows) -> bool:
        """Look whether alerts have news, each at most so often."""
        refreshed = False
        for alert in self.all_firing():
            if log_now - alert.looked_at < UPDATE_EVERY or alert.id in self.outbox:
                continue
            alert.looked_at = log_now
            refreshed = True
            self._renew(alert, book, windows)
            if alert.changed:
                self.outbox[alert.id] = alert
        return refreshed

    def _renew(self, alert: AlertState, book: RuleBook, windows: Windows) -> bool:
        """Count the window of an alert again, if rows changed it without being judged."""
        rule = book.rules[alert.key]
        if rule.judgement is not Judgement.CROSSING:
            return False
        look = windows(rule, alert.group, alert.window.start)
        grew = look.view["count"] > alert.window.figures["count"]
        if grew:
            alert.window = snapshot(look)
            alert.changed = True
            if rule.holds(look.view) and not alert.crossing.found:
                alert.reason = reason_of(rule.rule, alert.window.figures)
        return grew

    def settle(self, since: int, watermark: int, book: RuleBook, windows: Windows) -> bool:
        """Count the windows that are complete now for the last time."""
        changed = False
        for alert in self.all_firing():
            if since < alert.window.end <= watermark:
                changed |= self._renew(alert, book, windows)
        return changed

    def resolve(self, watermark: int, book: RuleBook) -> bool:
        """End the alerts whose last window that held is long enough behind the watermark."""
        over = []
        for key, mine in self.firing.items():
            patience = book.rules[key].patience
            over += [alert for alert in mine.values() if alert.until + patience <= watermark]
        for alert in over:
            rule = alert.rule
            quiet = max(rule.resolve_after, rule.keep_firing_for)
            self._end(alert, f"no window held for {duration(quiet)}")
            size = alert.window.end - alert.window.start
            forgotten = watermark + size + rule.window.allowed_lateness
            self.past[alert.key, alert.group] = (alert.window.start, forgotten)
        done = [key for key, (_, until) in self.past.items() if until <= watermark]
        for each in done:
            del self.past[each]
        return bool(over or done)

    def follow(self, book: RuleBook) -> bool:
        """End the alerts whose rule is gone, disabled or counts something else now."""
        over = []
        for alert in self.all_firing():
            why = gone(alert, book)
            if why:
                over.append((alert, why))
            else:
                alert.rule = book.rules[alert.key].rule
        for alert, why in over:
            self._end(alert, why)
        lost = [key for key in self.pending if key not in book.rules]
        for key in lost:
            del self.pending[key]
        return bool(over or lost)

    def _end(self, alert: AlertState, why: str) -> None:
        mine = self.firing[alert.key]
        del mine[alert.group]
        if not mine:
            del self.firing[alert.key]
        alert.resolved = why
        self.ended[alert.id] = self.outbox[alert.id] = alert

    def said(self, alert: AlertState) -> None:
        """Note that a record was made of an alert; one that is over and was told is forgotten."""
        if not alert.resolved:
            del self.outbox[alert.id]
        elif alert.sequence > 1:
            del self.outbox[alert.id]
            del self.ended[alert.id]


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


def _counts(rule: Rule) -> tuple[object, ...]:
    """Return what an alert depends on; all else of its rule may change under it."""
    window = (rule.window.size, rule.window.step, rule.window.kind)
    lists = (rule.blacklist, rule.whitelist)
    together = rule.max_groups <= MAX_TOGETHER
    return (
        rule.type,
        rule.match,
        rule.value,
        rule.group_by,
        rule.severity,
        together,
        lists,
        window,
    )
