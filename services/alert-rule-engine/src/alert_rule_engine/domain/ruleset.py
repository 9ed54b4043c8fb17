"""Stage one: a batch of events becomes rows, one for each pane spec, group and pane that it feeds.

Events are first sorted into heaps of one key (service, level, status, slice of time); what the key
decides is then done per heap, so the cost of an event hardly depends on the number of rules.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from alert_contracts.events import Event
from alert_contracts.topics import STATE_PARTITIONS
from alert_rule_engine.domain import sketch as sketches
from alert_rule_engine.domain.partials import Block, Group, Moment, Row, Values, target_of
from alert_rule_engine.domain.plans import Planner, SpecEvaluator
from alert_rule_engine.domain.rules import RuleBook
from rule_language import compile_match, compile_value

MAX_LINE: Final = 4_096
"""A longer sample is cut: its message, then its attributes."""
SAMPLE_BYTES: Final = 262_144
"""Samples of one target of one record; rows beyond go without."""
_KEPT_MESSAGE: Final = 1_024
_encode: Final = msgspec.json.Encoder().encode

Place = tuple[SpecEvaluator, Group, int]


class _Tally:
    """What one row will hold; `chosen` are the indices of its events."""

    __slots__ = ("chosen", "errors")

    def __init__(self) -> None:
        self.chosen: list[int] = []
        self.errors = 0


class RuleSet:
    """The compiled rules of one tenant, ready to count."""

    def __init__(self, evaluators: Sequence[SpecEvaluator]) -> None:
        self._planner = Planner(evaluators)
        panes = [each.spec.pane for each in evaluators]
        self._slice = math.gcd(*panes) if panes else 1
        self._empty = not evaluators

    def evaluate(self, events: Sequence[Event]) -> list[list[Block]]:
        """Return, for each target partition, the rows that these events add."""
        targets: list[dict[str, Block]] = [{} for _ in range(STATE_PARTITIONS)]
        if self._empty:
            return [[] for _ in targets]
        budget = [SAMPLE_BYTES] * STATE_PARTITIONS
        for (evaluator, group, start), tally in self._tallies(events).items():
            slot = evaluator.slot(group)
            target = target_of(slot)
            row = _row(evaluator, group, start, tally, events)
            row.slot = slot
            budget[target] -= _witness(row, tally, events, budget[target])
            spec = evaluator.spec
            blocks = targets[target]
            block = blocks.get(spec.id)
            if block is None:
                block = blocks[spec.id] = Block(spec.id, spec.pane, [])
            block.rows.append(row)
        return [list(blocks.values()) for blocks in targets]

    def _tallies(self, events: Sequence[Event]) -> dict[Place, _Tally]:
        heaps: dict[tuple[str, str, int | None, int], list[int]] = {}
        length = self._slice
        for index, event in enumerate(events):
            key = (event.service, event.level, event.status_code, event.timestamp // length)
            heap = heaps.get(key)
            if heap is None:
                heaps[key] = [index]
            else:
                heap.append(index)
        tallies: dict[Place, _Tally] = {}
        for key, heap in heaps.items():
            self._sort(events, heap, key[3] * length, tallies)
        return tallies

    def _sort(
        self, events: Sequence[Event], heap: list[int], at: int, tallies: dict[Place, _Tally]
    ) -> None:
        plan = self._planner.plan(events[heap[0]])
        for evaluator, group in plan.settled:
            start = at - at % evaluator.spec.pane
            if group is not None:
                _count(tallies, (evaluator, group, start), heap, error=plan.error)
                continue
            for index in heap:
                place = (evaluator, evaluator.group_of(events[index]), start)
                _count(tallies, place, (index,), error=plan.error)
        for evaluator in plan.tried:
            start = at - at % evaluator.spec.pane
            for index in heap:
                event = events[index]
                if evaluator.match.test(event):
                    place = (evaluator, evaluator.group_of(event), start)
                    _count(tallies, place, (index,), error=plan.error)


def _count(
    tallies: dict[Place, _Tally], place: Place, chosen: Sequence[int], *, error: bool
) -> None:
    tally = tallies.get(place)
    if tally is None:
        tally = tallies[place] = _Tally()
    tally.chosen.extend(chosen)
    if error:
        tally.errors += len(chosen)


def _row(
    evaluator: SpecEvaluator, group: Group, start: int, tally: _Tally, events: Sequence[Event]
) -> Row:
    values = None
    if evaluator.value is not None:
        values = _values(evaluator.value.of, tally.chosen, events, sketch=evaluator.spec.sketch)
    return Row(0, group, start, len(tally.chosen), tally.errors, values)


def _values(
    read: Callable[[Event], float | None],
    chosen: Iterable[int],
    events: Sequence[Event],
    *,
    sketch: bool,
) -> Values | None:
    found = [value for index in chosen if (value := read(events[index])) is not None]
    if not found:
        return None
    histogram = sketches.sketch_of(found) if sketch else None
    return Values(len(found), float(sum(found)), min(found), max(found), histogram)


def _witness(row: Row, tally: _Tally, events: Sequence[Event], budget: int) -> int:
    """Give the row its earliest and latest event, if they fit; return the bytes that they take."""
    first = min(tally.chosen, key=lambda index: events[index].timestamp)
    last = max(tally.chosen, key=lambda index: events[index].timestamp)
    row.first = _moment(events[first])
    row.last = _moment(events[last]) if last != first else None
    size = len(row.first.line) + (len(row.last.line) if row.last else 0)
    if size > budget:
        row.first = row.last = None
        return 0
    return size


def _moment(event: Event) -> Moment:
    line = _encode(event)
    if len(line) > MAX_LINE:
        message = event.message[:_KEPT_MESSAGE] + "…"
        line = _encode(msgspec.structs.replace(event, message=message))
    if len(line) > MAX_LINE:
        line = _encode(Event(event.timestamp, event.service[:_KEPT_MESSAGE], message, event.level))
    return Moment(event.timestamp, line)


def rulesets(book: RuleBook) -> dict[str, RuleSet]:
    """Return the rule set of each tenant."""
    by_tenant: dict[str, list[SpecEvaluator]] = {}
    for gathered in book.specs.values():
        spec = gathered.spec
        match = compile_match(spec.match, tenant=spec.tenant)
        value = None
        if spec.value is not None:
            value = compile_value(spec.value, tenant=spec.tenant)
        by_tenant.setdefault(spec.tenant, []).append(SpecEvaluator(spec, match, value))
    return {tenant: RuleSet(evaluators) for tenant, evaluators in by_tenant.items()}


