"""A group is remembered for long enough that its silence is told, whenever that begins."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from alert_contracts.forgetting import least_forget, usual_forget
from alert_contracts.rules import SPIKES, RuleType, TimeInterval, TimeRange
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, sliding, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


@pytest.mark.parametrize("last", [120, 150, 178])
@pytest.mark.parametrize(
    "changes",
    [
        {"kind": RuleType.ABSENCE, "window": tumbling(MINUTE)},
        {"kind": RuleType.ABSENCE, "window": sliding(MINUTE, 20 * SECOND)},
        {"kind": RuleType.ABSENCE, "window": tumbling(MINUTE), "hold": 90 * SECOND},
        {"kind": RuleType.EVENT_COUNT, "condition": "count < 5", "min_count": 0},
        {"kind": RuleType.EVENT_COUNT, "condition": "count > 1000", "no_data": "alerting"},
        {"kind": RuleType.SPIKE, "condition": SPIKES["down"], "factor": 3.0},
    ],
    ids=["absence", "sliding", "for", "few", "no data", "spike"],
)
def test_a_silence_is_told_whenever_it_begins(changes: dict[str, Any], last: int) -> None:
    """The group is forgotten as soon as the gateway lets anyone say."""
    rule = a_rule(**{"threshold": None, "window": tumbling(MINUTE), **changes})
    pipeline = Pipeline(replace(rule, forget=least_forget(rule.window, rule.hold)))
    for second in range(-2, 500, 2):
        if 0 <= second <= last:
            pipeline.post(*[an_error(NOON + second * SECOND)] * 5)
        pipeline.tick(NOON + second * SECOND)
    assert [alert.status for alert in pipeline.alerts][:1] == ["firing"]


def test_who_falls_silent_on_friday_evening_is_missed_on_monday_morning() -> None:
    office = TimeInterval(times=(TimeRange("08:00", "18:00"),), weekdays=("monday:friday",))
    friday = NOON - (datetime.fromtimestamp(NOON / 1000, UTC).weekday() - 4) * 24 * HOUR
    rule = a_rule(
        kind=RuleType.ABSENCE, threshold=None, window=tumbling(5 * MINUTE), active_time=(office,)
    )
    rule = replace(rule, forget=usual_forget(rule.window, rule.hold, rule.active_time))
    pipeline = Pipeline(rule)
    for minute in range(7 * 60):
        pipeline.post(an_error(friday + minute * MINUTE))
    for at in range(friday + 7 * HOUR, friday + 68 * HOUR, MINUTE):
        pipeline.tick(at)
    for at in range(friday + 68 * HOUR, friday + 68 * HOUR + 7 * MINUTE, 2 * SECOND):
        pipeline.tick(at)
    (alert,) = pipeline.alerts
    assert (alert.status, alert.window.end - friday) == ("firing", 68 * HOUR + 5 * MINUTE)
