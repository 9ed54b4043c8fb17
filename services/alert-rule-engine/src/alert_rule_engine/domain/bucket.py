"""One bucket of groups: a machine that reads rows and the watermark, and opens and ends alerts.

A bucket depends on nothing but the order of the log: rows, watermarks and the log's clock all come
out of records. So a replay from any stored bucket repeats every decision, id and sequence.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from alert_rule_engine.domain.aggregates import Aggregate, Arrival
from alert_rule_engine.domain.alertbook import AlertBook
from alert_rule_engine.domain.lifecycle import Crossing
from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.domain.partials import Block, Group, Row
from alert_rule_engine.domain.rules import (
    CompiledRule,
    Judgement,
    RuleBook,
    SpecRules,
    rule_key,
)
from alert_rule_engine.domain.windows import boundaries

GRACE: Final = 120_000
"""Panes of a spec that no rule reads (yet, or any more) are kept this long."""
MAX_UNKNOWN: Final = 1_000
"""Groups kept of a spec that no rule reads (yet)."""


SAMPLE_BYTES: Final = 4 * 1_048_576
"""Samples that panes of a bucket may hold; while there are more, rows come without."""


@dataclass(slots=True)
class Losses:
    """Events that no window counts."""

    late: int = 0
    surplus: int = 0
    """Of groups beyond a rule's `maxGroups`."""


@dataclass(slots=True)
class Bucket:
    """State of the groups of one bucket."""

    restored: int = -1
    """The last log offset that it contained when it was restored: to be skipped in a replay."""
    judged: int = 0
    """The watermark up to which closed panes were judged."""
    specs: dict[str, SpecPanes] = field(default_factory=dict)
    alerts: AlertBook = field(default_factory=AlertBook)
    touched: set[int] = field(default_factory=set)
    """Starts of panes that changed since they were last taken for storing."""
    dirty: bool = False

    def apply(
        self, blocks: Iterable[Block], arrival: Arrival, *, watermark: int, book: RuleBook
    ) -> Losses:
        """Count rows and judge what they may have pushed over; `watermark`: before these rows."""
        losses = Losses()
        if sum(panes.weight for panes in self.specs.values()) > SAMPLE_BYTES:
            blocks = [_without_samples(block) for block in blocks]
        for block in blocks:
            known = book.specs.get(block.spec)
            panes = self.specs.get(block.spec) or SpecPanes(block.pane)
            lateness = known.lateness if known else GRACE
            room = known.max_groups if known else MAX_UNKNOWN
            for row in block.rows:
                if row.start + panes.pane + lateness <= watermark:
                    losses.late += row.count
                elif row.group not in panes.groups and len(panes.groups) >= room:
                    losses.surplus += row.count
                else:
                    self._count(known, panes, row, arrival)
            if panes.slices:
                self.specs[block.spec] = panes
        return losses

    def _count(self, known: SpecRules | None, panes: SpecPanes, row: Row, arrival: Arrival) -> None:
        panes.fill(row, arrival)
        self.touched.add(row.start)
        self.dirty = True
        if known is None:
            return
        late_by = max(0, self.judged - row.start - panes.pane)
        for shape, rules in known.crossing:
            for start, window in panes.crossable(shape, row):
                for rule in rules:
                    crossing = _crossed(row, arrival, late_by)
                    self.alerts.judge(rule, row.group, start, window, crossing)
        if row.start + panes.pane <= self.judged:
            self._reopen(known, panes, row, _crossed(row, arrival, late_by))

    def _reopen(self, known: SpecRules, panes: SpecPanes, row: Row, crossing: Crossing) -> None:
        """Judge again the windows that hold a pane which had been judged without this row."""
        for rule in known.timed:
            if rule.judgement is not Judgement.CROSSING:
                last = min(self.judged, row.start + rule.shape.size)
                for end in boundaries(row.start, last, panes.pane):
                    self._judge_at(rule, panes, row.group, end, crossing)

    def _judge_at(
        self,
        rule: CompiledRule,
        panes: SpecPanes,
        group: Group,
        end: int,
        crossing: Crossing | None = None,
    ) -> None:
        """Judge the window so far at a boundary that the watermark has passed."""
        start = rule.shape.holding(end - panes.pane, panes.pane)
        if rule.judgement is Judgement.END and end - start != rule.shape.size:
            return
        window = panes.window(group, start, end)
        if window.count:
            seen = crossing or _closed(window, end)
            self.dirty |= self.alerts.judge(rule, group, start, window, seen)

    def advance(self, watermark: int, log_now: int, book: RuleBook) -> None:
        """Judge, refresh, resolve and forget as far as the watermark has come."""
        for spec, panes in list(self.specs.items()):
            known = book.specs.get(spec)
            for rule in known.timed if known else ():
                self._judge_until(rule, panes, watermark)
        self.judged = max(self.judged, watermark)
        self.refresh(log_now, book)
        self.dirty |= self.alerts.resolve(watermark)
        self.forget(book)

    def refresh(self, log_now: int, book: RuleBook) -> None:
        """Take new snapshots of alerts whose windows have grown, where that is due."""
        if self.alerts.news:
            self.dirty |= self.alerts.refresh(self.judged, log_now, book, self._window)

    def _window(self, rule: CompiledRule, group: Group, start: int) -> Aggregate:
        panes = self.specs.get(rule.spec.id) or SpecPanes(rule.spec.pane)
        return panes.window(group, start, start + rule.shape.size)

    def _judge_until(self, rule: CompiledRule, panes: SpecPanes, watermark: int) -> None:
        shift = rule.rule.window.allowed_lateness if rule.judgement is Judgement.END else 0
        newest = max(panes.slices) + panes.pane
        first = max(self.judged - shift, min(panes.slices))
        last = min(watermark - shift, newest + rule.shape.size)
        for end in boundaries(first, last, panes.pane):
            for group in self._concerned(rule, panes, end):
                self._judge_at(rule, panes, group, end)

    def _concerned(self, rule: CompiledRule, panes: SpecPanes, end: int) -> list[Group]:
        """Return the groups whose verdict may be another at this boundary."""
        if rule.judgement is Judgement.CROSSING:
            key = rule_key(rule.rule)
            return [group for name, group in self.alerts.firing if name == key]
        if rule.judgement is Judgement.CLOSE and rule.shape.tumbling:
            return list(panes.slices.get(end - panes.pane, ()))
        return list(panes.groups)

    def forget(self, book: RuleBook) -> None:
        """Drop the panes that no window to be judged can hold."""
        for spec, panes in list(self.specs.items()):
            known = book.specs.get(spec)
            if panes.forget(known.horizon if known else GRACE, self.judged):
                self.dirty = True
            if not panes.slices:
                del self.specs[spec]

    def follow(self, old: RuleBook, new: RuleBook) -> None:
        """Take over changed rules: end what they end, judge what they now say of known panes."""
        self.dirty |= self.alerts.follow(new)
        for key, rule in new.rules.items():
            before = old.rules.get(key)
            if before is not None and before.rule == rule.rule:
                continue
            panes = self.specs.get(rule.spec.id)
            if panes is not None and panes.slices:
                self._judge_anew(rule, panes)

    def _judge_anew(self, rule: CompiledRule, panes: SpecPanes) -> None:
        grows = rule.judgement is Judgement.CROSSING
        last = self.judged // panes.pane * panes.pane
        for group in list(panes.groups):
            if grows:
                last = panes.newest(group) + panes.pane
            self._judge_at(rule, panes, group, last)


def _without_samples(block: Block) -> Block:
    rows = [msgspec.structs.replace(row, first=None, last=None) for row in block.rows]
    return Block(block.spec, block.pane, rows)


def _crossed(row: Row, arrival: Arrival, late_by: int) -> Crossing:
    seen = row.last or row.first
    evidence = None
    if seen is not None:
        evidence = (seen.at, arrival.source, arrival.offset, seen.line)
    at = row.start if seen is None else seen.at
    return Crossing(at, arrival.accepted_at, arrival.traceparent, evidence, late_by)


def _closed(window: Aggregate, end: int) -> Crossing:
    accepted_at, trace = window.accepted
    return Crossing(end, accepted_at, trace or None, window.last)
