"""How the rules fare in one partition."""

from collections.abc import Iterator
from typing import Final

from alert_contracts.rule_status import RuleStatus
from alert_rule_engine.domain.conditions import CompiledRule
from alert_rule_engine.domain.partition import Partition
from alert_rule_engine.domain.rules import SpecRules, rule_key
from alert_rule_engine.domain.vector import Tally

CELL_BYTES: Final = 200
GROUP_BYTES: Final = 400
"""About what a pane of a group, and a group that is remembered, take in memory."""


def statuses(partition: Partition, at: int) -> Iterator[RuleStatus]:
    """Yield how each rule fares; `at`: wall clock."""
    for known in partition.book.specs.values():
        groups, size = _extent(partition, known)
        tally = partition.vector.tallies.get(known.spec.id, Tally())
        for rule in known.rules:
            yield _status(partition, rule, at, (groups, size), tally)


def _extent(partition: Partition, known: SpecRules) -> tuple[int, int]:
    """Return how many groups a spec has, and about how many bytes they take."""
    groups = cells = remembered = 0
    for bucket in partition.buckets:
        panes = bucket.specs.get(known.spec.id)
        if panes is not None:
            remembered += len(panes.memory or ())
            groups += max(len(panes.groups), len(panes.memory or ()))
            cells += sum(panes.groups.values())
    return groups, cells * CELL_BYTES + (groups + remembered) * GROUP_BYTES


def _status(
    partition: Partition, rule: CompiledRule, at: int, extent: tuple[int, int], tally: Tally
) -> RuleStatus:
    key = rule_key(rule.rule)
    fault = partition.faults.by_rule.get(key)
    firing = sum(bucket.alerts.count(key) for bucket in partition.buckets)
    return RuleStatus(
        tenant=rule.rule.tenant,
        rule_id=rule.rule.id,
        revision=rule.rule.revision,
        stage="aggregate",
        share=str(partition.number),
        at=at,
        matched=tally.matched,
        groups=extent[0],
        state_bytes=extent[1],
        firing=firing,
        late=tally.late,
        surplus=tally.surplus,
        evaluated_at=partition.judged,
        last_error=fault.reason if fault else "",
        last_error_at=fault.at if fault else 0,
        quarantined=fault.quarantined if fault else False,
    )
