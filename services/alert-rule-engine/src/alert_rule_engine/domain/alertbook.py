"""The alerts of one bucket: opened, prolonged, refreshed, ended, and what is to be said of them.

Whether something was already said never changes a decision: a storm may delay records, not alerts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from alert_rule_engine.domain.conditions import CompiledRule
from alert_rule_engine.domain.due import may_begin
from alert_rule_engine.domain.endings import (
    Windows,
    begin,
    bridged,
    count_closed,
    gone,
    is_complete,
    is_gone,
    lasts,
    overdue,
    quiet_since,
    renew,
    suspended,
    why_over,
)
from alert_rule_engine.domain.lifecycle import (
    AlertState,
    Counts,
    Crossing,
    Look,
    Witness,
    count_all,
    held_since,
    is_due,
    open_alert,
    prolong,
    why_it_fires,
)
from alert_rule_engine.domain.pages import Pages
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.past import buried, hides
from alert_rule_engine.domain.pending import Pending
from alert_rule_engine.domain.rules import RuleBook, compile_rules
from alert_rule_engine.domain.shelves import Shelf
from alert_rule_engine.domain.sight import Blind
from alert_rule_engine.domain.speech import is_crowd, turned_away

SECOND: Final = 1_000


@dataclass(slots=True)
class AlertBook:
    """Alerts by rule and group."""

    firing: dict[str, dict[Group, AlertState]] = field(default_factory=dict)
    ended: dict[str, AlertState] = field(default_factory=dict)
    """Alerts that are over and have not said so, by id."""
    past: Shelf = field(default_factory=Shelf)
    """What the alerts of a group that are over told of; see the module `past`."""
    pending: Pending = field(default_factory=Pending)
    outbox: dict[str, dict[str, AlertState]] = field(default_factory=dict)
    """Alerts with something to say, by rule and id, in order."""
    pages: Pages = field(default_factory=Pages)
    """All alerts, as they are stored."""
    looked: int = 0
    """Second of the log's clock up to which news were looked for."""
    _queued: int = 0

    def all_firing(self) -> Iterator[AlertState]:
        """Yield the alerts that fire."""
        for mine in self.firing.values():
            yield from mine.values()

    def groups(self, key: str) -> list[Group]:
        """Return the groups of a rule that fire."""
        mine = self.firing.get(key, {})
        return [group for group, alert in mine.items() if not is_crowd(alert.rule, group)]

    def of(self, rule: CompiledRule, group: Group) -> AlertState | None:
        """Return the alert of a rule and group that fires, if one does."""
        return self.firing.get(rule.key, {}).get(group)

    def count(self, key: str) -> int:
        """Return how many alerts of a rule fire."""
        return len(self.firing.get(key, ()))

    def crowd(self, rule: CompiledRule, group: Group, look: Look, crossing: Crossing) -> bool:
        """Note that groups of a rule were turned away."""
        alert = self.of(rule, group)
        if alert is None:
            if self._is_past(rule, group, look):
                return False
            return self._open(rule, group, look, crossing, look.start)
        look.view["count"] += int(alert.window.figures["count"])
        if look.start >= alert.window.start:
            prolong(alert, rule, look._replace(note=turned_away(look.view)), look.at)
            self.pages.touch(alert)
        return True

    def judge(
        self, rule: CompiledRule, group: Group, look: Look, now: int, witness: Witness
    ) -> bool:
        """Judge a window (or as much of it as there is); tell whether anything changed."""
        alert = self.of(rule, group)
        if not look.note and not rule.holds(look.view):
            if look.complete:
                return self._passed(rule, group, look, alert)
            waits = bool(rule.rule.hold) and self.pending.of(rule.rule, group) is not None
            if waits and rule.falters(look.view):
                return self.pending.lapse(rule.key, group, look.at)
            return False
        if self._is_past(rule, group, look):
            return False
        if alert is None:
            return self._begin(rule, group, look, now, witness)
        prolong(alert, rule, look, now, witness() if rule.finds else None)
        self.pages.touch(alert)
        return True

    def _passed(
        self, rule: CompiledRule, group: Group, look: Look, alert: AlertState | None
    ) -> bool:
        """Note that a whole window did not hold; one that says nothing may prolong an alert."""
        if alert is not None and rule.rule.no_data == "keepLast" and not look.view["count"]:
            if look.end - rule.shape.step <= alert.until and not is_gone(alert, rule, look.end):
                alert.until = max(alert.until, look.end)
                self.pages.touch(alert)
            return True
        if rule.judges_silence and not look.view["count"]:
            return False  # It holds, as is told when its lateness is over, or says nothing.
        return self.pending.lapse(rule.key, group, look.at)

    def _is_past(self, rule: CompiledRule, group: Group, look: Look) -> bool:
        """Tell whether the alert of a window is over already."""
        return hides(self.past.get((rule.key, *group)), rule, look.start)

    def _begin(
        self, rule: CompiledRule, group: Group, look: Look, now: int, witness: Witness
    ) -> bool:
        since, held = look.at, look.start
        if rule.rule.hold:
            since = self.pending.begin(rule.rule, group, look.at)
            held = held_since(rule, look, since, now)
            if look.at - since < rule.rule.hold:
                return True
        if not may_begin(rule, look):
            return False
        self.pending.lapse(rule.key, group)
        crossing = witness()
        crossing.at = min(crossing.at, since)
        return self._open(rule, group, look, crossing, held)

    def _open(
        self, rule: CompiledRule, group: Group, look: Look, crossing: Crossing, held: int
    ) -> bool:
        alert = open_alert(rule, group, look, crossing, held)
        self.pages.add(alert)
        self.firing.setdefault(alert.key, {})[group] = alert
        self._queue(alert)
        return True

    def _queue(self, alert: AlertState) -> None:
        """Let an alert have something to say."""
        if not alert.queued:
            self._queued += 1
            alert.queued = self._queued
            self.pages.touch(alert)
        self.outbox.setdefault(alert.key, {})[alert.id] = alert

    def refresh(self, log_now: int, book: RuleBook, windows: Windows) -> bool:
        """Look whether alerts have news, each so and so often after it last spoke."""
        since, self.looked = self.looked, max(self.looked, log_now // SECOND * SECOND)
        refreshed = False
        for alert in self.all_firing():
            if alert.queued or not is_due(alert.said_at, since, self.looked):
                continue
            rule = book.rules[alert.key]
            refreshed |= begin(alert, rule, self.looked, windows)
            refreshed |= renew(alert, rule, windows)
            if alert.changed:
                self._queue(alert)
                refreshed = True
        return refreshed

    def settle(self, since: int, watermark: int, book: RuleBook, windows: Windows) -> bool:
        """Count the windows that are over, or complete, now, and what is to be forgotten."""
        changed = False
        for alert in self.all_firing():
            rule = book.rules[alert.key]
            complete = is_complete(alert, since, watermark)
            renewed = complete and renew(alert, rule, windows, final=True)
            if count_closed(alert, rule, watermark, windows) or renewed:
                self.pages.touch(alert)
                changed = True
        return changed

    def bridge(
        self, judged: int, watermark: int, book: RuleBook, windows: Windows, blind: Blind
    ) -> bool:
        """Let alerts last over windows that say nothing of whether they do.

        Of some, that keep their last state, not all was seen, others are those of a rule that is
        left out. `judged`: up to when windows were judged before. Tell whether anything changed.
        """
        changed = []
        for key, mine in self.firing.items():
            rule, alerts = book.rules[key], mine.values()
            changed += bridged(alerts, rule, judged, blind)
            changed += suspended(alerts, rule, watermark) if windows.out(rule.rule) else ()
        for alert in changed:
            self.pages.touch(alert)
        return bool(changed)

    def resolve(self, watermark: int, book: RuleBook, windows: Windows, blind: Blind) -> bool:
        """End the alerts whose last window that held is long enough behind the watermark."""
        over = []
        for key, mine in self.firing.items():
            over += overdue(mine.values(), book.rules[key], watermark, blind)
        for alert in over:
            rule = book.rules[alert.key]
            if lasts(alert, rule, watermark, windows):
                self.pages.touch(alert)
                continue
            begin(alert, rule, watermark, windows)
            renew(alert, rule, windows, final=True)
            place = (alert.key, *alert.group)
            self.past.put(place, buried(alert, rule, self.past.get(place), watermark))
            why = why_over(alert, rule, windows)
            self._end(alert, why, windows.counts, quiet_since(alert, rule, blind) + rule.quiet)
        return self.past.sweep(watermark) or bool(over)

    def follow(self, book: RuleBook, before: RuleBook, windows: Windows, log_now: int) -> bool:
        """End the alerts whose rule is gone, disabled or counts something else now.

        `before`: the rules until now, as far as they are known compiled. Tell whether anything
        changed.
        """
        over = []
        edited = False
        for alert in self.all_firing():
            why, rule = gone(alert, book, windows), book.rules.get(alert.key)
            if rule is None or why:
                over.append((alert, why))
            elif alert.rule != rule.rule:
                # Whether this window would hold under the new revision is another question.
                alert.note = why_it_fires(alert)
                alert.rule = rule.rule
                self.pages.touch(alert)
                edited = True
        last = compile_rules({alert.key: alert.rule for alert, _ in over}.values(), before).rules
        for alert, why in over:
            if alert.key in last:  # else this version does not take it any more
                renew(alert, last[alert.key], windows, final=True)
            self._end(alert, why, windows.counts, log_now)
        return self.pending.follow(book) or edited or bool(over)

    def _end(self, alert: AlertState, why: str, counts: Counts, at: int) -> None:
        count_all(alert, counts)
        mine = self.firing[alert.key]
        del mine[alert.group]
        if not mine:
            del self.firing[alert.key]
        alert.resolved, alert.until = why, at
        self.ended[alert.id] = alert
        self.pages.touch(alert)
        self._queue(alert)

    def said(self, alert: AlertState, *, over: bool) -> None:
        """Note that a record was made of an alert, which says that it is `over`, or does not.

        One that is over and has not said so has more to say; one that has is forgotten.
        """
        self.pages.touch(alert)
        if alert.resolved and not over:
            return
        alert.queued = 0
        mine = self.outbox[alert.key]
        del mine[alert.id]
        if not mine:
            del self.outbox[alert.key]
        if alert.resolved:
            del self.ended[alert.id]
            self.pages.drop(alert)

    def waiting(self) -> int:
        """Return how many alerts have something to say."""
        return sum(map(len, self.outbox.values()))

    def restore(self, page: int, alerts: Sequence[AlertState]) -> None:
        """Take the alerts of a page as they were stored; when all are there, `arrange` them."""
        self.pages.fill(page, alerts)
        for alert in alerts:
            if alert.resolved:
                self.ended[alert.id] = alert
            else:
                self.firing.setdefault(alert.key, {})[alert.group] = alert

    def arrange(self, watermark: int) -> bool:
        """Let the alerts that were restored say in order what they have to say.

        Tell whether anything is past that had not been stored so.
        """
        alerts = (*self.all_firing(), *self.ended.values())
        for alert in sorted((each for each in alerts if each.queued), key=lambda each: each.queued):
            self._queue(alert)
            self._queued = alert.queued
        return self.past.sweep(watermark)
