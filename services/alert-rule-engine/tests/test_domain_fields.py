"""What `for`, `keepFiringFor`, `noData` and `activeTime` do, whatever the type of a rule."""

from typing import Literal

import msgspec
import msgspec.structs
import pytest

from alert_contracts.rules import SPIKES, RuleType, TimeInterval, TimeRange, Window
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, sliding, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def run(pipeline: Pipeline, until: int, *, since: int = 0, every: int = 1) -> None:
    """Let stage one tick from one second after noon until another."""
    for second in range(since, until + 1, every):
        pipeline.tick(NOON + second * SECOND)


def told(pipeline: Pipeline) -> list[tuple[str, int]]:
    """What was said, and in which second after noon its window ends."""
    return [(alert.status, (alert.window.end - NOON) // SECOND) for alert in pipeline.alerts]


def test_a_condition_must_hold_for_a_while_where_a_rule_says_so() -> None:
    rule = a_rule(threshold=0, hold=2 * MINUTE, window=tumbling(MINUTE, lateness=0))
    pipeline = Pipeline(rule)
    for minute in range(3):
        pipeline.post(an_error(NOON + minute * MINUTE + SECOND))
        run(pipeline, minute * 60 + 59, since=minute * 60 + 2)
        assert bool(pipeline.alerts) == (minute == 2)
    assert pipeline.alerts[0].starts_at == NOON + 10 * SECOND


def test_what_ceases_to_hold_in_between_begins_to_wait_anew() -> None:
    rule = a_rule(threshold=0, hold=MINUTE, window=tumbling(MINUTE, lateness=0))
    pipeline = Pipeline(rule)
    for minute in (0, 2, 4):
        pipeline.post(an_error(NOON + minute * MINUTE + SECOND))
        run(pipeline, minute * 60 + 122, since=minute * 60 + 2)
    assert pipeline.alerts == []


def test_a_sliding_condition_that_holds_long_enough_fires_and_survives_a_crash() -> None:
    rule = a_rule(threshold=0, hold=30 * SECOND, window=Window("sliding", MINUTE, 10 * SECOND, 0))
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON + SECOND))
    for second in range(2, 60):
        pipeline.tick(NOON + second * SECOND)
        pipeline.flush()
        pipeline.crash()
        assert bool(pipeline.alerts) == (second >= 42)


def test_each_group_waits_by_itself() -> None:
    rule = a_rule(threshold=0, hold=MINUTE, window=tumbling(MINUTE, lateness=0))
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON + SECOND), an_error(NOON + SECOND, service="api"))
    run(pipeline, 60, since=2)
    pipeline.post(an_error(NOON + 61 * SECOND))
    run(pipeline, 200, since=62)
    assert {alert.group["service"] for alert in pipeline.alerts} == {"pay"}


def test_of_several_groups_that_wait_each_gives_up_by_itself() -> None:
    rule = a_rule(threshold=0, hold=HOUR, window=tumbling(MINUTE, lateness=0), max_groups=9)
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON + SECOND), an_error(NOON + SECOND, service="api"))
    run(pipeline, 62, since=2)
    pipeline.post(an_error(NOON + 63 * SECOND))
    run(pipeline, 130, since=63)
    (waiting,) = (
        mine
        for j in pipeline.journals
        for b in j.partition.buckets
        for mine in b.alerts.pending.since.values()
    )
    assert list(waiting) == [("pay",)]


def test_a_late_event_does_not_begin_to_wait_in_a_window_whose_alert_is_over() -> None:
    window = tumbling(MINUTE, lateness=5 * MINUTE)
    rule = a_rule(threshold=0, hold=10 * SECOND, window=window, resolve_after=0)
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON + SECOND))
    run(pipeline, 72, since=2)
    assert [alert.status for alert in pipeline.alerts][-1] == "resolved"
    said = len(pipeline.alerts)
    pipeline.post(an_error(NOON + 2 * SECOND))
    run(pipeline, 82, since=73)
    assert len(pipeline.alerts) == said


def test_a_rule_without_match_any_more_waits_for_nothing() -> None:
    rule = a_rule(threshold=0, hold=HOUR)
    pipeline = Pipeline(rule)
    pipeline.post(an_error())
    run(pipeline, 30)
    assert any(b.alerts.pending.rows() for j in pipeline.journals for b in j.partition.buckets)
    pipeline.change()
    assert not any(b.alerts.pending.rows() for j in pipeline.journals for b in j.partition.buckets)


def test_an_alert_goes_on_for_as_long_as_it_is_to_be_kept() -> None:
    window = tumbling(MINUTE, lateness=0)
    rule = a_rule(threshold=0, window=window, resolve_after=0, keep_firing_for=2 * MINUTE)
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON + SECOND))
    run(pipeline, 181)
    assert [alert.status for alert in pipeline.alerts] == ["firing"]
    run(pipeline, 182, since=182)
    assert [alert.status for alert in pipeline.alerts] == ["firing", "resolved"]


def test_no_data_may_be_an_alarm() -> None:
    window = tumbling(MINUTE, lateness=0)
    rule = a_rule(threshold=100, window=window, no_data="alerting", resolve_after=MINUTE)
    pipeline = Pipeline(rule)
    run(pipeline, 0)
    pipeline.post(an_error(NOON + SECOND))
    run(pipeline, 121)
    assert pipeline.alerts == []
    run(pipeline, 122, since=122)
    assert [alert.reason for alert in pipeline.alerts] == ["no data for 1m"]
    pipeline.post(an_error(NOON + 125 * SECOND))
    run(pipeline, 189, since=125)
    pipeline.post(an_error(NOON + 190 * SECOND))
    run(pipeline, 242, since=190)
    assert told(pipeline)[-1] == ("resolved", 120)


@pytest.mark.parametrize("direction", ["down", "both"])
def test_no_data_may_be_an_alarm_for_a_spike_that_its_reference_keeps_silent(
    direction: Literal["down", "both"],
) -> None:
    rule = a_rule(
        RuleType.SPIKE,
        condition=SPIKES[direction],
        factor=3,
        min_reference=1_000,
        window=tumbling(MINUTE, lateness=0),
        min_count=0,
        no_data="alerting",
    )
    pipeline = Pipeline(rule)
    for second in range(110):
        run(pipeline, second, since=second)
        pipeline.post(an_error(NOON + second * SECOND))
    run(pipeline, 190, since=110)
    assert [alert.reason for alert in pipeline.alerts] == ["no data for 1m"]


@pytest.mark.parametrize("kind", [RuleType.ERROR_THRESHOLD, RuleType.LATENCY])
def test_no_data_may_leave_things_as_they_are(kind: RuleType) -> None:
    rule = a_rule(
        kind,
        threshold=0,
        min_count=1,
        window=tumbling(MINUTE, lateness=0),
        resolve_after=MINUTE,
        no_data="keepLast",
    )
    pipeline = Pipeline(rule)
    run(pipeline, 0)
    pipeline.post(an_error(NOON + SECOND, response_time=7.0))
    run(pipeline, 600)
    assert {alert.status for alert in pipeline.alerts} <= {"firing", "updated"}
    pipeline.change(msgspec.structs.replace(rule, no_data="ok", revision=2))
    run(pipeline, 800, since=601)
    assert pipeline.alerts[-1].status == "resolved"


def test_an_alert_opens_only_in_its_active_time() -> None:
    after_noon = TimeInterval(times=(TimeRange("12:05", "13:00"),))
    rule = a_rule(threshold=0, active_time=(after_noon,), window=tumbling(10 * MINUTE))
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON + SECOND))
    run(pipeline, 290, every=4)
    assert pipeline.alerts == []
    pipeline.post(an_error(NOON + 5 * MINUTE))
    assert pipeline.said() == ["firing pay 2"]


def test_an_average_that_holds_before_its_active_time_fires_when_that_begins() -> None:
    after_noon = TimeInterval(times=(TimeRange("12:01", "13:00"),))
    rule = a_rule(
        RuleType.LATENCY,
        condition="avg > threshold",
        min_count=1,
        active_time=(after_noon,),
        window=sliding(2 * MINUTE),
    )
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON + SECOND, response_time=500.0))
    run(pipeline, 61)
    assert pipeline.alerts == []
    run(pipeline, 62, since=62)
    assert [alert.status for alert in pipeline.alerts] == ["firing"]
