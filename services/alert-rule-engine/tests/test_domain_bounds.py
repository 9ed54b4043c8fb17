"""A rule has its own `maxGroups` and `allowedLateness`, whoever counts the same."""

from typing import Any

import msgspec.structs
import pytest

from alert_contracts.rules import Rule, RuleType
from alert_rule_engine.domain.conditions import compile_rule
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def counting(**changes: Any) -> Rule:  # noqa: ANN401
    window = tumbling(MINUTE, lateness=0)
    return a_rule(RuleType.EVENT_COUNT, match="true", **{"window": window, **changes})


def test_a_rule_with_room_for_more_groups_gives_no_other_rule_more() -> None:
    small = counting(threshold=0, max_groups=1)
    large = counting(id="large", threshold=10**9, max_groups=500)
    pipeline = Pipeline(small, large)
    pipeline.post(*(an_error(service=f"group{number}") for number in range(20)))
    names = sorted(each.labels["alertname"] for each in pipeline.alerts)
    assert names == ["A rule", "A rule: too many groups"]


def test_a_rule_that_waits_longer_lets_no_other_rule_count_late_events() -> None:
    prompt = counting(threshold=0)
    patient = counting(id="patient", threshold=0, window=tumbling(MINUTE, lateness=60 * MINUTE))
    pipeline = Pipeline(prompt, patient)
    for second in range(0, 600, 4):
        pipeline.tick(NOON + second * SECOND)
    pipeline.post(an_error(NOON + 5 * SECOND))
    assert {each.rule.id for each in pipeline.alerts} == {"patient"}


@pytest.mark.parametrize(
    "change", [{"max_groups": 600}, {"window": tumbling(MINUTE, lateness=SECOND)}]
)
def test_another_bound_counts_anew_and_ends_the_alerts_of_the_rule(change: dict[str, Any]) -> None:
    rule = counting(threshold=1, max_groups=500)
    edited = msgspec.structs.replace(rule, revision=2, **change)
    assert compile_rule(rule).spec.id != compile_rule(edited).spec.id
    pipeline = Pipeline(rule)
    pipeline.post(an_error(), an_error())
    pipeline.change(edited)
    assert [each.status for each in pipeline.alerts] == ["firing", "resolved"]
    assert pipeline.alerts[-1].reason == "the rule was changed: it starts anew"
    pipeline.post(an_error(NOON + 2))
    assert len(pipeline.alerts) == 2
    pipeline.post(an_error(NOON + 3))
    assert [each.status for each in pipeline.alerts[2:]] == ["firing"]


def test_events_of_a_group_without_room_add_nothing_to_the_figures_of_another() -> None:
    rule = a_rule(
        RuleType.METRIC,
        condition="sum > threshold",
        value="responseTime",
        threshold=5,
        max_groups=1,
    )
    pipeline = Pipeline(rule)
    pipeline.post(an_error(response_time=3.0), an_error(service="other", response_time=9.0))
    assert not [each for each in pipeline.alerts if "service" in each.group]
    pipeline.post(an_error(NOON + 1, response_time=3.0))
    (alert,) = [each for each in pipeline.alerts if "service" in each.group]
    assert alert.aggregates["sum"] == 6.0
