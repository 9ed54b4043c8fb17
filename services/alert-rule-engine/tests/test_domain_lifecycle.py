"""An alert fires when its rule holds, says so once, goes on, and is over: exactly once."""

from collections import Counter
from typing import Any

import msgspec.structs
import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from, tuples

from alert_contracts.events import Event
from alert_contracts.ids import alert_id, fingerprint
from alert_contracts.rules import RuleType, Window
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, sliding, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def errors(count: int, at: int = NOON, **fields: Any) -> list[Event]:  # noqa: ANN401
    return [an_error(at + number, **fields) for number in range(count)]


def test_a_count_fires_on_crossing_and_not_at_the_threshold() -> None:
    pipeline = Pipeline(a_rule(threshold=100))
    pipeline.post(*errors(100))
    assert pipeline.alerts == []
    pipeline.post(an_error(NOON + 200), source=7)
    (alert,) = pipeline.alerts
    assert alert.status == "firing"
    assert alert.reason == "count 101 > threshold 100"
    assert alert.starts_at == NOON + 200
    assert (alert.window.start, alert.window.end) == (NOON, NOON + 5 * MINUTE)
    assert [(s.partition, s.first_offset, s.last_offset) for s in alert.sources] == [
        (0, 0, 0),
        (7, 0, 0),
    ]
    assert (alert.accepted_at, alert.traceparent) == (NOON + 200, "00-trace")
    assert alert.aggregates["count"] == 101
    assert alert.labels == {
        "alertname": "A rule",
        "severity": "critical",
        "rule_id": "r1",
        "tenant": "default",
        "service": "pay",
    }


def test_the_identity_follows_from_rule_group_and_window_alone() -> None:
    pipeline = Pipeline(a_rule(threshold=0))
    pipeline.post(an_error())
    (alert,) = pipeline.alerts
    group = {"service": "pay"}
    assert alert.group == group
    assert alert.id == alert_id(
        tenant="default", rule_id="r1", revision=1, group=group, window_start=NOON
    )
    assert alert.fingerprint == fingerprint(
        tenant="default", rule_id="r1", severity="CRITICAL", group=group
    )


def test_each_group_fires_by_itself() -> None:
    pipeline = Pipeline(a_rule(threshold=1))
    pipeline.post(*errors(2, service="a"), *errors(1, service="b"), *errors(3, service="c"))
    assert sorted(pipeline.said()) == ["firing a 2", "firing c 3"]


def test_a_tumbling_window_forgets_at_its_end_and_a_sliding_one_does_not() -> None:
    tumbled = Pipeline(a_rule(threshold=1, window=tumbling(MINUTE)))
    slid = Pipeline(a_rule(threshold=1, window=sliding(MINUTE)))
    for pipeline in (tumbled, slid):
        pipeline.post(an_error(NOON + 55 * SECOND))
        pipeline.post(an_error(NOON + 65 * SECOND))
    assert tumbled.said() == []
    assert slid.said() == ["firing pay 2"]


def test_an_event_out_of_order_pushes_an_older_sliding_window_over() -> None:
    pipeline = Pipeline(a_rule(threshold=2, window=sliding(MINUTE)))
    pipeline.post(an_error(NOON), an_error(NOON + 50 * SECOND))
    pipeline.post(an_error(NOON + 70 * SECOND))
    assert pipeline.alerts == []
    pipeline.post(an_error(NOON + 5 * SECOND))
    (alert,) = pipeline.alerts
    assert alert.window.end == NOON + MINUTE
    assert alert.aggregates["count"] == 3


def test_an_event_out_of_order_pushes_an_older_tumbling_window_over() -> None:
    pipeline = Pipeline(a_rule(threshold=1, window=tumbling(MINUTE)))
    pipeline.post(an_error(NOON))
    pipeline.post(an_error(NOON + 61 * SECOND))
    pipeline.post(an_error(NOON + 2 * SECOND))
    assert [alert.window.start for alert in pipeline.alerts] == [NOON]


def test_updates_come_at_most_every_ten_seconds_and_only_if_the_counts_changed() -> None:
    pipeline = Pipeline(a_rule(threshold=0))
    for second in range(31):
        pipeline.post(an_error(NOON + second * SECOND))
    assert pipeline.said() == [
        "firing pay 1",
        "updated pay 11",
        "updated pay 21",
        "updated pay 31",
    ]
    assert [alert.sequence for alert in pipeline.alerts] == [1, 2, 3, 4]
    for second in range(31, 60):
        pipeline.tick(NOON + second * SECOND)
    assert len(pipeline.alerts) == 4


def test_the_last_counts_are_told_though_traffic_has_stopped() -> None:
    pipeline = Pipeline(a_rule(threshold=0))
    pipeline.post(an_error())
    pipeline.post(*errors(9))
    pipeline.tick(NOON + 10 * SECOND)
    assert pipeline.said() == ["firing pay 1", "updated pay 10"]


def test_counts_are_final_when_the_window_is_over_though_they_are_told_later() -> None:
    pipeline = Pipeline(a_rule(threshold=0, window=tumbling(MINUTE)))
    pipeline.post(an_error(NOON + 58 * SECOND))
    pipeline.post(*errors(3, NOON + 59 * SECOND))
    pipeline.tick(NOON + 62 * SECOND)
    assert pipeline.said() == ["firing pay 1"]
    pipeline.tick(NOON + 68 * SECOND)
    assert pipeline.said() == ["firing pay 1", "updated pay 4"]


def test_a_quiet_alert_resolves_once_with_its_final_counts() -> None:
    pipeline = Pipeline(a_rule(threshold=0, window=tumbling(MINUTE), resolve_after=2 * MINUTE))
    pipeline.post(an_error())
    pipeline.post(*errors(4))
    pipeline.rest(NOON + 181 * SECOND)
    assert pipeline.said() == ["firing pay 1", "updated pay 5"]
    pipeline.rest(NOON + 480 * SECOND)
    assert pipeline.said() == ["firing pay 1", "updated pay 5", "resolved pay 5"]
    resolved = pipeline.alerts[-1]
    assert resolved.reason == "no window held for 2m"
    assert resolved.ends_at == NOON + 3 * MINUTE
    assert resolved.events == 5
    assert resolved.id == pipeline.alerts[0].id
    assert not any(
        p.slices for j in pipeline.journals for b in j.partition.buckets for p in b.specs.values()
    )


def test_an_alert_goes_on_while_windows_hold_and_a_later_one_is_another() -> None:
    pipeline = Pipeline(a_rule(threshold=0, window=tumbling(MINUTE), resolve_after=MINUTE))
    for minute in (0, 1, 2):
        pipeline.post(an_error(NOON + minute * MINUTE))
        pipeline.rest(NOON + minute * MINUTE + 10 * SECOND)
    pipeline.rest(NOON + 300 * SECOND)
    pipeline.post(an_error(NOON + 6 * MINUTE))
    assert [alert.status for alert in pipeline.alerts] == [
        "firing",
        "updated",
        "updated",
        "resolved",
        "firing",
    ]
    assert len({alert.id for alert in pipeline.alerts}) == 2
    assert pipeline.alerts[3].window.start == NOON + 2 * MINUTE
    assert pipeline.alerts[3].events == 3


def test_late_events_do_not_open_again_what_is_over() -> None:
    pipeline = Pipeline(a_rule(threshold=0, window=tumbling(MINUTE), resolve_after=0))
    pipeline.post(an_error(NOON + 55 * SECOND))
    pipeline.rest(NOON + 70 * SECOND)
    assert [alert.status for alert in pipeline.alerts] == ["firing", "resolved"]
    pipeline.post(an_error(NOON + 56 * SECOND))
    assert len(pipeline.alerts) == 2
    for minute in range(3, 6):
        pipeline.tick(NOON + minute * MINUTE)
    assert not any(b.alerts.past for j in pipeline.journals for b in j.partition.buckets)


def test_a_sliding_alert_lasts_as_long_as_some_window_holds() -> None:
    pipeline = Pipeline(a_rule(threshold=1, window=sliding(MINUTE), resolve_after=30 * SECOND))
    pipeline.post(an_error(NOON), an_error(NOON + 1))
    for second in range(5, 100, 5):
        pipeline.tick(NOON + second * SECOND)
    assert pipeline.alerts[-1].status == "resolved"
    assert pipeline.alerts[-1].ends_at == NOON + 90 * SECOND
    assert pipeline.alerts[-1].reason == "no window held for 30s"
    assert pipeline.alerts[-1].events == 2


def test_a_sliding_alert_counts_the_events_of_panes_that_are_forgotten() -> None:
    pipeline = Pipeline(a_rule(threshold=5, window=sliding(5 * MINUTE), resolve_after=5 * MINUTE))
    for second in range(5, 1_300):
        if second in (5, 535):
            pipeline.post(*errors(10, NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND)
    resolved = pipeline.alerts[-1]
    assert (resolved.status, resolved.events) == ("resolved", 20)


@pytest.mark.parametrize(
    "fields",
    [
        {"threshold": 3, "window": tumbling(MINUTE)},
        {"threshold": 3, "window": Window("hopping", 2 * MINUTE, MINUTE, 0)},
        {"threshold": 3, "window": sliding(MINUTE)},
        {"kind": RuleType.MATCH, "window": tumbling(5 * MINUTE)},
        {
            "kind": RuleType.LATENCY,
            "condition": "avg > 3",
            "window": sliding(MINUTE),
            "min_count": 1,
        },
    ],
    ids=["tumbling", "hopping", "sliding", "match", "average"],
)
def test_a_long_alert_resolves_with_all_of_its_events(fields: dict[str, Any]) -> None:
    pipeline = Pipeline(a_rule(**{"resolve_after": MINUTE, **fields}))
    for second in range(700):
        if second < 330:
            pipeline.post(*errors(5, NOON + second * SECOND, response_time=100.0))
        pipeline.tick(NOON + second * SECOND)
    resolved = pipeline.alerts[-1]
    assert (resolved.status, resolved.events) == ("resolved", 5 * 330)


def test_a_rate_that_sinks_again_resolves_with_the_final_counts_of_its_window() -> None:
    rule = a_rule(
        RuleType.ERROR_RATE,
        condition="errors * 100.0 / total > threshold",
        threshold=50,
        min_count=20,
        window=tumbling(MINUTE),
        resolve_after=MINUTE,
    )
    pipeline = Pipeline(rule)
    pipeline.post(*errors(18), *errors(12, level="INFO"))
    pipeline.post(*errors(70, NOON + 20 * SECOND, level="INFO"))
    for second in range(1, 200):
        pipeline.tick(NOON + second * SECOND)
    first, last = pipeline.alerts[0], pipeline.alerts[-1]
    assert (first.status, first.aggregates["total"]) == ("firing", 30)
    assert (last.status, last.aggregates["total"], last.aggregates["errors"]) == (
        "resolved",
        100,
        18,
    )
    assert [alert.reason for alert in pipeline.alerts[:-1]] == [
        "errors 18 * 100.0 / total 30 > threshold 50"
    ] * (len(pipeline.alerts) - 1)


@pytest.mark.parametrize(
    "window", [Window("hopping", 10 * MINUTE, 5 * MINUTE, 0), tumbling(MINUTE)]
)
def test_an_average_that_stays_bad_pages_once_however_soon_its_alert_would_be_over(
    window: Window,
) -> None:
    """The next window is judged when its first pane is over."""
    rule = a_rule(
        RuleType.LATENCY,
        condition="avg > threshold",
        window=window,
        resolve_after=SECOND,
        min_count=1,
    )
    pipeline = Pipeline(rule)
    for second in range(1_800):
        pipeline.post(an_error(NOON + second * SECOND, response_time=500.0))
        pipeline.tick(NOON + second * SECOND)
    assert {alert.status for alert in pipeline.alerts} == {"firing", "updated"}
    assert [alert.status for alert in pipeline.alerts].count("firing") == 1


def test_a_rate_is_judged_at_the_close_of_a_pane_over_the_window_so_far() -> None:
    pipeline = Pipeline(a_rule(RuleType.ERROR_RATE, threshold=50, min_count=4))
    pipeline.post(*errors(3), an_error(NOON + 9, level="INFO"))
    assert pipeline.alerts == []
    pipeline.tick(NOON + 11 * SECOND)
    assert pipeline.alerts == []
    pipeline.tick(NOON + 12 * SECOND)
    (alert,) = pipeline.alerts
    assert alert.reason == "errors 3 * 100.0 / total 4 > threshold 50"
    assert (alert.starts_at, alert.accepted_at) == (NOON + 9, NOON + 9)


def test_too_few_events_are_no_percentile() -> None:
    pipeline = Pipeline(a_rule(RuleType.LATENCY, threshold=1_000))
    pipeline.post(*errors(19, response_time=5_000.0))
    pipeline.tick(NOON + 12 * SECOND)
    assert pipeline.alerts == []
    pipeline.post(an_error(NOON + 13 * SECOND, response_time=5_000.0))
    pipeline.tick(NOON + 22 * SECOND)
    assert [alert.aggregates["p95"] for alert in pipeline.alerts] == [5_000.0]


def test_a_late_event_reopens_its_pane_and_the_alert_says_how_late_it_was() -> None:
    pipeline = Pipeline(a_rule(RuleType.LATENCY, threshold=1_000, min_count=2))
    pipeline.post(an_error(NOON, response_time=5_000.0))
    pipeline.tick(NOON + 25 * SECOND)
    pipeline.post(an_error(NOON + 1, response_time=5_000.0))
    pipeline.tick(NOON + 26 * SECOND)
    (alert,) = pipeline.alerts
    assert alert.late_by == 13 * SECOND


def test_a_late_event_does_not_disturb_rules_that_fire_on_crossing() -> None:
    pipeline = Pipeline(a_rule(threshold=5, window=sliding(MINUTE)))
    pipeline.post(an_error(NOON))
    pipeline.tick(NOON + 25 * SECOND)
    pipeline.post(an_error(NOON + 1))
    assert pipeline.alerts == []


def test_a_bound_from_below_is_judged_when_the_window_is_complete() -> None:
    rule = a_rule(condition="count < threshold", threshold=3, window=tumbling(MINUTE))
    pipeline = Pipeline(rule)
    pipeline.beat(NOON - SECOND)
    pipeline.post(*errors(2))
    for second in range(92):
        pipeline.tick(NOON + second * SECOND)
    assert pipeline.alerts == []
    pipeline.tick(NOON + MINUTE + 32 * SECOND)
    assert pipeline.said() == ["firing pay 2"]


@pytest.mark.parametrize(
    ("fields", "since"),
    [
        ({"condition": "count < 5", "window": tumbling(MINUTE, lateness=0)}, 60),
        (
            {
                "kind": RuleType.LATENCY,
                "condition": "avg > 300",
                "min_count": 1,
                "window": sliding(MINUTE),
            },
            70,
        ),
    ],
    ids=["at the end", "at the close of a pane"],
)
def test_what_time_makes_true_began_then_and_not_with_an_event_of_before(
    fields: dict[str, Any], since: int
) -> None:
    pipeline = Pipeline(a_rule(**fields))
    for second in range(-10, 75):
        if second in (1, 2, 20):
            fast = second < 20
            pipeline.post(an_error(NOON + second * SECOND, response_time=1.0 if fast else 601.0))
        pipeline.tick(NOON + second * SECOND)
    assert pipeline.alerts[0].starts_at - NOON == since * SECOND


def test_an_average_in_a_sliding_window_is_judged_at_every_pane() -> None:
    rule = a_rule(
        RuleType.LATENCY, condition="avg > threshold", window=sliding(MINUTE), min_count=1
    )
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON, response_time=10.0), an_error(NOON + 1, response_time=10.0))
    pipeline.post(an_error(NOON + 30 * SECOND, response_time=150.0))
    for second in range(0, 80, 2):
        pipeline.tick(NOON + second * SECOND)
    (alert,) = [alert for alert in pipeline.alerts if alert.status == "firing"]
    assert alert.window.start == NOON + 10 * SECOND


def test_a_percentile_that_goes_on_is_updated_and_resolves() -> None:
    pipeline = Pipeline(a_rule(RuleType.LATENCY, threshold=1_000, window=tumbling(MINUTE)))
    for second in (0, 20, 40):
        pipeline.post(*errors(20, NOON + second * SECOND, response_time=2_000.0))
        pipeline.tick(NOON + (second + 15) * SECOND)
    pipeline.rest(NOON + 600 * SECOND)
    assert pipeline.said() == [
        "firing pay 20",
        "updated pay 40",
        "updated pay 60",
        "resolved pay 60",
    ]


@pytest.mark.parametrize(
    ("window", "over"),
    [
        (Window("hopping", 60 * SECOND, 30 * SECOND, 0), 91),
        (Window("hopping", 60 * SECOND, 20 * SECOND, 0), 81),
        (sliding(60 * SECOND), 91),
    ],
)
def test_an_alert_is_not_over_while_another_open_window_holds(window: Window, over: int) -> None:
    """However soon it would be: the last window that holds ends at 90 (80, 90) seconds."""
    pipeline = Pipeline(a_rule(threshold=0, resolve_after=SECOND, window=window))
    pipeline.post(an_error(NOON + 35 * SECOND))
    for second in range(36, 100):
        pipeline.tick(NOON + second * SECOND)
    told = [(alert.status, alert.window.end - NOON) for alert in pipeline.alerts]
    assert (told[0][0], told[-1]) == ("firing", ("resolved", (over - 1) * SECOND))
    assert [status for status, _ in told].count("resolved") == 1
    (resolved,) = (alert for alert in pipeline.alerts if alert.status == "resolved")
    assert (resolved.ends_at, resolved.events) == (NOON + over * SECOND, 1)


@given(
    rows=lists(tuples(integers(0, 48), integers(1, 3)), min_size=1, max_size=20),
    step=sampled_from([4, 8, 12, 24]),
    threshold=integers(0, 5),
)
def test_an_alert_fires_when_any_open_window_is_crossed_and_lasts_as_long_as_one_holds(
    rows: list[tuple[int, int]], step: int, threshold: int
) -> None:
    """As counted by hand: every window that holds the event, not only the one that ends next."""
    window = Window("hopping", 24 * SECOND, step * SECOND, 0)
    pipeline = Pipeline(a_rule(threshold=threshold, resolve_after=SECOND, window=window))
    counts: Counter[int] = Counter()
    rows.sort()
    for now in range(88):
        for second, count in rows:
            if second == now:
                pipeline.post(*[an_error(NOON + second * SECOND)] * count)
                last = second - second % step
                counts.update(dict.fromkeys(range(last, second - 24, -step), count))
        pipeline.tick(NOON + now * SECOND)
        holding = [start for start, found in counts.items() if found > threshold]
        fires = bool(pipeline.alerts) and pipeline.alerts[-1].status != "resolved"
        assert fires or all(start + 24 <= now for start in holding)


@pytest.mark.parametrize("resolve_after", [SECOND, MINUTE, 2 * MINUTE])
@pytest.mark.parametrize("then", [1, 4, 200])
@pytest.mark.parametrize(
    ("window", "end"), [(tumbling(MINUTE, 0), 180), (sliding(MINUTE, 20 * SECOND), 180)]
)
def test_with_keep_last_silence_ends_no_alert_however_soon_it_would_be_over(
    window: Window, end: int, then: int, resolve_after: int
) -> None:
    """A window with an event that does not hold ends it, also if empty ones follow at once."""
    rule = a_rule(
        RuleType.METRIC,
        value="responseTime",
        condition="max > threshold",
        resolve_after=resolve_after,
        no_data="keepLast",
        window=msgspec.structs.replace(window, allowed_lateness=0),
    )
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON + 5 * SECOND, response_time=200.0))
    for second in range(6, 190):
        pipeline.tick(NOON + second * SECOND)
    assert "resolved" not in {alert.status for alert in pipeline.alerts}
    pipeline.post(an_error(NOON + 190 * SECOND, response_time=5.0))
    for second in range(191, 410, then):
        for missed in range(second - then, second, 2):
            pipeline.beat(NOON + missed * SECOND)
        pipeline.tick(NOON + second * SECOND)
    assert [alert.status for alert in pipeline.alerts].count("resolved") == 1
    quiet = max(resolve_after, rule.window.step)
    assert pipeline.alerts[-1].ends_at == NOON + end * SECOND + quiet
