"""One seed: traffic and faults, and what the oracle says of all that was told."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from faults.lab.rulebook import rules, silences
from faults.lab.workload import Workload
from oracle.journal import Batch, once
from oracle.presence import presence
from oracle.told import Told, gather
from oracle.verdict import Verdict, compare, counted, name
from oracle.watch import read_rule
from oracle.windows import tally

from alert_contracts.rules import encode_rule
from alert_rule_engine.testing import NOON
from simulation.chaos import Chaos
from simulation.replay import differences, replayed
from simulation.site import Site
from simulation.traffic import Gateway, Manner
from simulation.wild import WILD, wild
from simulation.world import World

TENANT: Final = "simulation"
LOAD: Final = 50_000
"""Milliseconds of events and faults."""
SILENCE: Final = 31_000
"""Milliseconds after which it is judged that there are no events any more."""
PATIENCE: Final = 240_000
STEP: Final = 1_000
CAP: Final = 100_000
WILD_RULES: Final = 10
DRAIN: Final = 3_000
GATEWAYS: Final = 3
EDITED: Final = (2, 3)


class Trial:
    """What one seed makes of it all.

    Odd ones have rules that the oracle knows, even ones rules of any sort; in every other of both
    rules are edited.
    """

    def __init__(self, seed: int, *, faults: bool = True) -> None:
        self.world = World(seed)
        self._workload = Workload(TENANT, seed)
        self._silences = silences(TENANT)
        self._known = [*rules(TENANT), *self._silences] if seed % 2 else []
        edited = faults and seed % 4 in EDITED
        others = wild(TENANT, self.world.draw, 3 * edited if self._known else WILD_RULES)
        self._site = Site(self.world, [*self._known, *others], cap=CAP)
        self._journal: list[Batch] = []
        self._gateways = self._opened()
        self.chaos = Chaos(self._site, self._gateways, edits=edited)
        self.chaos.rest = NOON + (LOAD if faults else 0)

    def _opened(self) -> list[Gateway]:
        draw = self.world.draw
        many = draw.randint(1, GATEWAYS)
        manners = [
            Manner(
                pace=draw.choice((100, 200, 400)),
                spread=draw.choice((0, 800, 1_500)),
                late=draw.choice((0, 0.05, 0.2)),
                repeated=draw.choice((0, 0.1, 0.3)),
            )
            for _ in range(many)
        ]
        into = self._site.cluster.events, self._journal
        return [
            Gateway(self.world, (number, many), self._workload, into, manner)
            for number, manner in enumerate(manners)
        ]

    def run(self) -> Verdict:
        """Let everything happen; when the load is over, every service is absent until rules go."""
        for gateway in self._gateways:
            gateway.rest = NOON + LOAD
        self.world.run(NOON + LOAD)
        self._until(lambda: all(gateway.rested for gateway in self._gateways))
        accepted = self._accepted()
        self._until(lambda: self._site.counted() >= accepted)
        self.world.run(self.world.now + SILENCE)
        kept = {rule.id for rule in self._known} - {rule.id for rule in self._silences}
        self._until(lambda: all(each.over for each in self._told() if each.rule in kept))
        for gateway in self._gateways:
            gateway.die()
        again = self._again()
        self._site.rules.change([rule for rule in self._site.rules.now if rule.id in kept])
        self._until(lambda: all(each.over for each in self._told()))
        verdict = self._verdict()
        verdict.differences += again
        return verdict

    def _again(self) -> list[str]:
        """Return what a replay of all partials says otherwise."""
        self._site.scale("evaluate", 0)
        self.world.run(self.world.now + DRAIN)
        self._until(self._site.settled)
        log, history = self._site.cluster.partials.partitions, self._site.cluster.history
        found = list(differences(self._records(), replayed(log, history)))
        self._site.scale("evaluate", 1)
        return found

    def _until(self, question: Callable[[], bool]) -> None:
        """Wait for a yes; without one the verdict will say what is missing."""
        latest = self.world.now + PATIENCE
        while self.world.now < latest and not question():
            self.world.run(self.world.now + STEP)

    def _records(self) -> list[Mapping[str, Any]]:
        (records,) = self._site.cluster.alerts.partitions
        return [json.loads(record.value or b"") for record in records]

    def _told(self) -> list[Told]:
        return gather(self._records())

    def _accepted(self) -> int:
        return sum(len(batch.events) for batch in once(self._journal))

    def _verdict(self) -> Verdict:
        watches = [read_rule(json.loads(encode_rule(rule))) for rule in self._known]
        batches = once(self._journal)
        told = self._told()
        known = [each for each in told if not each.rule.startswith(WILD)]
        others = [each for each in told if each.rule.startswith(WILD)]
        faults = [f"{name(each)}: {fault}" for each in others for fault in each.faults]
        faults += [f"{name(each)}: never resolved" for each in others if not each.over]
        seen = presence(self._journal)
        verdict = compare(tally(batches, watches), watches, known, seen)
        verdict.alerts += len(others)
        verdict.differences += [*counted(self._accepted(), self._site.counted()), *faults]
        return verdict


def simulate(seed: int, *, faults: bool = True) -> tuple[Verdict, list[str]]:
    """Return what the oracle says of a seed, and what went wrong there."""

    async def run() -> tuple[Verdict, list[str]]:
        trial = Trial(seed, faults=faults)
        return trial.run(), trial.chaos.log

    return asyncio.run(run())
