"""Stage one: a batch of events becomes blocks, one for each pane spec, pane and target.

What is to be done with an event follows from its key (service, level, status). Events that are
treated alike are counted in C, and the rest is done once for all of them, so the cost of an event
hardly depends on the number of rules. Only what a key does not decide is asked of each event.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from alert_contracts.events import Event
from alert_rule_engine.domain.batches import Batch, batch_of, slices_of
from alert_rule_engine.domain.blocks import TARGET_BYTES, Gained, blocks_of
from alert_rule_engine.domain.evaluators import SpecEvaluator
from alert_rule_engine.domain.partials import Block
from alert_rule_engine.domain.plans import MAX_PLANS, Plan, Plans
from alert_rule_engine.domain.room import Room
from alert_rule_engine.domain.sieves import PatternSieve, Sieve
from alert_rule_engine.domain.tallies import Tallies
from alert_rule_engine.domain.views import Decoder
from rule_language.loops import Pool

BATCH_STEPS: Final = 6_000_000
"""Steps that all rules may take for one batch: half a second to a second.

They are those of macros and of looks through lists. Half of them is parted evenly, so that no rule
starves; the rest is for those that need more.
"""
Counted = Mapping[Plan, int]
Times = dict[Plan, list[float]]


class RuleSet:
    """The compiled rules of one tenant, ready to count."""

    def __init__(
        self,
        evaluators: Sequence[SpecEvaluator],
        *,
        target_bytes: int = TARGET_BYTES,
        room: Room | None = None,
        before: "RuleSet | None" = None,
    ) -> None:
        """`room`: which the evaluators share with those of other sets.

        `before`: the set that this one replaces; what it remembers is kept where it holds.
        """
        self.evaluators = evaluators
        self._target_bytes = target_bytes
        self._room = room or Room()
        self._generation: int = self._room.generation
        known: Plans | None = None
        decoder: Decoder | None = None
        if before is not None:
            self._generation, known = before._generation, before._plans  # noqa: SLF001 - of its own kind
            decoder = before._decoder  # noqa: SLF001 - as above
        self._plans: Plans = Plans(evaluators, known)
        read = {name for each in evaluators for name in each.reads()}
        self._decoder: Decoder = Decoder(read, decoder)
        self._metered = [each for each in evaluators if each.budgets]
        self._panes = {each.spec.pane for each in evaluators}

    def decode(self, value: bytes, accepted_at: int) -> Batch:
        """Return what the rules need of a record.

        Raises:
            msgspec.DecodeError: (or its subclass ValidationError) the value is no NDJSON of events.
        """
        return batch_of(self._decoder.decode(value), accepted_at)

    def evaluate(self, batch: Batch) -> list[list[Block]]:
        """Return, for each target partition, the blocks that these events add.

        What one target gets is bounded; the same events are cut in the same way each time.
        """
        self._forget()
        self._refill()
        slices = [(at, self._tally(events)) for at, events in slices_of(batch, self._panes)]
        panes = slices if _apart(slices, self._panes) else _by_pane(slices)
        return blocks_of(panes, self._target_bytes)

    def metered(self) -> Mapping[str, bool]:
        """Tell of each spec that needs steps whether they did not suffice for the last batch.

        If so, it has counted none of the events that came after.
        """
        return {each.spec.id: each.exhausted() for each in self._metered}

    def cut_short(self) -> Sequence[str]:
        """Return the specs for which an event of the last batch had too many elements."""
        return [each.spec.id for each in self._metered if each.cut_short()]

    def search_of(self, evaluator: SpecEvaluator) -> PatternSieve | None:
        """Return what searches for a spec and for others at once, if anything does."""
        return self._plans.search_of(evaluator)

    def _refill(self) -> None:
        """Allow the steps of one batch; specs that share an expression share a budget."""
        if self._metered:
            pool = Pool(BATCH_STEPS // 2)
            users = Counter(budget for each in self._metered for budget in each.budgets)
            share = BATCH_STEPS // 2 // users.total()
            for budget, number in users.items():
                budget.refill(share * number, pool)

    def _forget(self) -> None:
        """Remember no more places and plans than is allowed; only between two batches."""
        self._room.tidy()
        if len(self._plans) > MAX_PLANS or self._generation != self._room.generation:
            self._plans.clear()
            self._generation = self._room.generation

    def _tally(self, events: Sequence[Event]) -> Tallies:
        """Count events that no edge of a pane parts."""
        tallies = Tallies()
        plans = self._plans
        planned = plans.of(events)
        counted = Counter(planned)
        _count(counted, tallies)
        if plans.timed:
            _count_timed(planned, counted, events, tallies)
        if any(plan.looking for plan in counted):
            _look(planned, events, tallies)
        for sieve in plans.everywhere:
            sieve.collect(events, tallies)
        return tallies


def _count(counted: Counted, tallies: Tallies) -> None:
    """Count what keys decide."""
    counts, errors = tallies.counts, tallies.errors
    for plan, number in counted.items():
        for place in plan.always:
            counts[place] += number
        if plan.error:
            for place in plan.always:
                errors[place] += number


def _times(planned: Iterable[Plan], events: Iterable[Event]) -> Times:
    """Return the response times of each plan's events."""
    times: Times = defaultdict(list)
    read = [event.response_time for event in events]
    for plan, time in zip(planned, read, strict=True):
        if time is not None:
            times[plan].append(time)
    return times


def _count_timed(
    planned: Sequence[Plan], counted: Counted, events: Sequence[Event], tallies: Tallies
) -> None:
    counts, errors, numbers = tallies.counts, tallies.errors, tallies.numbers
    times = _times(planned, events)
    for plan, values in times.items():
        for place in plan.timed:
            counts[place] += len(values)
            if plan.error:
                errors[place] += len(values)
        for place in plan.numbered:
            numbers[place] += values
    for plan, number in counted.items():
        if plan.untimed:
            _count_untimed(plan, number - len(times.get(plan, ())), tallies)


def _count_untimed(plan: Plan, number: int, tallies: Tallies) -> None:
    for place in plan.untimed if number else ():
        tallies.counts[place] += number
        if plan.error:
            tallies.errors[place] += number


def _look(planned: Iterable[Plan], events: Iterable[Event], tallies: Tallies) -> None:
    """Let specs that do not go by keys alone look at the events that may concern them."""
    wanted: dict[SpecEvaluator | Sieve, list[Event]] = defaultdict(list)
    paired = zip(planned, events, strict=True)
    for looking, event in [(plan.looking, event) for plan, event in paired if plan.looking]:
        for each in looking:
            wanted[each].append(event)
    for each, found in wanted.items():
        each.collect(found, tallies)


def _apart(slices: Sequence[Gained], panes: Collection[int]) -> bool:
    """Tell whether no pane of these lengths holds more than one of the slices."""
    return all(len({at // pane for at, _ in slices}) == len(slices) for pane in panes)


def _by_pane(slices: Iterable[Gained]) -> list[Gained]:
    """Put together what slices added to one pane; return each start and what its panes gained."""
    panes: dict[int, Tallies] = defaultdict(Tallies)
    for at, tallies in slices:
        for place in tallies.counts:
            tallies.move(place, panes[at - at % place.home.spec.pane])
    return list(panes.items())
