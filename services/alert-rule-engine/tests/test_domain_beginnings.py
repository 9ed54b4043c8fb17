"""A rule that is new, or may begin again, judges the window that is open, and none that is over."""

from typing import Any

import msgspec.structs
import pytest

from alert_contracts.rules import Rule, RuleType, TimeInterval, TimeRange, Window
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, sliding, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
FIVE = tumbling(5 * MINUTE)


def play(pipeline: Pipeline, first: int, last: int) -> None:
    for second in range(first, last, 4):
        pipeline.tick(NOON + second * SECOND)


def changed(pipeline: Pipeline, rule: Rule, how: str) -> None:
    """Lower the rule's threshold, or let there be another rule."""
    lower = msgspec.structs.replace(rule, threshold=1, revision=2, updated_at=1)
    if how == "edited":
        pipeline.change(lower)
    elif how == "edited while we were away":
        pipeline.flush()
        pipeline.crash(lower)
    else:
        pipeline.change(rule, msgspec.structs.replace(lower, id="r2"))


@pytest.mark.parametrize("how", ["edited", "edited while we were away", "created"])
@pytest.mark.parametrize("kind", [RuleType.EVENT_COUNT, RuleType.LATENCY])
@pytest.mark.parametrize(
    ("window", "second", "fires"),
    [
        (FIVE, 200, True),
        (FIVE, 355, False),
        (sliding(5 * MINUTE), 355, True),
        (sliding(5 * MINUTE), 395, False),
        (Window("hopping", 5 * MINUTE, 100 * SECOND), 255, True),
    ],
)
def test_a_lower_threshold_fires_only_in_a_window_that_is_open(
    window: Window, second: int, kind: RuleType, how: str, *, fires: bool
) -> None:
    """All that holds is a minute old, or more; a sliding window may hold it yet."""
    rule = a_rule(kind, threshold=1e6, window=window)
    pipeline = Pipeline(rule)
    at = NOON + 80 * SECOND
    pipeline.post(*[an_error(at, response_time=9.0) for _ in range(50)])
    play(pipeline, 84, second)
    changed(pipeline, rule, how)
    assert [alert.status for alert in pipeline.alerts] == ["firing"] * fires


HALF_PAST = (TimeInterval(times=(TimeRange("12:30", "24:00"),)),)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": RuleType.EVENT_COUNT, "threshold": 100},
        {"kind": RuleType.LATENCY, "threshold": 5},
        {"kind": RuleType.EVENT_COUNT, "threshold": 100, "window": sliding(60 * MINUTE)},
    ],
    ids=["on crossing", "at the close", "sliding"],
)
def test_what_holds_when_the_active_time_begins_fires_then(changes: dict[str, Any]) -> None:
    rule = a_rule(**{"window": tumbling(60 * MINUTE), "active_time": HALF_PAST, **changes})
    pipeline = Pipeline(rule)
    at = NOON + 10 * MINUTE
    pipeline.post(*[an_error(at, response_time=9.0) for _ in range(101)])
    pipeline.post(*[an_error(at, "few", response_time=1.0) for _ in range(10)])
    play(pipeline, 600, 1_800)
    assert pipeline.alerts == []
    play(pipeline, 1_800, 2_400)
    alert, *others = pipeline.alerts
    assert {each.status for each in others} <= {"updated"}
    assert (alert.status, alert.group) == ("firing", {"service": "pay"})
    assert alert.aggregates["count"] == 101


UNTIL_HALF = (TimeInterval(times=(TimeRange("12:00", "12:30"),)),)


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": 1, "window": tumbling(60 * MINUTE)},
        {"threshold": 1, "window": tumbling(24 * 60 * MINUTE)},
        {"threshold": 1, "window": sliding(60 * MINUTE)},
        {"kind": RuleType.CARDINALITY, "value": "host", "threshold": 1},
        {"kind": RuleType.MATCH, "window": tumbling(40 * MINUTE)},
    ],
    ids=["an hour", "a day", "sliding", "values", "match"],
)
def test_what_crosses_in_the_active_time_fires_though_its_window_ends_after_it(
    changes: dict[str, Any],
) -> None:
    rule = a_rule(**{"window": tumbling(60 * MINUTE), "active_time": UNTIL_HALF, **changes})
    pipeline = Pipeline(rule)
    at = NOON + 10 * MINUTE
    pipeline.post(an_error(at, host="a"), an_error(at, host="b"))
    assert [alert.starts_at for alert in pipeline.alerts] == [at]


def test_what_crosses_after_the_active_time_fires_nothing() -> None:
    pipeline = Pipeline(a_rule(threshold=1, window=tumbling(60 * MINUTE), active_time=UNTIL_HALF))
    pipeline.post(*[an_error(NOON + 31 * MINUTE)] * 2)
    play(pipeline, 1_860, 3_700)
    assert pipeline.alerts == []


def test_the_last_event_before_the_active_time_begins_fires_nothing_with_what_comes_after() -> None:
    """Both come at once: the window of the first is over when the second happened."""
    rule = a_rule(threshold=1, window=tumbling(5 * MINUTE), active_time=HALF_PAST)
    pipeline = Pipeline(rule)
    pipeline.post(*[an_error(NOON + 1_799 * SECOND)] * 2, an_error(NOON + 1_801 * SECOND))
    play(pipeline, 1_804, 2_400)
    assert pipeline.alerts == []


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": RuleType.MATCH, "window": tumbling(60 * MINUTE)},
        {
            "kind": RuleType.CHANGE,
            "value": "attributes.state",
            "window": tumbling(60 * MINUTE),
            "remember": 60 * MINUTE,
        },
        {"threshold": 1, "window": tumbling(5 * MINUTE)},
        {"threshold": 1, "window": sliding(2 * MINUTE)},
        {"threshold": 1, "window": Window("hopping", 2 * MINUTE, 40 * SECOND)},
        {"kind": RuleType.LATENCY, "threshold": 5, "min_count": 1, "window": sliding(2 * MINUTE)},
    ],
    ids=["match", "change", "tumbling", "sliding", "hopping", "at the close"],
)
def test_what_was_over_before_the_active_time_began_fires_nothing(changes: dict[str, Any]) -> None:
    """Of windows that overlap, the last with an event is over just then."""
    pipeline = Pipeline(a_rule(**changes, active_time=HALF_PAST))
    at = NOON + 28 * MINUTE
    for number in range(3):
        state = {"state": f"s{number}"}
        pipeline.post(an_error(at + number * SECOND, attributes=state, response_time=9.0))
    play(pipeline, 1_690, 2_400)
    assert pipeline.alerts == []


def test_a_window_that_is_over_just_when_the_active_time_begins_fires_nothing() -> None:
    """It is judged then, since its last seconds had events."""
    rule = a_rule(RuleType.LATENCY, threshold=5, min_count=1, active_time=HALF_PAST)
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON + 1_795 * SECOND, response_time=9.0))
    play(pipeline, 1_796, 2_400)
    assert pipeline.alerts == []


@pytest.mark.parametrize(
    "changes",
    [{"kind": RuleType.ABSENCE, "threshold": None}, {"no_data": "alerting"}],
    ids=["absence", "no data"],
)
def test_silence_fires_with_the_first_window_that_ends_in_the_active_time(
    changes: dict[str, Any],
) -> None:
    """One that ends just when that begins was before it."""
    window = tumbling(5 * MINUTE, lateness=0)
    pipeline = Pipeline(a_rule(**changes, window=window, active_time=HALF_PAST))
    pipeline.post(an_error(NOON + 19 * MINUTE))
    play(pipeline, 1_144, 2_106)
    assert [alert.starts_at for alert in pipeline.alerts] == [NOON + 35 * MINUTE]


@pytest.mark.parametrize(("missing", "told"), [(25, []), (35, [40]), (45, [])])
def test_what_is_due_in_the_active_time_is_missed_and_nothing_else(
    missing: int, told: list[int]
) -> None:
    """As a backup of every day is on Friday, and none is on Sunday; minutes stand for hours."""
    ten = (TimeInterval(times=(TimeRange("12:30", "12:40"),)),)
    window = tumbling(10 * MINUTE, lateness=0)
    rule = a_rule(RuleType.ABSENCE, threshold=None, window=window, active_time=ten)
    pipeline = Pipeline(rule)
    for minute in (5, 15, 25, 35, 45, 55):
        if minute != missing:
            pipeline.post(an_error(NOON + minute * MINUTE))
        play(pipeline, (minute - 5) * 60, (minute + 5) * 60)
    began = [alert.starts_at for alert in pipeline.alerts if alert.status == "firing"]
    assert [(at - NOON) // MINUTE for at in began] == told


@pytest.mark.parametrize(("second", "fires"), [(1_790, False), (1_801, True)])
def test_a_clock_that_is_ahead_is_in_no_other_time_than_we_are(second: int, *, fires: bool) -> None:
    """By its own, the event happens seven minutes later."""
    pipeline = Pipeline(a_rule(RuleType.MATCH, active_time=HALF_PAST))
    play(pipeline, 1_700, second)
    accepted = NOON + second * SECOND
    pipeline.post(an_error(accepted + 7 * MINUTE), accepted=accepted)
    play(pipeline, second, 2_400)
    assert [alert.starts_at for alert in pipeline.alerts][:1] == [accepted] * fires


def test_a_clock_that_is_ahead_keeps_nothing_from_firing_just_before_the_active_time_ends() -> None:
    pipeline = Pipeline(a_rule(RuleType.MATCH, active_time=UNTIL_HALF))
    accepted = NOON + 1_790 * SECOND
    pipeline.post(an_error(accepted + 7 * MINUTE), accepted=accepted)
    assert [alert.starts_at for alert in pipeline.alerts] == [accepted]


@pytest.mark.parametrize("kind", [RuleType.EVENT_COUNT, RuleType.LATENCY])
@pytest.mark.parametrize("second", [1_510, 1_795])
def test_a_sliding_window_that_is_open_when_the_active_time_begins_fires_then(
    second: int, kind: RuleType
) -> None:
    """Of those that hold the events of 12:25:10, one is open at 12:30 yet."""
    window = sliding(5 * MINUTE)
    rule = a_rule(kind, threshold=1, min_count=1, window=window, active_time=HALF_PAST)
    pipeline = Pipeline(rule)
    pipeline.post(*[an_error(NOON + second * SECOND, response_time=9.0)] * 5)
    play(pipeline, 1_796, 1_802)
    assert pipeline.alerts == []
    play(pipeline, 1_802, 1_806)
    assert [alert.status for alert in pipeline.alerts] == ["firing"]


def test_an_alert_that_goes_on_counts_what_is_ahead_of_the_watermark() -> None:
    """Its counts never fall, though it is looked at at boundaries as well."""
    rule = a_rule(threshold=5, window=tumbling(10 * MINUTE), active_time=HALF_PAST)
    pipeline = Pipeline(rule)
    for second in range(1_800, 1_950):
        pipeline.post(an_error(NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND)
    counts = [alert.aggregates["count"] for alert in pipeline.alerts]
    assert len(counts) > 10
    assert counts == sorted(counts)
    assert counts[-1] > 140
