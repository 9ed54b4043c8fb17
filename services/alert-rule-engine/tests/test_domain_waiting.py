"""What waits under `for` goes on waiting only while window after window holds."""

from typing import Any

import pytest

from alert_contracts.rules import RuleType
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def play(pipeline: Pipeline, first: int, last: int, *events: int) -> None:
    """Let each other second pass, some with an event."""
    for second in range(first, last, 2):
        for at in events:
            if second <= at < second + 2:
                pipeline.post(an_error(NOON + at * SECOND, response_time=20.0))
        pipeline.tick(NOON + second * SECOND)


def waiting(pipeline: Pipeline) -> list[Any]:
    return [
        row
        for journal in pipeline.journals
        for bucket in journal.partition.buckets
        for row in bucket.alerts.pending.rows()
    ]


def test_an_empty_window_that_does_not_hold_ends_the_wait_of_a_rule_that_asks_for_few() -> None:
    rule = a_rule(
        RuleType.EVENT_COUNT,
        condition="count < threshold",
        threshold=5,
        min_count=1,
        hold=2 * MINUTE,
        window=tumbling(MINUTE),
    )
    pipeline = Pipeline(rule)
    play(pipeline, -10, 154, 4, 160)
    assert waiting(pipeline) == []
    play(pipeline, 154, 400, 160)
    assert pipeline.alerts == []


@pytest.mark.parametrize(("hold", "since"), [(10, 240), (60, 240), (120, 300)])
def test_silence_that_is_an_alarm_may_have_to_last(hold: int, since: int) -> None:
    """The last event was in the window until 12:02, the first that is empty is over at 12:03."""
    rule = a_rule(
        RuleType.METRIC,
        value="responseTime",
        condition="max > threshold",
        threshold=80,
        no_data="alerting",
        hold=hold * SECOND,
        window=tumbling(MINUTE),
    )
    pipeline = Pipeline(rule)
    play(pipeline, -10, since + 30, *range(5, 119, 10))
    assert pipeline.alerts == []
    play(pipeline, since + 30, since + 40)
    (alert,) = pipeline.alerts
    assert (alert.reason, alert.starts_at) == ("no data for 1m", NOON + 3 * MINUTE)


@pytest.mark.parametrize("at_once", [True, False])
def test_an_event_between_two_silences_ends_the_first_however_fast_we_catch_up(
    *, at_once: bool
) -> None:
    rule = a_rule(no_data="alerting", hold=2 * MINUTE, window=tumbling(MINUTE))
    pipeline = Pipeline(rule)
    for second in range(-10, 380, 2):
        pipeline.beat(NOON + second * SECOND)
        if second in (20, 130):
            pipeline.post(an_error(NOON + second * SECOND))
        if not at_once or second in (20, 140, 302):
            pipeline.tick(NOON + second * SECOND)
    assert pipeline.alerts == []


def test_a_group_that_is_forgotten_waits_no_longer() -> None:
    rule = a_rule(no_data="alerting", hold=20 * MINUTE, forget=5 * MINUTE, window=tumbling(MINUTE))
    pipeline = Pipeline(rule)
    play(pipeline, -10, 250, 20)
    assert len(waiting(pipeline)) == 1
    play(pipeline, 250, 600)
    assert waiting(pipeline) == []
