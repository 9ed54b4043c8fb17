"""How rules fare: what is told of them, and how a rule that fails leaves the others alone."""

from typing import Any

import msgspec
import pytest

from alert_contracts.rule_status import RuleStatus
from alert_contracts.rules import SPIKES, RuleType, Window
from alert_rule_engine.domain.conditions import CompiledRule, View
from alert_rule_engine.domain.statuses import statuses
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, sliding, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def told(pipeline: Pipeline, rule: str = "r1") -> list[RuleStatus]:
    return [
        status
        for journal in pipeline.journals
        for status in statuses(journal.partition, NOON)
        if status.rule_id == rule
    ]


def total(pipeline: Pipeline, field: str) -> int:
    return sum(getattr(status, field) for status in told(pipeline))


def test_what_a_rule_counted_and_holds_is_told_by_each_partition() -> None:
    pipeline = Pipeline(a_rule(threshold=1))
    pipeline.post(*(an_error(service=f"s{number}") for number in range(20)), an_error(service="s1"))
    pipeline.tick(NOON + 333 * SECOND)
    pipeline.post(an_error(NOON))
    assert [status.share for status in told(pipeline)] == ["0", "1", "2", "3"]
    assert total(pipeline, "matched") == 21
    assert total(pipeline, "late") == 1
    assert total(pipeline, "groups") == 20
    assert total(pipeline, "firing") == 1
    assert total(pipeline, "state_bytes") > 0
    assert {status.evaluated_at for status in told(pipeline)} == {NOON + 331 * SECOND}
    pipeline.flush()
    pipeline.crash()
    assert (total(pipeline, "matched"), total(pipeline, "late")) == (21, 1)
    pipeline.change()
    pipeline.change(a_rule(threshold=1))
    assert total(pipeline, "matched") == 0


def test_a_rule_without_events_fares_well() -> None:
    assert total(Pipeline(a_rule()), "matched") == 0


def test_a_condition_without_an_answer_says_why() -> None:
    rule = a_rule(
        RuleType.METRIC, condition="count / 0 > threshold || int(avg) > 3", value="responseTime"
    )
    pipeline = Pipeline(a_rule(id="other", threshold=0), rule)
    pipeline.post(an_error(response_time=1.0))
    for second in (12, 24):
        pipeline.tick(NOON + second * SECOND)
        pipeline.post(an_error(NOON + second * SECOND, response_time=1.0))
    faults = [f for j in pipeline.journals for f in j.partition.faults.report()]
    assert {alert.rule.id for alert in pipeline.alerts} == {"other"}
    errors = [status.last_error for status in told(pipeline) if status.last_error]
    assert [fault.reason for fault in faults] == errors
    assert not any(status.quarantined for status in told(pipeline))


def test_a_window_that_is_too_small_to_fire_is_no_mistake() -> None:
    window = tumbling(10 * SECOND)
    rule = a_rule(RuleType.ERROR_RATE, threshold=10, min_count=1, window=window)
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON + SECOND))
    pipeline.tick(NOON + 24 * SECOND)
    assert total(pipeline, "firing") == 1
    assert [status.last_error for status in told(pipeline)] == [""] * 4


class Broken(CompiledRule):
    """A rule whose condition fails by our own fault."""

    __slots__ = ()

    def holds(self, view: View) -> bool:
        raise ZeroDivisionError(view)


def breaking(pipeline: Pipeline, rule: str) -> None:
    """Let a rule fail whenever it is judged from now on."""
    for journal in pipeline.journals:
        for gathered in journal.partition.book.specs.values():
            for each in (*gathered.timed, *(r for w in gathered.crossing for r in w.rules)):
                if each.rule.id == rule:
                    object.__setattr__(each, "__class__", Broken)


@pytest.mark.parametrize("kind", [RuleType.ERROR_THRESHOLD, RuleType.LATENCY])
def test_a_rule_that_fails_by_our_fault_is_left_out_alone_until_it_changes(kind: RuleType) -> None:
    changes: dict[str, Any] = {"min_count": 1, "window": tumbling(MINUTE)}
    bad, good = (a_rule(kind, id=name, threshold=0, **changes) for name in ("bad", "good"))
    pipeline = Pipeline(bad, good)
    breaking(pipeline, "bad")
    for second in (0, 61):
        pipeline.post(an_error(NOON + second * SECOND, response_time=9.0))
        pipeline.tick(NOON + (second + 13) * SECOND)
    assert {alert.rule.id for alert in pipeline.alerts} == {"good"}
    assert any(status.quarantined for status in told(pipeline, "bad"))
    assert any("ZeroDivisionError" in status.last_error for status in told(pipeline, "bad"))
    faults = [f for j in pipeline.journals for f in j.partition.faults.report()]
    assert [(fault.rule.id, fault.quarantined) for fault in faults] == [("bad", True)]
    pipeline.change(msgspec.structs.replace(bad, revision=2), good)
    assert not any(status.quarantined for status in told(pipeline, "bad"))
    assert {alert.rule.id for alert in pipeline.alerts} == {"good", "bad"}


@pytest.mark.parametrize("bound", [2, 1_500, 10_000])
def test_the_owner_hears_once_that_groups_had_no_room_and_when_that_is_over(bound: int) -> None:
    rule = a_rule(
        threshold=1_000,
        max_groups=bound,
        owner="team-pay",
        window=tumbling(MINUTE, lateness=0),
        resolve_after=MINUTE,
    )
    pipeline = Pipeline(rule)
    for _ in range(3):
        pipeline.post(*(an_error(service=f"s{number}") for number in range(3 * bound)))
    (alert,) = pipeline.alerts
    assert alert.labels["alertname"] == "A rule: too many groups"
    assert alert.labels["owner"] == "team-pay"
    assert alert.group == {}
    assert f"maxGroups {bound}" in alert.reason
    assert total(pipeline, "surplus") > 0
    pipeline.flush()
    pipeline.crash()
    for second in range(1, 200):
        pipeline.tick(NOON + second * SECOND)
    assert [alert.status for alert in pipeline.alerts] == ["firing", "updated", "resolved"]
    assert pipeline.alerts[-1].reason == "no group was turned away for 1m"
    assert len({alert.id for alert in pipeline.alerts}) == 1


@pytest.mark.parametrize(
    "kind", [RuleType.LATENCY, RuleType.CARDINALITY, RuleType.ERROR_RATE, RuleType.EVENT_COUNT]
)
def test_groups_without_room_leave_no_figures(kind: RuleType) -> None:
    value = {"value": "host"} if kind is RuleType.CARDINALITY else {}
    rule = a_rule(kind, match="true", max_groups=1, window=tumbling(MINUTE), **value)
    pipeline = Pipeline(rule)
    for second in (20, 5):
        pipeline.post(
            *(
                an_error(NOON + second * SECOND, service=name, host="h", response_time=1.0)
                for name in ("a", "b")
            )
        )
    pipeline.tick(NOON + 70 * SECOND)
    pipeline.post(an_error(NOON + 61 * SECOND, service="b"))
    pipeline.post(an_error(NOON + 50 * SECOND, service="b"))
    assert (total(pipeline, "matched"), total(pipeline, "surplus")) == (2, 4)
    assert "4 events" not in pipeline.alerts[0].reason


def test_a_rule_with_a_higher_threshold_waits_for_it_beside_one_that_fires() -> None:
    rules = [a_rule(id=f"r{bound}", threshold=bound) for bound in (1, 3)]
    pipeline = Pipeline(*rules)
    for count in range(1, 6):
        pipeline.post(an_error(NOON + count))
        fired = {alert.rule.id for alert in pipeline.alerts}
        assert fired == {f"r{bound}" for bound in (1, 3) if count > bound}


def until(pipeline: Pipeline) -> set[int]:
    """Return the seconds after noon until which the rule is blind."""
    return {s.blind_until and (s.blind_until - NOON) // SECOND for s in told(pipeline)}


ABSENT: dict[str, Any] = {"kind": RuleType.ABSENCE, "threshold": None}
SPIKE: dict[str, Any] = {"kind": RuleType.SPIKE, "threshold": None, "factor": 2.0}


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        (ABSENT, 420 + 30),
        ({"kind": RuleType.EVENT_COUNT, "no_data": "alerting"}, 420 + 30),
        ({**SPIKE, "condition": SPIKES["up"]}, 420),
        ({**SPIKE, "condition": SPIKES["down"]}, 480 + 30),
        ({}, 0),
    ],
)
def test_a_rule_says_until_when_it_is_blind(changes: dict[str, Any], seconds: int) -> None:
    """Nobody could be heard from 200 s to 310 s after noon; its windows are a minute long."""
    pipeline = Pipeline(a_rule(**changes, window=tumbling(MINUTE)))
    for second in range(200):
        pipeline.tick(NOON + second * SECOND)
    assert until(pipeline) == {0}
    for second in range(310, 313):
        pipeline.tick(NOON + second * SECOND)
    assert until(pipeline) == {seconds}
    for second in range(313, 520):
        pipeline.tick(NOON + second * SECOND)
    assert until(pipeline) == {0}


def test_it_is_blind_for_longer_and_longer_while_nobody_can_be_heard() -> None:
    pipeline = Pipeline(a_rule(**ABSENT, window=tumbling(MINUTE, 0)))
    found = []
    for second in range(400):
        pipeline.tick(NOON + second * SECOND, deaf=second > 200)
        found += sorted(until(pipeline)) if second > 200 else []
    assert found == sorted(found)
    assert set(found) == {0, 300, 360, 420, 480}


@pytest.mark.parametrize("window", [tumbling(MINUTE, 0), tumbling(MINUTE), sliding(MINUTE)])
@pytest.mark.parametrize("changes", [ABSENT, {**SPIKE, "condition": SPIKES["up"]}])
def test_who_forgets_what_is_of_no_more_use_is_not_blind(
    window: Window, changes: dict[str, Any]
) -> None:
    pipeline = Pipeline(a_rule(**changes, window=window))
    for second in range(600):
        pipeline.post(an_error(NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND)
        assert second < 200 or until(pipeline) == {0}


def test_of_many_rules_those_are_told_whose_turn_it_is() -> None:
    pipeline = Pipeline(
        *(a_rule(id=f"r{n}", match=f'level == "ERROR" && {n} > 0') for n in range(5))
    )
    partition = pipeline.journals[0].partition
    turns = [statuses(partition, NOON, turn=turn, turns=2) for turn in range(2)]
    assert [[each.rule_id for each in turn] for turn in turns] == [["r0", "r2", "r4"], ["r1", "r3"]]
