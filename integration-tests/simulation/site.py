"""What is there: topics, groups, workers of both stages, and the rules."""

from collections.abc import Sequence
from typing import Final

from alert_contracts.rules import Rule
from alert_contracts.topics import LOG_EVENTS_PARTITIONS, STATE_PARTITIONS
from alert_rule_engine.domain.partition import Partition
from simulation.aggregate import Aggregate
from simulation.evaluate import Evaluate
from simulation.group import Group, Member
from simulation.history import History
from simulation.rules import Rules
from simulation.world import Cluster, Log, World

ROLES: Final = ("evaluate", "aggregate")


class Site:
    """Everything but the gateways."""

    def __init__(self, world: World, rules: Sequence[Rule], *, cap: int) -> None:
        self.world = world
        self.rules = Rules(rules)
        self.cluster = Cluster(
            Log("log-events", LOG_EVENTS_PARTITIONS),
            Log("rule-partials", STATE_PARTITIONS),
            Log("alerts", 1),
            [{} for _ in range(STATE_PARTITIONS)],
            History(STATE_PARTITIONS),
        )
        self.groups = {
            "evaluate": Group(world, self.cluster.events),
            "aggregate": Group(world, self.cluster.partials),
        }
        self.workers: dict[str, Member] = {}
        self._wanted = dict.fromkeys(ROLES, 1)
        self._cap = cap
        for role in ROLES:
            self.begin(f"{role}-0")

    def begin(self, name: str) -> None:
        """Start a worker, unless it runs, or is not wanted any more."""
        role, _, number = name.partition("-")
        if name in self.workers or int(number) >= self._wanted[role]:
            return
        if role == "evaluate":
            self.workers[name] = Evaluate(
                self.world, name, self.cluster, self.groups[role], self.rules
            )
        else:
            self.workers[name] = Aggregate(
                self.world, name, self.cluster, self.groups[role], self.rules, cap=self._cap
            )

    def scale(self, role: str, wanted: int) -> None:
        """Let so many workers of a role run from now on."""
        self._wanted[role] = wanted
        for number in range(wanted):
            self.begin(f"{role}-{number}")
        for name in [name for name in self.workers if name.startswith(role)]:
            if int(name.partition("-")[2]) >= wanted:
                self.workers.pop(name).die()
                self.groups[role].leave(name)

    def counted(self) -> int:
        """Return how many events the state says were counted."""
        return sum(partition.vector.counted for partition in self._held())

    def settled(self) -> bool:
        """Tell whether all partials are applied, and the rules as they are now are live."""
        ends = [len(records) - 1 for records in self.cluster.partials.partitions]
        held = {each.number: each for each in self._held()}
        return len(held) == len(ends) and all(
            each.vector.applied == ends[number] and each.book is self.rules.book
            for number, each in held.items()
        )

    def _held(self) -> list[Partition]:
        return [
            journal.partition
            for worker in self.workers.values()
            if isinstance(worker, Aggregate)
            for journal in worker.handler.journals.values()
        ]
