"""Where in its log each partition came under which rules: stored before it is acted upon."""

from typing import NamedTuple

from alert_rule_engine.domain.inforce import facts
from alert_rule_engine.domain.partition import Partition
from alert_rule_engine.domain.rules import RuleBook


class Step(NamedTuple):
    """All behind an offset of the log is judged by these rules."""

    after: int
    book: RuleBook


class History:
    """The steps of each partition, whoever took them."""

    def __init__(self, partitions: int) -> None:
        self.steps: list[list[Step]] = [[] for _ in range(partitions)]

    def note(self, partition: Partition) -> None:
        """Note by which rules a partition goes on from where it is."""
        steps, step = self.steps[partition.number], Step(partition.vector.applied, partition.book)
        if steps and steps[-1].after > step.after:
            message = f"partition {partition.number} is back before its last edit: {step.after}"
            raise AssertionError(message)
        if not steps or facts(steps[-1].book) != facts(step.book):
            steps.append(step)
