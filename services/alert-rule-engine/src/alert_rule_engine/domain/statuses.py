"""How the rules fare in one partition."""

from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from alert_contracts.rule_status import RuleStatus
from alert_rule_engine.domain.conditions import CompiledRule
from alert_rule_engine.domain.due import blind_until
from alert_rule_engine.domain.partition import Partition
from alert_rule_engine.domain.rules import SpecRules
from alert_rule_engine.domain.vector import Tally

CELL_BYTES: Final = 120
GROUP_BYTES: Final = 250
"""About what a pane of a group, and a group that is remembered, take in memory."""


class _Extent(NamedTuple):
    """What a spec keeps."""

    groups: int
    size: int
    """About how many bytes they take."""
    since: int
    """From when on all its events were counted everywhere."""
    tally: Tally


def statuses(
    partition: Partition, at: int, *, turn: int = 0, turns: int = 1
) -> Iterator[RuleStatus]:
    """Yield how each rule fares whose turn it is; `at`: wall clock."""
    blind = partition.vector.sight.blind(partition.judged)
    for known in islice(partition.book.specs.values(), turn, None, turns):
        extent = _extent(partition, known)
        for rule in known.rules:
            unseen = blind.of(rule, extent.since)
            until = blind_until(rule, partition.judged, unseen) if rule.by_lack and unseen else 0
            yield _status(partition, rule, at, extent, blind_until=until)


def _extent(partition: Partition, known: SpecRules) -> _Extent:
    groups = cells = remembered = since = 0
    for bucket in partition.buckets:
        panes = bucket.specs.get(known.spec.id)
        if panes is not None:
            remembered += len(panes.memory or ())
            groups += max(len(panes.groups), len(panes.memory or ()))
            cells += panes.size()
            since = max(since, panes.since)
    size = cells * CELL_BYTES + (groups + remembered) * GROUP_BYTES
    return _Extent(groups, size, since, partition.vector.tallies.get(known.spec.id, Tally()))


def _status(
    partition: Partition, rule: CompiledRule, at: int, extent: _Extent, *, blind_until: int
) -> RuleStatus:
    key = rule.key
    fault = partition.faults.by_rule.get(key)
    firing = sum(bucket.alerts.count(key) for bucket in partition.buckets)
    return RuleStatus(
        tenant=rule.rule.tenant,
        rule_id=rule.rule.id,
        revision=rule.rule.revision,
        stage="aggregate",
        share=str(partition.number),
        at=at,
        matched=extent.tally.matched,
        groups=extent.groups,
        state_bytes=extent.size,
        firing=firing,
        late=extent.tally.late,
        surplus=extent.tally.surplus,
        evaluated_at=partition.judged,
        blind_until=blind_until,
        last_error=fault.reason if fault else "",
        last_error_at=fault.at if fault else 0,
        quarantined=fault.quarantined if fault else False,
    )
