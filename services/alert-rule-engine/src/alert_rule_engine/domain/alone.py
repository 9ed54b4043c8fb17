"""How long one spec takes for a batch: what it did for it among all specs is done again, alone."""

from collections.abc import Callable, Sequence
from random import Random
from statistics import median
from typing import Final

from alert_contracts.events import Event
from alert_rule_engine.domain.asks import test_of
from alert_rule_engine.domain.batches import Batch
from alert_rule_engine.domain.blocks import blocks_of
from alert_rule_engine.domain.evaluators import SpecEvaluator
from alert_rule_engine.domain.ruleset import RuleSet
from alert_rule_engine.domain.sieves import PatternSieve
from alert_rule_engine.domain.tallies import Tallies

SIZES: Final = {1: 3, 16: 3, 128: 1, 1_024: 1}
"""Events of samples, and how often they are timed: the first time is slow."""
LONG: Final = 0.000_5
"""Seconds after which no larger sample is needed."""
_STEPS: Final = 100_000
"""Of a spec's macros, for a sample."""
Timer = Callable[[], float]
"""CPU seconds of this thread."""


class _Work:
    """What a spec does for some events."""

    def __init__(
        self, evaluator: SpecEvaluator, search: PatternSieve | None, events: Sequence[Event]
    ) -> None:
        """`search`: what finds the events that match, for other specs as well."""
        self._evaluator = evaluator
        self._search = search
        self._concerned = _concerned(evaluator, events)
        self._asked = not evaluator.by_key
        """It asks each of those that it tries whether it matches."""
        found = evaluator.by_key or search is not None
        self._test = test_of(evaluator.ask) if found else evaluator.match.test
        self.tried = self._concerned
        if found:
            some = _unlike(self.tried) if evaluator.whole else self.tried
            self.tried = list(filter(self._test, some))

    def alone(self) -> None:
        """Do what is done for this spec only."""
        self._evaluator.allow(_STEPS)
        self._count(list(filter(self._test, self.tried)) if self._asked else self.tried)

    def idle(self) -> None:
        """Do as much of it as takes its time without the spec, too."""
        self._count(list(filter(_none, self.tried)) if self._asked else ())

    def shared(self) -> None:
        """Do what is done once for this spec and for others."""
        if self._search is not None:
            self._search.search(self._concerned)

    def _count(self, events: Sequence[Event]) -> None:
        tallies = Tallies()
        if events:
            self._evaluator.collect(events, tallies)
        blocks_of([(0, tallies)])


def seconds(
    rules: RuleSet, evaluator: SpecEvaluator, batch: Batch, timer: Timer, random: Random
) -> float:
    """Return about how long a spec takes for a batch, beside what is done without it, too.

    Specs that are searched for together have equal parts of the search. What an event's key
    decides is decided once for all events of the key.
    """
    search = rules.search_of(evaluator)
    for size, times in SIZES.items():
        some = batch.events if size >= len(batch.events) else random.choices(batch.events, k=size)
        work = _Work(evaluator, search, some)
        alone, shared = _taken(timer, work.alone, times), _taken(timer, work.shared, times)
        if alone >= LONG or shared >= LONG / 10 or some is batch.events:
            break
    own = alone - _taken(timer, work.idle, times) if work.tried else 0.0
    taken = own + (shared / len(search.asks) if search else 0.0)
    return taken if evaluator.whole else taken * len(batch.events) / len(some)


def _concerned(evaluator: SpecEvaluator, events: Sequence[Event]) -> Sequence[Event]:
    """Return those of some events at which a spec looks: those of other services are not tried."""
    demanded = evaluator.match.equalities
    if "service" in demanded:
        events = [each for each in events if each.service in demanded["service"]]
    if "level" in demanded:
        events = [each for each in events if each.level in demanded["level"]]
    return events


def _unlike(events: Sequence[Event]) -> Sequence[Event]:
    """Return one of the events of each key."""
    return [*{(each.service, each.level, each.status_code): each for each in events}.values()]


def _taken(timer: Timer, work: Callable[[], None], times: int) -> float:
    found = []
    for _ in range(times):
        begun = timer()
        work()
        found.append(timer() - begun)
    return median(found)


def _none(_event: Event) -> bool:
    return False
