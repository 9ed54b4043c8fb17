"""One bucket of groups: a machine that reads rows and the watermark, and opens and ends alerts.

A bucket depends on nothing but the order of the log: rows, watermarks and the log's clock all come
out of records. So a replay from any stored bucket repeats every decision, id and sequence.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import Final

from alert_contracts import durations
from alert_rule_engine.domain.alertbook import AlertBook
from alert_rule_engine.domain.brought import Brought
from alert_rule_engine.domain.conditions import CompiledRule, Judgement, Place
from alert_rule_engine.domain.due import Span, Told, begins, concerned, due, proves, unheard
from alert_rule_engine.domain.endings import Windows
from alert_rule_engine.domain.endless import ENDLESS
from alert_rule_engine.domain.faults import Faults
from alert_rule_engine.domain.late import Late, looks_again, witness_of
from alert_rule_engine.domain.lifecycle import Crossing, Look, Witness, counts_already
from alert_rule_engine.domain.looks import (
    asked_anew,
    closed,
    look_at,
    look_closed,
    look_growing,
    looks_open,
)
from alert_rule_engine.domain.memory import GRACE, Memory
from alert_rule_engine.domain.pages import Pages
from alert_rule_engine.domain.panes import EVER, Slice, SpecPanes
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.rules import RuleBook, SpecRules
from alert_rule_engine.domain.running import Grown
from alert_rule_engine.domain.shelves import Shelf
from alert_rule_engine.domain.sight import SIGHTED, Blind
from alert_rule_engine.domain.speech import CROWD

NO_DATA: Final = "no data"
ALERTS: Final = "alerts"
PAST: Final = "past"
"""Names of pieces that are no memory's."""


@dataclass(slots=True)
class Bucket:
    """State of the groups of one bucket."""

    place: Place = (0, 0)
    restored: int = -1
    """The last log offset that it contained when it was restored: to be skipped in a replay."""
    rules: int = 0
    """Digest of the rules under which it was judged."""
    judged: int = 0
    """The watermark up to which closed panes were judged."""
    specs: dict[str, SpecPanes] = field(default_factory=dict)
    alerts: AlertBook = field(default_factory=AlertBook)
    touched: list[Slice] = field(default_factory=list)
    """Panes that changed since they were last taken for storing."""
    expires: int = 0
    """Before this watermark there is nothing to forget."""
    dirty: bool = False
    faults: Faults = field(default_factory=Faults)
    late: Late = field(default_factory=Late)
    """Rows whose panes had been judged before they came."""
    blind: Blind = SIGHTED
    """Windows that began before prove nothing by what they lack; its partition says so in time."""

    def pieces(self) -> set[tuple[str, int]]:
        """Return the pieces that hold anything: of memories by spec, and of alerts."""
        return {(name, number) for name, kept in self._stored() for number in kept.live()}

    def touch(self, held: Slice) -> None:
        """Note that panes have changed."""
        self.dirty = held.touched = True
        self.touched.append(held)

    def touched_panes(self) -> set[int]:
        """Return the starts of the panes that changed since the last call."""
        touched, self.touched = self.touched, []
        for held in touched:
            held.touched = False
        return {held.start for held in touched}

    def touched_pieces(self) -> set[tuple[str, int]]:
        """Return the pieces that changed since the last call."""
        return {(name, number) for name, kept in self._stored() for number in kept.touched()}

    def _stored(self) -> Iterator[tuple[str, Memory | Pages | Shelf]]:
        for spec, panes in self.specs.items():
            if panes.memory is not None:
                yield spec, panes.memory
        yield ALERTS, self.alerts.pages
        yield PAST, self.alerts.past

    def cross(self, rule: CompiledRule, grown: Grown, brought: Brought, witness: Witness) -> None:
        """Judge a window that has grown by events."""
        group, start = grown.group, grown.start
        now = max(self.judged, brought.partial.accepted_at)
        alert = self.alerts.of(rule, group)
        if alert is not None and not rule.finds:
            end = start + rule.shape.size
            if start == alert.window.start or counts_already(alert, start, end, now):
                return
        panes = self.specs[rule.spec.id]
        with self.faults.guard(rule.rule):
            look = look_growing(rule, panes, grown, brought.start)
            look = look._replace(at=brought.known_at, complete=look.end <= brought.at)
            self._judge(rule, group, look, witness, now)

    def overflow(self, rule: CompiledRule, look: Look, accepted_at: int) -> None:
        """Tell the owner of a rule that events of further groups were turned away."""
        group = (*[""] * len(rule.rule.group_by), CROWD)
        crossing = Crossing(min(look.at, accepted_at), accepted_at)
        self.dirty |= self.alerts.crowd(rule, group, look, crossing)

    def _judge(
        self, rule: CompiledRule, group: Group, look: Look, witness: Witness, now: int
    ) -> None:
        if self.faults.out(rule.rule):
            return
        if not look.note:
            mistake = rule.mistake(look.view)
            if mistake:
                self.faults.note(rule.rule, mistake)
        self.dirty |= self.alerts.judge(rule, group, look, now, witness)

    def judge_late(self, book: RuleBook) -> None:
        """Judge again the windows that hold panes which had been judged without some rows."""
        for spec, group, late in self.late.take():
            self.dirty = True
            if spec not in self.specs or spec not in book.specs:
                continue  # The rules have changed since.
            panes = self.specs[spec]
            for rule in book.specs[spec].timed:
                with self.faults.guard(rule.rule):
                    for look in looks_again(rule, panes, group, late, self.judged, self.alerts):
                        if self._proves(rule, panes, group, look):
                            self._judge(rule, group, look, witness_of(look, late), self.judged)

    def _judge_at(self, rule: CompiledRule, panes: SpecPanes, group: Group, end: int) -> None:
        """Judge the window so far at a boundary that the watermark has passed."""
        start = rule.shape.holding(end - panes.pane, panes.pane)
        look = look_closed(rule, panes, group, start, end)
        if self._proves(rule, panes, group, look):
            self._judge(rule, group, look, closed(panes, look), max(self.judged, end))

    def advance(self, watermark: int, log_now: int, book: RuleBook) -> None:
        """Judge, refresh, resolve and forget as far as the watermark has come."""
        if not (self.specs or self.alerts.firing or self.alerts.past):
            self.judged = max(self.judged, watermark)
            return  # like most of them, it holds nothing
        for spec in [spec for spec in book.timed if spec in self.specs]:
            panes = self.specs[spec]
            for rule in book.specs[spec].timed:
                with self.faults.guard(rule.rule):
                    self._judge_until(rule, panes, watermark)
        before, self.judged = self.judged, max(self.judged, watermark)
        self.dirty |= self.alerts.settle(before, self.judged, book, self.windows)
        self.refresh(log_now, book)
        self.dirty |= self.alerts.bridge(before, watermark, book, self.windows, self.blind)
        self.dirty |= self.alerts.resolve(watermark, book, self.windows, self.blind)
        self.forget(book, since=before)

    def refresh(self, log_now: int, book: RuleBook) -> None:
        """Let alerts tell how their windows have grown, where that is due."""
        if self.alerts.firing:
            self.dirty |= self.alerts.refresh(log_now, book, self.windows)

    @property
    def windows(self) -> Windows:
        """What alerts ask of the panes."""
        return Windows(self._window, self.count, self.faults.out, self._last, self.specs.get)

    def _last(self, spec: str, group: Group) -> int | None:
        return self.specs[spec].last(group) if spec in self.specs else None

    def count(self, spec: str, group: Group, start: int, end: int) -> int:
        """Return how many events of a spec and group there are from a time until another."""
        return self.specs[spec].count(group, start, end) if spec in self.specs else 0

    def _window(self, rule: CompiledRule, group: Group, start: int) -> tuple[Look, bool]:
        panes = self.specs.get(rule.spec.id) or SpecPanes(rule.spec.pane)
        look = look_at(rule, panes, group, start, start + rule.shape.size)
        if not self.faults.out(rule.rule):
            with self.faults.guard(rule.rule):
                return look, rule.holds(look.view)
        return look, False

    def _judge_until(self, rule: CompiledRule, panes: SpecPanes, watermark: int) -> None:
        """Judge the boundaries that the watermark has passed, in the order in which they are due.

        Windows that are empty may have to wait for their lateness while others have not.
        """
        ends, lateness = rule.judgement is Judgement.END, rule.rule.window.allowed_lateness
        shift = lateness if ends else 0
        closes = (
            (end + shift, 0, end) for end in self._due(rule, panes, watermark, shift, whole=ends)
        )
        empties: Iterable[tuple[int, int, int]] = ()
        if rule.judges_silence:
            silent = self._due(rule, panes, watermark, lateness, whole=True)
            empties = ((end + lateness, 1, end) for end in silent)
        judges = (self._judge_close, self._judge_empty)
        for _, which, end in merge(closes, empties):
            judges[which](rule, panes, end)

    def _due(
        self, rule: CompiledRule, panes: SpecPanes, watermark: int, shift: int, *, whole: bool
    ) -> Iterator[int]:
        span = Span(self.judged - shift, watermark - shift)
        pending = bool(self.alerts.pending.groups(rule.key))
        unseen = self.blind.of(rule, panes.since)
        return due(rule, panes, span, unseen=unseen, pending=pending, whole=whole)

    def _judge_close(self, rule: CompiledRule, panes: SpecPanes, end: int) -> None:
        for group in self._concerned(rule, panes, end):
            self._judge_at(rule, panes, group, end)
        if begins(rule, panes, end):
            self._judge_anew(rule, panes, end)

    def _judge_empty(self, rule: CompiledRule, panes: SpecPanes, end: int) -> None:
        """Let windows fire that are empty, unless its condition has, where that is an alarm."""
        start = end - rule.shape.size
        known = list(panes.known())
        for group in known:
            look = look_at(rule, panes, group, start, end)
            silent = not look.view["count"] and not rule.holds(look.view)
            if silent and self._proves(rule, panes, group, look):
                look = look._replace(note=f"{NO_DATA} for {durations.show(rule.shape.size)}")
                self._judge(rule, group, look, closed(panes, look), max(self.judged, end))
        self.dirty |= self.alerts.pending.keep(rule.key, known)

    def _proves(self, rule: CompiledRule, panes: SpecPanes, group: Group, look: Look) -> bool:
        unseen = self.blind.of(rule, panes.since)
        proof = proves(rule, panes, group, look, unseen=unseen, place=self.place)
        return proof and not unheard(rule, look, self.blind)

    def _concerned(self, rule: CompiledRule, panes: SpecPanes, end: int) -> list[Group]:
        unseen = self.blind.of(rule, panes.since)
        told = Told(self.alerts.groups(rule.key), self.alerts.pending.groups(rule.key))
        return concerned(rule, panes, end, told, unseen=unseen, place=self.place)

    def forget(self, book: RuleBook, *, since: int) -> None:
        """Drop the panes that no window to be judged can hold, and what is known no longer.

        `since`: when that was last done.
        """
        if self.judged < self.expires:
            return
        self.expires = ENDLESS
        for spec, panes in list(self.specs.items()):
            known = book.specs.get(spec)
            horizon = known.horizon if known else GRACE
            if panes.forget(horizon, self.judged):
                self.dirty = True
            self.dirty |= panes.fade(since, self.judged)
            self.expire(panes.fades(self.judged))
            if panes.slices:
                self.expire(min(panes.slices) + panes.pane + horizon)
            elif known is None and self.judged < panes.until():
                self.expire(panes.until())
            elif known is None:
                del self.specs[spec]
                self.dirty = True

    def expire(self, watermark: int) -> None:
        """Note that there will be something to forget."""
        self.expires = min(self.expires, watermark)

    def follow(self, new: RuleBook, changed: Iterable[CompiledRule], log_now: int) -> None:
        """Take over changed rules, and judge what they now say of known panes."""
        self.rules = new.digest
        self.expires = 0
        for spec, mine in self.specs.items():
            read = spec in new.specs
            awaited = read and self._awaited(new.specs[spec])
            self.dirty |= mine.watch(read=read, awaited=awaited, now=log_now)
            self.dirty |= mine.rest(self.judged, needed=read and new.specs[spec].keep is not None)
        for spec, known in new.specs.items():
            if spec not in self.specs and self._awaited(known):
                self.specs[spec] = SpecPanes(known.spec.pane, log_now or EVER, self.judged)
                self.dirty = True
            if spec in self.specs:
                self.dirty |= self.specs[spec].remember(known.spec, known.keep)
        for rule in changed:
            panes = self.specs.get(rule.spec.id)
            if panes is None:
                continue
            room, groups = new.specs[rule.spec.id].max_groups, rule.expected.get(self.place, ())
            self.dirty |= panes.expect(groups, room=room, now=log_now)
            if panes.slices:
                with self.faults.guard(rule.rule):
                    self._judge_anew(rule, panes, self.judged)

    def _awaited(self, known: SpecRules) -> bool:
        """Tell whether some rule expects groups here."""
        return any(self.place in rule.expected for rule in known.rules)

    def _judge_anew(self, rule: CompiledRule, panes: SpecPanes, now: int) -> None:
        """Judge the open windows; those that ask for an end are judged at theirs."""
        if rule.judgement is Judgement.END:
            return
        for group, told in asked_anew(rule, panes, self.alerts, now).items():
            for look in looks_open(rule, panes, group, now):
                if self._proves(rule, panes, group, look):
                    self._judge(rule, group, look, told or closed(panes, look), now)
