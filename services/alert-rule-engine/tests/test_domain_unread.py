"""A rule that is switched off and on again: what it forgot stays forgotten, also in a restart."""

from typing import Any

from alert_contracts.rules import Rule, RuleType
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def counting(name: str, threshold: int, **changes: Any) -> Rule:  # noqa: ANN401
    window = tumbling(HOUR, 10 * MINUTE)
    return a_rule(RuleType.EVENT_COUNT, id=name, threshold=threshold, window=window, **changes)


TOGGLED = counting("toggled", 3, match="level == 'ERROR'")
OTHER = counting("other", 1_000, match="true")
"""Counts the same events for itself, and so keeps what is stored of their time."""
SERVICES = [f"s{number}" for number in range(40)]
"""So many that both rules have some of them in one bucket."""
FIRING = [f"firing {service} 4" for service in SERVICES]


def play(pipeline: Pipeline, first: int, last: int) -> None:
    """Let time pass, in seconds, and store what changes."""
    for second in range(first, last, 4):
        pipeline.tick(NOON + second * SECOND)
        if second % 20 == 0:
            pipeline.flush()


def post(pipeline: Pipeline, count: int, second: int, *, accepted: int) -> None:
    at = NOON + second * SECOND
    events = [an_error(at + number, service) for service in SERVICES for number in range(count)]
    pipeline.post(*events, accepted=NOON + accepted * SECOND)


def disabled(*, off: int) -> Pipeline:
    """Return both stages: a rule saw three events, which are stored, and is off for seconds."""
    pipeline = Pipeline(TOGGLED, OTHER)
    play(pipeline, 0, 40)
    post(pipeline, 3, 40, accepted=40)
    play(pipeline, 44, 80)
    at = NOON + 80 * SECOND
    pipeline.post(*[an_error(at, service, level="INFO") for service in SERVICES])
    play(pipeline, 80, 100)
    pipeline.change(OTHER)
    play(pipeline, 100, 100 + off)
    return pipeline


def toggled(*, off: int) -> Pipeline:
    """Return the same when the rule is on again."""
    pipeline = disabled(off=off)
    pipeline.change(TOGGLED, OTHER)
    play(pipeline, 100 + off, 140 + off)
    return pipeline


def test_what_a_rule_forgot_does_not_come_back_with_a_restart_when_it_is_on_again() -> None:
    pipeline = toggled(off=300)
    post(pipeline, 2, 440, accepted=440)
    play(pipeline, 440, 500)
    pipeline.crash()
    play(pipeline, 500, 560)
    assert pipeline.said() == []
    post(pipeline, 2, 560, accepted=560)
    assert sorted(pipeline.said()) == sorted(FIRING)


def test_what_a_rule_forgot_does_not_come_back_with_a_restart_while_it_is_off() -> None:
    pipeline = disabled(off=300)
    pipeline.crash()
    pipeline.change(TOGGLED, OTHER)
    post(pipeline, 3, 400, accepted=400)
    play(pipeline, 400, 440)
    assert pipeline.said() == []
    post(pipeline, 1, 440, accepted=440)
    assert sorted(pipeline.said()) == sorted(FIRING)


def test_a_late_event_of_a_time_that_was_forgotten_outlives_a_restart() -> None:
    pipeline = toggled(off=300)
    post(pipeline, 2, 40, accepted=440)
    play(pipeline, 440, 520)
    pipeline.crash()
    post(pipeline, 1, 520, accepted=520)
    play(pipeline, 520, 560)
    assert pipeline.said() == []
    post(pipeline, 1, 560, accepted=560)
    assert sorted(pipeline.said()) == sorted(FIRING)


def test_what_a_rule_counted_just_before_it_was_off_for_a_moment_still_counts() -> None:
    pipeline = toggled(off=4)
    pipeline.crash()
    post(pipeline, 1, 148, accepted=148)
    assert sorted(pipeline.said()) == sorted(FIRING)
