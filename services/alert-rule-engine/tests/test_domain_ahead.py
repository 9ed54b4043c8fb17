"""Events that are dated ahead of time hide nothing of what happens until then."""

from typing import Any

import msgspec.structs
import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from, tuples

from alert_contracts.events import Event
from alert_contracts.rules import RuleType, Window
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, sliding, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def errors(count: int, at: int, **fields: Any) -> list[Event]:  # noqa: ANN401
    return [an_error(NOON + at * SECOND, **fields) for _ in range(count)]


def play(pipeline: Pipeline, first: int, last: int, bursts: dict[int, int]) -> None:
    """Let each second pass, some with events."""
    for second in range(first, last):
        if second in bursts:
            pipeline.post(*errors(bursts[second], second))
        pipeline.tick(NOON + second * SECOND)


RULES = {
    "counts": {"threshold": 3, "window": tumbling(MINUTE)},
    "hopping": {"threshold": 3, "window": Window("hopping", MINUTE, 30 * SECOND)},
    "sliding": {"threshold": 3, "window": sliding(MINUTE)},
    "largest": {
        "kind": RuleType.METRIC,
        "condition": "max > threshold && count > 3",
        "threshold": 5,
        "value": "responseTime",
        "window": tumbling(MINUTE),
    },
}


@pytest.mark.parametrize("name", RULES)
def test_an_alert_tells_of_the_windows_before_the_one_that_was_dated_ahead(name: str) -> None:
    """Four events say that they are from 12:05; at 12:01 there are fifty, and one later."""
    pipeline = Pipeline(a_rule(**RULES[name], resolve_after=MINUTE))  # type: ignore[arg-type]
    play(pipeline, 0, 10, {})
    accepted = NOON + 10 * SECOND
    pipeline.post(*errors(4, 305, response_time=9.0), accepted=accepted)
    assert [alert.status for alert in pipeline.alerts] == ["firing"]
    for second in range(10, 600):
        if second in (65, 75):
            pipeline.post(*errors(50 if second == 65 else 1, second, response_time=9.0))
        pipeline.tick(NOON + second * SECOND)
    told = [alert for alert in pipeline.alerts if alert.window.end <= NOON + 130 * SECOND]
    assert max(alert.aggregates["count"] for alert in told) == 51
    last = pipeline.alerts[-1]
    assert (last.status, last.aggregates["count"], last.events) == ("resolved", 4, 55)
    assert last.window.start <= NOON + 305 * SECOND < last.window.end
    assert len({alert.id for alert in pipeline.alerts}) == 1


def test_what_is_dated_ahead_is_told_of_when_its_time_has_come() -> None:
    """Two senders, one with a clock that is a minute ahead: each minute both send four."""
    pipeline = Pipeline(a_rule(threshold=3, window=tumbling(MINUTE)))
    for second in range(0, 300, 5):
        now = NOON + second * SECOND
        if second % 60 == 5:
            pipeline.post(*errors(4, second))
            pipeline.post(*errors(4, second + 60), accepted=now)
        pipeline.tick(now)
    shown = [(alert.window.start - NOON) // MINUTE for alert in pipeline.alerts]
    assert shown == sorted(shown)
    assert all(alert.window.start <= pipeline.now for alert in pipeline.alerts)
    assert [alert.aggregates["count"] for alert in pipeline.alerts][-1] == 8


def test_a_rule_that_is_changed_sees_the_windows_before_one_that_is_dated_ahead() -> None:
    rule = a_rule(threshold=100, window=tumbling(MINUTE))
    pipeline = Pipeline(rule)
    play(pipeline, 0, 30, {5: 50})
    pipeline.post(*errors(1, 305), accepted=NOON + 30 * SECOND)
    pipeline.change(msgspec.structs.replace(rule, threshold=40, revision=2))
    (alert,) = pipeline.alerts
    assert (alert.window.start, alert.aggregates["count"]) == (NOON, 50)


def test_a_rule_that_is_changed_sees_an_open_window_whose_events_are_a_while_ago() -> None:
    rule = a_rule(threshold=100, window=sliding(MINUTE))
    pipeline = Pipeline(rule)
    play(pipeline, 0, 50, {5: 50})
    pipeline.change(msgspec.structs.replace(rule, threshold=40, revision=2))
    (alert,) = pipeline.alerts
    assert (alert.window.start, alert.aggregates["count"]) == (NOON - 10 * SECOND, 50)


@pytest.mark.parametrize("crashes", [False, True])
def test_the_last_word_counts_the_late_events_of_each_window_that_held(*, crashes: bool) -> None:
    """Five in each of three minutes, and two more that come late to the first two."""
    rule = a_rule(threshold=3, window=tumbling(MINUTE, lateness=5 * MINUTE), resolve_after=MINUTE)
    pipeline = Pipeline(rule)
    play(pipeline, 0, 150, {5: 5, 65: 5, 125: 5})
    pipeline.post(*errors(2, 50), *errors(2, 115))
    if crashes:
        pipeline.flush()
        pipeline.crash()
    play(pipeline, 150, 600, {})
    assert [alert.events for alert in pipeline.alerts if alert.status == "resolved"] == [19]


def test_a_percentile_s_last_word_counts_what_came_late_to_windows_that_held_and_to_others() -> (
    None
):
    """The second minute holds by what comes late to it alone; the fourth never does."""
    rule = a_rule(
        RuleType.LATENCY,
        threshold=500,
        min_count=4,
        window=tumbling(MINUTE, lateness=10 * MINUTE),
        keep_firing_for=10 * MINUTE,
    )
    pipeline = Pipeline(rule)
    bursts = {5: 5, 65: 2, 125: 5, 185: 3}
    for second in range(1_500):
        if second in bursts:
            pipeline.post(*errors(bursts[second], second, response_time=900.0))
        if second == 240:
            late = [*errors(1, 10, response_time=900.0), *errors(2, 70, response_time=900.0)]
            pipeline.post(*late)
        pipeline.tick(NOON + second * SECOND)
    last = pipeline.alerts[-1]
    assert (last.status, last.aggregates["count"], last.events) == ("resolved", 5, 15)


def test_an_alert_that_is_ended_by_its_rule_counts_all_of_its_events() -> None:
    rule = a_rule(threshold=3, window=tumbling(MINUTE), resolve_after=10 * MINUTE)
    pipeline = Pipeline(rule)
    play(pipeline, 0, 400, {5: 5, 65: 5, 125: 5})
    pipeline.flush()
    pipeline.crash(msgspec.structs.replace(rule, enabled=False, revision=2))
    last = pipeline.alerts[-1]
    assert (last.status, last.events) == ("resolved", 15)


@given(
    rows=lists(tuples(integers(0, 90), integers(-60, 60), integers(1, 3)), max_size=15),
    window=sampled_from(
        [
            Window("tumbling", 30 * SECOND, 30 * SECOND, 2 * MINUTE),
            Window("hopping", 40 * SECOND, 20 * SECOND, 2 * MINUTE),
            Window("sliding", 30 * SECOND, 5 * SECOND, 2 * MINUTE),
        ]
    ),
    kind=sampled_from(["count > threshold", "count > threshold || max > 1e6", "p50 > threshold"]),
)
def test_the_last_word_counts_the_events_of_all_windows_that_held_in_whatever_order_they_came(
    rows: list[tuple[int, int, int]], window: Window, kind: str
) -> None:
    """Up to a minute ahead, and up to a minute late; its alert lasts until the end."""
    rule = a_rule(
        RuleType.METRIC,
        condition=kind,
        value="responseTime",
        threshold=3,
        min_count=4,
        window=window,
        keep_firing_for=60 * MINUTE,
    )
    pipeline = Pipeline(rule)
    for now in range(0, 160, 8):
        for second, late, count in rows:
            if now - 8 < max(second + late, 0) <= now:
                pipeline.post(*errors(count, second, response_time=9.0), accepted=NOON + now)
        pipeline.tick(NOON + now * SECOND)
        if now == 80:
            pipeline.flush()
            pipeline.crash()
    pipeline.change(msgspec.structs.replace(rule, enabled=False, revision=2))
    times = [second * SECOND for second, _, count in rows for _ in range(count)]
    counted = set()
    for start in range(-window.size, 91 * SECOND, window.step):
        inside = {n for n, at in enumerate(times) if start <= at < start + window.size}
        counted |= inside if len(inside) > 3 else set()
    last = [alert.events for alert in pipeline.alerts if alert.status == "resolved"]
    assert last == ([len(counted)] if counted else [])
