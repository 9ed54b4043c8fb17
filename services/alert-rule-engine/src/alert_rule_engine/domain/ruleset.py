"""Stage one: a batch of events becomes rows, one for each pane spec, group and pane that it feeds.

Events are first sorted into heaps of one key (service, level, status, slice of time); what the key
decides is then done per heap, so the cost of an event hardly depends on the number of rules.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from alert_contracts.events import Event
from alert_contracts.topics import STATE_PARTITIONS
from alert_rule_engine.domain import sketch as sketches
from alert_rule_engine.domain.partials import Block, Group, Row, Values, room_of, target_of
from alert_rule_engine.domain.plans import Planner, SpecEvaluator
from alert_rule_engine.domain.rules import RuleBook, match_of, value_of
from alert_rule_engine.domain.views import Decoder, Lines

SAMPLE_BYTES: Final = 262_144
"""Samples of one target of one record; rows beyond go without."""
TARGET_BYTES: Final = 4 * 1_048_576
"""Rows of one target of one record without their samples; the events of others are surplus."""
_BLOCK_BYTES: Final = 48
Key = tuple[str, str, int | None, bool, int]
Place = tuple[SpecEvaluator, Group, int]
Instant = tuple[int, int]
"""When an event happened, and its index in the batch."""


class Batch(NamedTuple):
    """A decoded record."""

    events: Sequence[Event]
    lines: Lines


class _Tally:
    """What one row will hold. `chosen`: indices of its events, where their values are needed."""

    __slots__ = ("chosen", "count", "errors", "first", "last")

    def __init__(self, first: Instant, last: Instant) -> None:
        self.count = 0
        self.errors = 0
        self.first = first
        self.last = last
        self.chosen: list[int] = []


class RuleSet:
    """The compiled rules of one tenant, ready to count."""

    def __init__(
        self,
        evaluators: Sequence[SpecEvaluator],
        *,
        sample_bytes: int = SAMPLE_BYTES,
        target_bytes: int = TARGET_BYTES,
    ) -> None:
        self._sample_bytes = sample_bytes
        self._target_bytes = target_bytes
        self._planner = Planner(evaluators)
        self._decoder = Decoder(name for each in evaluators for name in each.reads())
        panes = [each.spec.pane for each in evaluators]
        self._slice = math.gcd(*panes) if panes else 1
        self._empty = not evaluators

    def decode(self, value: bytes) -> Batch:
        """Return what the rules need of a record.

        Raises:
            msgspec.DecodeError: (or its subclass ValidationError) the value is no NDJSON of events.
        """
        events = self._decoder.decode(value)
        return Batch(events, Lines(value, len(events)))

    def evaluate(self, batch: Batch) -> list[list[Block]]:
        """Return, for each target partition, the rows that these events add.

        What one target gets is bounded; the same events are cut in the same way each time.
        """
        targets: list[dict[str, Block]] = [{} for _ in range(STATE_PARTITIONS)]
        budget = [self._sample_bytes] * STATE_PARTITIONS
        room = [self._target_bytes] * STATE_PARTITIONS
        for place, tally in self._tallies(batch.events).items():
            evaluator, group, _ = place
            slot = evaluator.slot(group)
            target = target_of(slot)
            row = _row(place, tally, batch.events, slot)
            spec = evaluator.spec
            block = targets[target].get(spec.id)
            if block is None:
                block = targets[target][spec.id] = Block(spec.id, spec.pane, [])
                room[target] -= _BLOCK_BYTES
            needed = room_of(row)
            if needed > room[target]:
                block.surplus += row.count
                continue
            room[target] -= needed
            budget[target] -= _witness(row, tally, batch.lines, budget[target])
            block.rows.append(row)
        return [list(blocks.values()) for blocks in targets]

    def _tallies(self, events: Sequence[Event]) -> dict[Place, _Tally]:
        tallies: dict[Place, _Tally] = {}
        if self._empty:
            return tallies
        length = self._slice
        for key, heap in _heaps(events, length).items():
            self._sort(events, heap, key[4] * length, tallies)
        return tallies

    def _sort(
        self, events: Sequence[Event], heap: list[int], at: int, tallies: dict[Place, _Tally]
    ) -> None:
        plan = self._planner.plan(events[heap[0]])
        errors = len(heap) if plan.error else 0
        instants = [(events[index].timestamp, index) for index in heap]
        first, last = min(instants), max(instants)
        for evaluator, group in plan.settled:
            start = at - at % evaluator.spec.pane
            if group is not None:
                place = (evaluator, group, start)
                _count(tallies, place, heap, first=first, last=last, errors=errors)
            else:
                _count_each(tallies, evaluator, start, events, instants, error=plan.error)
        for evaluator in plan.tried:
            test = evaluator.match.test
            matching = [instant for instant in instants if test(events[instant[1]])]
            if matching:
                start = at - at % evaluator.spec.pane
                _count_each(tallies, evaluator, start, events, matching, error=plan.error)


def _heaps(events: Sequence[Event], length: int) -> dict[Key, list[int]]:
    heaps: dict[Key, list[int]] = {}
    find = heaps.get
    for index, event in enumerate(events):
        key = (
            event.service,
            event.level,
            event.status_code,
            event.response_time is None,
            event.timestamp // length,
        )
        heap = find(key)
        if heap is None:
            heaps[key] = [index]
        else:
            heap.append(index)
    return heaps


def _count_each(
    tallies: dict[Place, _Tally],
    evaluator: SpecEvaluator,
    start: int,
    events: Sequence[Event],
    instants: Iterable[Instant],
    *,
    error: bool,
) -> None:
    for instant in instants:
        place = (evaluator, evaluator.group_of(events[instant[1]]), start)
        chosen = (instant[1],)
        _count(tallies, place, chosen, first=instant, last=instant, errors=int(error))


def _count(
    tallies: dict[Place, _Tally],
    place: Place,
    chosen: Sequence[int],
    *,
    first: Instant,
    last: Instant,
    errors: int,
) -> None:
    tally = tallies.get(place)
    if tally is None:
        tally = tallies[place] = _Tally(first, last)
    tally.count += len(chosen)
    tally.errors += errors
    tally.first = min(tally.first, first)
    tally.last = max(tally.last, last)
    if place[0].numbers is not None:
        tally.chosen.extend(chosen)


def _row(place: Place, tally: _Tally, events: Sequence[Event], slot: int) -> Row:
    evaluator, group, start = place
    values = None
    if evaluator.numbers is not None:
        found = evaluator.numbers(events[index] for index in tally.chosen)
        values = _values(found, sketch=evaluator.spec.sketch)
    return Row(slot, group, start, tally.count, tally.errors, values)


def _values(found: list[float], *, sketch: bool) -> Values | None:
    if not found:
        return None
    total = sum(found)
    if not -sketches.LARGEST <= total <= sketches.LARGEST:
        # Not to be summed for ever: two such numbers are infinite, and nothing judges infinity.
        found = [sketches.bounded(value) for value in found]
        total = sum(found)
    histogram = sketches.sketch_of(found) if sketch else None
    return Values(len(found), float(total), min(found), max(found), histogram)


def _witness(row: Row, tally: _Tally, lines: Lines, budget: int) -> int:
    """Give the row its earliest and latest event, if they fit; return the bytes that they take."""
    first = lines.moment(tally.first[1], tally.first[0])
    last = lines.moment(tally.last[1], tally.last[0]) if tally.last != tally.first else None
    size = sum(len(moment.line) for moment in (first, last) if moment is not None)
    if size > budget:
        return 0
    row.first, row.last = first, last
    return size


def rulesets(book: RuleBook) -> dict[str, RuleSet]:
    """Return the rule set of each tenant."""
    by_tenant: dict[str, list[SpecEvaluator]] = {}
    for gathered in book.specs.values():
        spec = gathered.spec
        match = match_of(spec.match, spec.tenant)
        value = None if spec.value is None else value_of(spec.value, spec.tenant)
        by_tenant.setdefault(spec.tenant, []).append(SpecEvaluator(spec, match, value))
    return {tenant: RuleSet(evaluators) for tenant, evaluators in by_tenant.items()}
