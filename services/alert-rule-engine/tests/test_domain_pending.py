"""What is pending under `for`: what lasts, and what makes it wait anew."""

from typing import Any

import msgspec.structs
import pytest

from alert_contracts.events import Event
from alert_contracts.rules import SPIKES, Rule, RuleType, Severity, Window
from alert_contracts.topics import STATE_PARTITIONS
from alert_rule_engine.domain.compiling import compile_rule
from alert_rule_engine.domain.partials import BUCKETS, slot_of
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
EDIT = {"match": 'message.contains("b")'}


def pending_for_nine_minutes() -> tuple[Pipeline, Rule]:
    rule = a_rule(
        RuleType.EVENT_COUNT,
        match='message.contains("a")',
        threshold=0,
        hold=10 * MINUTE,
        window=tumbling(30 * MINUTE),
    )
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON + 5 * SECOND, message="a"))
    go_on(pipeline, 8, 9 * 60)
    return pipeline, rule


def go_on(pipeline: Pipeline, first: int, last: int) -> None:
    for second in range(first, last, 4):
        pipeline.tick(NOON + second * SECOND)


@pytest.mark.parametrize("how", ["at once", "at a restart"])
def test_a_new_match_waits_the_whole_time(how: str) -> None:
    pipeline, rule = pending_for_nine_minutes()
    edited = msgspec.structs.replace(rule, revision=2, updated_at=1, **EDIT)
    if how == "at a restart":
        pipeline.flush()
        pipeline.crash(edited)
    else:
        pipeline.change(edited)
    pipeline.post(an_error(NOON + 9 * MINUTE, message="b"))
    go_on(pipeline, 9 * 60 + 4, 15 * 60)
    assert pipeline.alerts == []
    go_on(pipeline, 15 * 60, 21 * 60)
    alert = pipeline.alerts[0]
    assert alert.starts_at >= NOON + 9 * MINUTE


def test_a_match_that_went_and_came_back_waits_the_whole_time() -> None:
    pipeline, rule = pending_for_nine_minutes()
    for revision, match in ((2, EDIT["match"]), (3, rule.match)):
        pipeline.change(msgspec.structs.replace(rule, revision=revision, match=match))
    pipeline.post(an_error(NOON + 9 * MINUTE, message="a"))
    go_on(pipeline, 9 * 60 + 4, 15 * 60)
    assert pipeline.alerts == []


@pytest.mark.parametrize("change", [{"threshold": 0.5}, {"name": "Another"}, {"resolve_after": 1}])
def test_a_rule_that_counts_the_same_goes_on_waiting(change: dict[str, object]) -> None:
    pipeline, rule = pending_for_nine_minutes()
    pipeline.change(msgspec.structs.replace(rule, revision=2, updated_at=1, **change))
    go_on(pipeline, 9 * 60, 11 * 60)
    alert = pipeline.alerts[0]
    assert alert.status == "firing"


def test_another_severity_waits_the_whole_time() -> None:
    pipeline, rule = pending_for_nine_minutes()
    pipeline.change(msgspec.structs.replace(rule, revision=2, severity=Severity.LOW))
    go_on(pipeline, 9 * 60, 11 * 60)
    assert pipeline.alerts == []


def home(rule: Rule) -> int:
    """Return where the alert of the service `pay` lives."""
    return slot_of(compile_rule(rule).spec.id, ("pay",)) % (STATE_PARTITIONS * BUCKETS)


SHORT = a_rule(
    RuleType.EVENT_COUNT,
    match='message.contains("a")',
    threshold=0,
    resolve_after=SECOND,
    window=tumbling(MINUTE),
)
MATCH_AT_HOME = next(
    match
    for match in (f'message.contains("b") || host == "{number}"' for number in range(10_000))
    if home(msgspec.structs.replace(SHORT, match=match)) == home(SHORT)
)
"""Another `match` whose alerts live in the same bucket."""


@pytest.mark.parametrize("how", ["at once", "at a restart"])
@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({"match": MATCH_AT_HOME}, True),
        ({"severity": Severity.LOW}, False),
        ({"name": "Another"}, False),
        ({"threshold": 0.5}, False),
    ],
)
def test_an_alert_that_is_over_keeps_its_window_quiet_only_while_the_same_is_counted(
    change: dict[str, object], how: str, *, fires: bool
) -> None:
    """It was over seven seconds after the window's end; late events of the window come then.

    Under another severity the same is counted: the window was crossed long ago, and is over.
    """
    pipeline = Pipeline(SHORT)
    pipeline.post(an_error(NOON + 5 * SECOND, message="a"))
    go_on(pipeline, 8, 69)
    assert [alert.status for alert in pipeline.alerts] == ["firing", "resolved"]
    edited = msgspec.structs.replace(SHORT, revision=2, updated_at=1, **change)
    if how == "at a restart":
        pipeline.flush()
        pipeline.crash(edited)
    else:
        pipeline.change(edited)
    pipeline.post(an_error(NOON + 58 * SECOND, message="a and b"), source=1)
    told = [(alert.status, alert.rule.revision) for alert in pipeline.alerts[2:]]
    assert told == ([("firing", 2)] if fires else [])


def told_of(rule: Rule, seconds: int, events: list[tuple[int, Event]]) -> list[tuple[str, int]]:
    """Return the status and beginning (second) of each alert of events that arrive at seconds."""
    pipeline = Pipeline(rule)
    for second in range(seconds):
        if batch := [event for arrival, event in events if arrival == second]:
            pipeline.post(*batch)
        pipeline.tick(NOON + second * SECOND)
    firing = [alert for alert in pipeline.alerts if alert.status == "firing"]
    return [(alert.status, (alert.starts_at - NOON) // SECOND) for alert in firing]


def burst(second: int, number: int = 4, response_time: float | None = None) -> list[Event]:
    at = NOON + second * SECOND
    return [an_error(at, response_time=response_time) for _ in range(number)]


@pytest.mark.parametrize("late", [False, True])
def test_what_comes_late_to_a_quiet_window_does_not_make_a_later_one_wait_anew(
    *, late: bool
) -> None:
    rule = a_rule(threshold=3, hold=2 * MINUTE, window=tumbling(MINUTE, 15 * MINUTE))
    incident = [(second, event) for second in range(300, 600) for event in burst(second, 1)]
    stale = [(second, event) for second in range(300, 600, 20) for event in burst(second - 240, 1)]
    assert told_of(rule, 440, incident + stale * late) == [("firing", 310)]


@pytest.mark.parametrize("arrival", [50, 140])
def test_a_window_that_does_not_hold_makes_wait_anew_whenever_what_held_before_came(
    arrival: int,
) -> None:
    rule = a_rule(threshold=3, hold=MINUTE, window=tumbling(MINUTE, 5 * MINUTE))
    first = [(arrival, event) for event in burst(50)]
    quiet = [(70, event) for event in burst(70, 1)]
    second = [(153, event) for event in burst(153)]
    assert told_of(rule, 200, first + quiet + second) == []


def test_a_figure_that_goes_both_ways_waits_anew_when_a_pane_closes_without_it() -> None:
    rule = a_rule(
        RuleType.LATENCY, threshold=1000, min_count=1, hold=MINUTE, window=tumbling(5 * MINUTE)
    )
    slow = [(1, event) for event in burst(1, 1, response_time=5000)]
    fast = [(s, event) for s in range(11, 171) for event in burst(s, 1, response_time=10)]
    again = [(171, event) for event in burst(171, 20, response_time=5000)]
    assert told_of(rule, 290, slow + fast + again) == [("firing", 171)]


def count_of(rule: Rule, first: int, last: int, *, restart: bool = False) -> list[int]:
    """Return how many events alerts had, of one each 20 seconds from one time until another."""
    pipeline = Pipeline(rule)
    for second in range(0, last + 700, 4):
        if first <= second < last and second % 20 == 0:
            pipeline.post(an_error(NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND)
        if restart and second % 200 == 0:
            pipeline.flush()
            pipeline.crash()
    return [alert.events for alert in pipeline.alerts if alert.status == "resolved"]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(
    ("window", "hold"),
    [
        (tumbling(5 * MINUTE), 2 * MINUTE),
        (Window("hopping", 4 * MINUTE, MINUTE, 5 * MINUTE), 5 * MINUTE),
    ],
)
def test_an_alert_counts_the_events_of_windows_that_held_while_it_was_pending(
    window: Window, hold: int, *, restart: bool
) -> None:
    rule = a_rule(threshold=5, hold=hold, window=window)
    assert count_of(rule, 180, 720, restart=restart) == [27]


@pytest.mark.parametrize("restart", [False, True])
def test_an_alert_counts_what_came_while_it_was_pending_as_far_as_it_is_still_known(
    *, restart: bool
) -> None:
    """From a window and its lateness before it fires: that it does 10 minutes after 00:01:50."""
    rule = a_rule(threshold=5, hold=10 * MINUTE, window=tumbling(5 * MINUTE))
    known = 110 + 600 - 330
    assert count_of(rule, 0, 1800, restart=restart) == [(1800 - known) // 20]


def fires_at(rule: Rule, windows: list[int], number: float) -> list[float]:
    """Return the minutes at which alerts fire if windows of five minutes have so many events."""
    pipeline, quarter = Pipeline(rule), 15 * SECOND
    for index, count in enumerate(windows):
        for part in range(20):
            at = NOON + index * 5 * MINUTE + part * quarter
            events = count * (part + 1) // 20 - count * part // 20
            if events:
                pipeline.post(*[an_error(at, attributes={"v": number})] * events)
            for second in (4, 8, 12):
                pipeline.tick(at + second * SECOND)
    alerts = [alert for alert in pipeline.alerts if alert.status == "firing"]
    return [round((alert.decided_at - NOON) / MINUTE, 1) for alert in alerts]


UP = {"condition": SPIKES["up"], "factor": 2.0, "min_reference": 10, "min_count": 0}
DOWN = UP | {"condition": SPIKES["down"], "direction": "down"}


@pytest.mark.parametrize(
    ("spike", "windows", "fires"),
    [
        (UP, [20, 20, 60, 200, 700], [18.4]),
        (UP, [20, 20, 200, 200, 200], []),
        (UP, [20, 20, 60, 100, 300], []),
        (DOWN, [900, 900, 300, 90, 90], [20.5]),
        (DOWN, [900, 900, 300, 300, 90, 90], []),
    ],
    ids=["grows on", "jumps", "grows too little", "sinks on", "sinks twice"],
)
def test_a_spike_that_goes_on_from_window_to_window_fires_under_a_long_for(
    spike: dict[str, Any], windows: list[int], fires: list[float]
) -> None:
    rule = a_rule(
        RuleType.SPIKE, threshold=None, hold=5 * MINUTE, window=tumbling(5 * MINUTE), **spike
    )
    assert fires_at(rule, [*windows, windows[-1]], 1) == pytest.approx(fires, abs=0.15)


@pytest.mark.parametrize(
    ("condition", "windows", "number", "fires"),
    [
        ("sum > 100", [20] * 4, 10, [12.7]),
        ("avg > 5 && count > 10", [20] * 4, 10, [12.7]),
        ("avg > 5 && count > 10", [20, 4, 20, 20], 10, []),
        ("sum > 100", [20, 4, 20, 20], 10, []),
        ("sum > 100", [20, 20, 20, 20], -10, []),
    ],
)
def test_that_a_window_has_too_few_events_yet_makes_nothing_wait_anew(
    condition: str, windows: list[int], number: float, fires: list[float]
) -> None:
    """One that is over and had too few does."""
    rule = a_rule(
        RuleType.METRIC,
        condition=condition,
        value="attributes.v",
        threshold=None,
        hold=10 * MINUTE,
        window=tumbling(5 * MINUTE),
    )
    assert fires_at(rule, windows, number) == pytest.approx(fires, abs=0.15)
