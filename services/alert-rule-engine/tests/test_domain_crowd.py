"""The crowd: the groups that a rule has no room for, told as one alert, once."""

from alert_contracts.rules import RuleType
from alert_rule_engine.domain.speech import CROWD
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def test_a_text_of_an_event_does_not_pose_as_the_crowd() -> None:
    pipeline = Pipeline(
        a_rule(RuleType.EVENT_COUNT, match="true", threshold=0, group_by=("attributes.user",))
    )
    pipeline.post(an_error(attributes={"user": CROWD}))
    (alert,) = pipeline.alerts
    assert alert.group == {"attributes.user": CROWD}
    assert alert.labels["alertname"] == "A rule"


def test_late_events_of_a_crowd_that_is_over_open_it_no_second_time() -> None:
    rule = a_rule(max_groups=1, window=tumbling(MINUTE), resolve_after=SECOND, threshold=1_000)
    pipeline = Pipeline(rule)
    pipeline.post(*(an_error(NOON + 5 * SECOND, service=name) for name in ("one", "two")))
    for second in range(10, 70):
        pipeline.tick(NOON + second * SECOND)
    assert [each.status for each in pipeline.alerts] == ["firing", "resolved"]
    pipeline.post(an_error(NOON + 50 * SECOND, service="three"))
    assert [each.status for each in pipeline.alerts] == ["firing", "resolved"]


def test_a_crowd_of_a_later_window_is_another_alert() -> None:
    rule = a_rule(max_groups=1, window=tumbling(MINUTE), resolve_after=SECOND, threshold=1_000)
    pipeline = Pipeline(rule)
    for start in (NOON, NOON + 2 * MINUTE):
        events = [an_error(start + 5 * SECOND, service=name) for name in ("one", "two")]
        pipeline.post(*events)
        for second in range(10, 70):
            pipeline.tick(start + second * SECOND)
    assert [each.status for each in pipeline.alerts] == ["firing", "resolved"] * 2
    assert len({each.id for each in pipeline.alerts}) == 2


def test_a_crowd_says_how_many_events_were_turned_away_in_all() -> None:
    pipeline = Pipeline(a_rule(max_groups=1, window=tumbling(MINUTE), threshold=1_000))
    pipeline.post(an_error(service="one"), an_error(service="two"))
    for second in range(1, 30):
        pipeline.post(an_error(NOON + second * SECOND, service="three"))
        pipeline.tick(NOON + second * SECOND)
    first, *_, last = pipeline.alerts
    assert first.reason == (
        "1 event of a group beyond maxGroups 1 was turned away; 1 group is known here"
    )
    assert last.reason == (
        f"{last.aggregates['count']:.0f} events of groups beyond maxGroups 1 were turned away;"
        " 1 group is known here"
    )
    assert last.aggregates["count"] > 10
