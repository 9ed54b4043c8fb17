"""What part of stage one's time each pane spec takes, by sampling.

Batches are looked at by the time that they took: whenever so much was spent on evaluation, the next
spec works alone on the batch at hand, and what it takes is a part of what the batch took. So a
batch that took a thousand times as long is looked at a thousand times as often, and the mean of the
parts is the part of the time. Batches of about one size are alike, so each size has its own mean:
a few looks tell enough. Looks are so seldom that they take less than a hundredth of the time that
evaluation takes anyway.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from alert_rule_engine.domain import alone
from alert_rule_engine.domain.alone import Timer
from alert_rule_engine.domain.batches import Batch
from alert_rule_engine.domain.evaluators import SpecEvaluator
from alert_rule_engine.domain.ruleset import RuleSet

SHARE: Final = 0.0075
"""Of the time is what looks take."""
_LOOK: Final = 0.000_2
"""Seconds that the first look is thought to take."""
_LEAST: Final = 0.000_02
"""Seconds that each look is thought to take at least."""
_RECENT: Final = 0.05
"""Weight of the newest look in what looks usually take."""
_KNOWN: Final = 16
"""Looks at a spec of which the newest has so many parts of the weight."""
LITTLE: Final = 0.01
"""Of the time of batches; who takes less is looked at in each fourth turn."""
HORIZON: Final = 60.0
"""Seconds of evaluation; what was spent before them counts for half."""


class _Kind:
    """Batches of one tenant and of about one size."""

    __slots__ = ("looks", "parts", "spent", "turn")

    def __init__(self) -> None:
        self.spent = 0.0
        self.turn = 0
        self.parts: dict[str, float] = {}
        """Of their time, by spec."""
        self.looks: dict[str, int] = defaultdict(int)

    def next(self, evaluators: Sequence[SpecEvaluator]) -> SpecEvaluator:
        """Return whose turn it is; those that are known to take little have it less often."""
        while True:
            turn, place = divmod(self.turn, len(evaluators))
            self.turn += 1
            if self.parts.get(evaluators[place].spec.id, 1.0) >= LITTLE or (place + turn) % 4 == 0:
                return evaluators[place]

    def note(self, spec: str, part: float) -> None:
        """Let one more look count; the first ones count alike, later ones more than older ones."""
        self.looks[spec] = min(self.looks[spec] + 1, _KNOWN)
        known = self.parts.get(spec, 0.0)
        self.parts[spec] = known + (part - known) / self.looks[spec]

    def keep(self, specs: Mapping[str, str]) -> None:
        """Forget all specs but these."""
        for spec in self.parts.keys() - specs.keys():
            del self.parts[spec], self.looks[spec]


class Costs:
    """The part that each spec takes of the time that the evaluation of events takes."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self._random = Random(0)  # noqa: S311 - not for secrets
        self._usual = _LOOK
        """Seconds that a look takes."""
        self._ahead = 0.0
        """Seconds of evaluation until the next look."""
        self._spent = 0.0
        self._kinds: dict[tuple[str, int], _Kind] = {}

    def sample(self, rules: RuleSet, batch: Batch, seconds: float) -> None:
        """Take note of what a batch took, and look at it if it is time to."""
        if not rules.evaluators or not batch.events or seconds <= 0.0:
            return
        size = len(batch.events).bit_length() // 3
        tenant = rules.evaluators[0].spec.tenant
        kind = self._kinds.get((tenant, size))
        if kind is None:
            kind = self._kinds[tenant, size] = _Kind()
        kind.spent += seconds
        self._spent += seconds
        self._ahead -= seconds
        while self._ahead < 0.0:
            start = self._timer()
            evaluator = kind.next(rules.evaluators)
            taken = alone.seconds(rules, evaluator, batch, self._timer, self._random)
            kind.note(evaluator.spec.id, min(1.0, max(0.0, taken / seconds)))
            self._pause(self._timer() - start)
        if self._spent > 2.0 * HORIZON:
            self._age()

    def _pause(self, look: float) -> None:
        """Look again when looks are a small enough part of the time."""
        self._usual += _RECENT * (look - self._usual)
        self._usual = max(self._usual, 2.0 * _RECENT * look, _LEAST)
        # Not evenly: batches may come in a rhythm.
        self._ahead += self._random.uniform(0.0, 2.0) * self._usual / SHARE

    def _age(self) -> None:
        """Let what was spent long ago count for less; forget what counts for next to nothing."""
        for kind in self._kinds.values():
            kind.spent /= 2.0
        self._kinds = {at: kind for at, kind in self._kinds.items() if kind.spent > _LEAST}
        self._spent = sum(kind.spent for kind in self._kinds.values())

    def keep(self, specs: Mapping[str, str]) -> None:
        """Forget all specs but these, and all tenants but theirs."""
        tenants = set(specs.values())
        self._kinds = {at: kind for at, kind in self._kinds.items() if at[0] in tenants}
        self._spent = sum(kind.spent for kind in self._kinds.values())
        for kind in self._kinds.values():
            kind.keep(specs)

    def shares(self) -> dict[str, float]:
        """Return each spec's share of the time; together they have the whole at most."""
        shares: dict[str, float] = defaultdict(float)
        for kind in self._kinds.values():
            # Together they take less than one by one.
            whole = max(1.0, sum(kind.parts.values())) * self._spent
            for spec, part in kind.parts.items():
                shares[spec] += part * kind.spent / whole
        return shares
