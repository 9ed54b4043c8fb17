"""What part of stage one's time each pane spec takes, by sampling.

Now and then one spec evaluates the beginning of a batch alone, with a clock beside it; so seldom
that all of it takes no more than one hundredth of the time that evaluation takes anyway.
"""

from collections.abc import Callable, Sequence
from typing import Final

from alert_contracts.events import Event
from alert_rule_engine.domain.batches import Batch
from alert_rule_engine.domain.evaluators import SpecEvaluator
from alert_rule_engine.domain.ruleset import RuleSet
from alert_rule_engine.domain.tallies import Tallies

SHARE: Final = 0.01
EVENTS: Final = 256
"""Events of a sample."""
_STEPS: Final = 100_000
"""Of its macros, for a sample."""
_WEIGHT: Final = 0.25
"""Of the newest sample in a spec's running average."""
Timer = Callable[[], float]
"""CPU seconds of this thread."""


def _count(evaluator: SpecEvaluator, events: Sequence[Event]) -> None:
    evaluator.collect(list(filter(evaluator.match.test, events)), Tallies())


class Costs:
    """Running averages of seconds per event, by spec."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self._spent = 0.0
        self._sampled = 0.0
        self._turn = 0
        self._seconds: dict[str, float] = {}

    def spend(self, seconds: float) -> None:
        """Take note that an evaluation took so long."""
        self._spent += seconds

    def sample(self, rules: RuleSet, batch: Batch) -> None:
        """Let the next spec evaluate alone, if time enough was spent on all of them."""
        if not rules.evaluators or not batch.events or self._sampled > SHARE * self._spent:
            return
        start = self._timer()
        self._turn += 1
        evaluator = rules.evaluators[self._turn % len(rules.evaluators)]
        few = batch.events[:EVENTS]
        evaluator.allow(_STEPS)
        _count(evaluator, few)  # what it remembers from now on is not what it costs
        begun = self._timer()
        _count(evaluator, few)
        end = self._timer()
        self._note(evaluator.spec.id, (end - begun) / len(few))
        self._sampled += end - start

    def _note(self, spec: str, seconds: float) -> None:
        known = self._seconds.get(spec, seconds)
        self._seconds[spec] = known + _WEIGHT * (seconds - known)

    def keep(self, specs: set[str]) -> None:
        """Forget all specs but these."""
        self._seconds = {spec: cost for spec, cost in self._seconds.items() if spec in specs}

    def shares(self) -> dict[str, float]:
        """Return each spec's share of the time that all those sampled take."""
        whole = sum(self._seconds.values())
        return {spec: cost / whole for spec, cost in self._seconds.items()} if whole else {}
