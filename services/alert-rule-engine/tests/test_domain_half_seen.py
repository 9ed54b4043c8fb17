"""While nobody can be heard nothing is concluded: no alert opens by it, and none ends by it."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from alert_contracts.rules import SPIKES, Rule, RuleType
from alert_rule_engine.testing import (
    NOON,
    Pipeline,
    a_rule,
    an_error,
    tumbling,
)

SECOND = 1_000
MINUTE = 60 * SECOND
NOBODY = range(0)


def run(
    pipeline: Pipeline, seconds: range, *, away: range = NOBODY, busy: Iterable[int] = ()
) -> None:
    """Tick each second; two events in those that are `busy`, unless the gateway is away."""
    for second in seconds:
        at = NOON + second * SECOND
        if second in busy and second not in away:
            pipeline.post(an_error(at, response_time=9.0), an_error(at, response_time=9.0))
        pipeline.tick(at, deaf=second in away)


def told(pipeline: Pipeline) -> list[tuple[str, int]]:
    """What was said but for news, and the second in which its window starts."""
    return [
        (alert.status, (alert.window.start - NOON) // SECOND)
        for alert in pipeline.alerts
        if alert.status != "updated"
    ]


QUIET = {"threshold": None, "window": tumbling(MINUTE, 0), "resolve_after": 2 * MINUTE}


@pytest.mark.parametrize("least", [0, 1])
def test_few_events_of_a_window_that_was_half_seen_alarm_nobody(least: int) -> None:
    rule = a_rule(condition="count < 100", threshold=None, min_count=least, window=tumbling(MINUTE))
    pipeline = Pipeline(rule)
    run(pipeline, range(900), away=range(305, 350), busy=range(900))
    assert pipeline.alerts == []


FEW: dict[str, Any] = {
    "condition": "count < 10",
    "threshold": None,
    "min_count": 1,
    "window": tumbling(MINUTE, 0),
}


@pytest.mark.parametrize("how", ["beside others", "while we were away"])
@pytest.mark.parametrize("match", ["level == 'ERROR'", "service == 'pay'"])
def test_a_rule_that_asks_for_few_takes_no_window_in_which_it_was_made(
    how: str, match: str
) -> None:
    """Of twelve events of a minute it has seen the last four."""
    other, few = a_rule(id="other"), a_rule(id="few", match=match, **FEW)
    pipeline = Pipeline(other)
    run(pipeline, range(100), busy=range(0, 300, 10))
    if how == "while we were away":
        pipeline.flush()
        pipeline.crash(other, few)
    else:
        pipeline.change(other, few)
    run(pipeline, range(100, 300), busy=range(0, 300, 10))
    assert [alert for alert in pipeline.alerts if alert.rule.id == "few"] == []
    run(pipeline, range(300, 400), busy=range(300, 330, 10))
    assert [alert.rule.id for alert in pipeline.alerts] == ["few"]


def test_an_alert_of_a_new_rule_that_keeps_its_last_state_lasts() -> None:
    """Though the windows after it began before the rule was counted for everywhere."""
    hot = a_rule(threshold=0, no_data="keepLast", window=tumbling(2 * SECOND), resolve_after=SECOND)
    pipeline = Pipeline(a_rule(id="other"))
    run(pipeline, range(10))
    pipeline.change(a_rule(id="other"), hot)
    run(pipeline, range(10, 100), busy=[11])
    assert told(pipeline) == [("firing", 10)]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_new_rule_takes_no_window_for_scarce_in_which_it_was_made(*, restarts: bool) -> None:
    """Not even if we restart before its groups are seen."""
    few = a_rule(condition="count < 10", threshold=None, min_count=1, window=tumbling(MINUTE, 0))
    other = a_rule(id="other", match="service == 'nobody'")
    pipeline = Pipeline(other)
    run(pipeline, range(30))
    pipeline.change(other, few)
    if restarts:
        pipeline.flush()
        pipeline.crash()
    run(pipeline, range(30, 130), busy=range(58, 130))
    assert pipeline.alerts == []


def test_an_absence_lasts_over_an_outage_of_the_gateway() -> None:
    pipeline = Pipeline(a_rule(RuleType.ABSENCE, **QUIET))
    run(pipeline, range(1_500), away=range(300, 700), busy=range(150))
    assert told(pipeline) == [("firing", 180)]
    run(pipeline, range(1_500, 1_800), busy=range(1_500, 1_800))
    assert [status for status, _ in told(pipeline)] == ["firing", "resolved"]


@pytest.mark.parametrize("until", [130, 270])
def test_an_alert_that_keeps_its_last_state_lasts_over_it_too(until: int) -> None:
    mean = {"condition": "avg > 5", "value": "responseTime", "no_data": "keepLast"}
    pipeline = Pipeline(a_rule(RuleType.METRIC, **{**QUIET, **mean}))
    run(pipeline, range(1_500), away=range(300, 700), busy=range(until))
    assert told(pipeline) == [("firing", 0)]


def test_it_ends_after_an_outage_if_a_window_before_had_shown_it_over() -> None:
    mean = {"condition": "avg > 5", "value": "responseTime", "no_data": "keepLast"}
    pipeline = Pipeline(a_rule(RuleType.METRIC, **{**QUIET, **mean}))
    run(pipeline, range(180), busy=range(150))
    for second in range(181, 239):
        pipeline.post(an_error(NOON + second * SECOND, response_time=1.0))
        pipeline.tick(NOON + second * SECOND)
    run(pipeline, range(239, 1_500), away=range(300, 700))
    assert [status for status, _ in told(pipeline)] == ["firing", "resolved"]


def a_spike(factor: float, revision: int = 1) -> Rule:
    rule = a_rule(RuleType.SPIKE, threshold=None, factor=factor, condition=SPIKES["up"])
    changes: dict[str, Any] = {"min_count": 1, "min_reference": 1, "revision": revision}
    return msgspec.structs.replace(rule, window=tumbling(MINUTE), updated_at=revision, **changes)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_restart_believes_in_no_window_that_was_half_seen(*, restarts: bool, late: bool) -> None:
    pipeline = Pipeline(a_spike(3.0))
    run(pipeline, range(641), away=range(545, 596), busy=range(641))
    pipeline.flush()
    if restarts:
        pipeline.crash(a_spike(1.5, revision=2))
    else:
        pipeline.change(a_spike(1.5, revision=2))
    if late:
        pipeline.post(an_error(NOON + 625 * SECOND))
    run(pipeline, range(641, 900), busy=range(641, 900))
    assert pipeline.alerts == []


def test_an_alert_that_was_over_before_an_upgrade_stays_over() -> None:
    """Older versions did not store what it had counted."""
    rule = a_rule(
        RuleType.ERROR_RATE, threshold=10, min_count=1, window=tumbling(10 * SECOND, MINUTE)
    )
    pipeline = Pipeline(msgspec.structs.replace(rule, resolve_after=5 * SECOND))
    run(pipeline, range(21), busy=range(1))
    for journal in pipeline.journals:
        for bucket in journal.partition.buckets:
            for key in list(bucket.alerts.past):
                entry = bucket.alerts.past.get(key) or []
                bucket.alerts.past.put(key, entry[:2])
    pipeline.post(an_error(NOON + SECOND))
    run(pipeline, range(21, 60))
    assert told(pipeline) == [("firing", 0), ("resolved", 0)]
