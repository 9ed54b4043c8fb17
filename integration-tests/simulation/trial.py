"""One seed: traffic and faults, and what the oracle says of all that was told."""

import asyncio
import json
from collections.abc import Callable
from typing import Final

from faults.lab.rulebook import rules, silences
from faults.lab.workload import Workload
from oracle.journal import Batch
from oracle.presence import presence
from oracle.told import Told, gather
from oracle.verdict import Verdict, compare, counted
from oracle.watch import read_rule
from oracle.windows import tally

from alert_contracts.rules import encode_rule
from simulation.chaos import Chaos
from simulation.site import Site
from simulation.traffic import Gateway, Manner, once
from simulation.world import NOON, World

TENANT: Final = "simulation"
LOAD: Final = 50_000
"""Milliseconds of events and faults."""
SILENCE: Final = 31_000
"""Milliseconds after which it is judged that there are no events any more."""
PATIENCE: Final = 240_000
STEP: Final = 1_000
CAP: Final = 200
GATEWAYS: Final = 3


class Trial:
    """What one seed makes of it all."""

    def __init__(self, seed: int, *, faults: bool = True) -> None:
        self.world = World(seed)
        self._workload = Workload(TENANT, seed)
        self._silences = silences(TENANT)
        self._rules = [*rules(TENANT), *self._silences]
        self._site = Site(self.world, self._rules, cap=CAP)
        self._journal: list[Batch] = []
        self._gateways = self._opened()
        self.chaos = Chaos(self._site)
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
        self._until(lambda: self._site.counted() >= self._accepted())
        self.world.run(self.world.now + SILENCE)
        for gateway in self._gateways:
            gateway.die()
        self._site.rules.change([each for each in self._rules if each not in self._silences])
        self._until(lambda: all(each.over for each in self._told()))
        return self._verdict()

    def _until(self, question: Callable[[], bool]) -> None:
        """Wait for a yes; without one the verdict will say what is missing."""
        latest = self.world.now + PATIENCE
        while self.world.now < latest and not question():
            self.world.run(self.world.now + STEP)

    def _told(self) -> list[Told]:
        (records,) = self._site.cluster.alerts.partitions
        return gather(json.loads(record.value or b"") for record in records)

    def _accepted(self) -> int:
        return sum(len(batch.events) for batch in once(self._journal))

    def _verdict(self) -> Verdict:
        watches = [read_rule(json.loads(encode_rule(rule))) for rule in self._rules]
        batches = once(self._journal)
        seen = presence(self._journal)
        verdict = compare(tally(batches, watches), watches, self._told(), seen)
        verdict.differences += counted(self._accepted(), self._site.counted())
        return verdict


def simulate(seed: int, *, faults: bool = True) -> tuple[Verdict, list[str]]:
    """Return what the oracle says of a seed, and what went wrong there."""

    async def run() -> tuple[Verdict, list[str]]:
        trial = Trial(seed, faults=faults)
        return trial.run(), trial.chaos.log

    return asyncio.run(run())
