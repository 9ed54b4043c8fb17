"""What a long outage of ours costs, and what it must not make anybody believe."""

from typing import Any

import pytest

from alert_contracts.rules import RuleType, Window
from alert_rule_engine.domain.bucket import Bucket
from alert_rule_engine.domain.compiling import compile_rule
from alert_rule_engine.domain.due import Span, due
from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def run(pipeline: Pipeline, since: int, until: int, *, beat: int = 0) -> None:
    """Tick each four seconds between two of them after noon; with an event every `beat`."""
    for second in range(since, until, 4):
        if beat and second % beat == 0:
            pipeline.post(an_error(NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND)


SLIDING = Window("sliding", 5 * MINUTE, 10 * SECOND, 0)
TUMBLING = tumbling(5 * MINUTE, 0)


def panes_of(pipeline: Pipeline) -> list[tuple[Bucket, SpecPanes]]:
    """Return the panes of each bucket that has any."""
    return [
        (bucket, panes)
        for journal in pipeline.journals
        for bucket in journal.partition.buckets
        for panes in bucket.specs.values()
    ]


@pytest.mark.parametrize("window", [TUMBLING, SLIDING])
@pytest.mark.parametrize(
    "changes",
    [
        {"kind": RuleType.ABSENCE, "threshold": None},
        {"kind": RuleType.EVENT_COUNT, "no_data": "alerting"},
        {"kind": RuleType.EVENT_COUNT, "no_data": "keepLast", "threshold": 0},
    ],
)
def test_the_hours_of_an_outage_are_not_judged_window_by_window(
    window: Window, changes: dict[str, Any]
) -> None:
    """Only what is near the last events and what lies after the outage is looked at."""
    rule = a_rule(**changes, window=window, min_count=0, resolve_after=MINUTE)
    pipeline = Pipeline(rule)
    run(pipeline, 0, 40, beat=20)
    after = NOON + 8 * HOUR
    ((bucket, panes),) = panes_of(pipeline)
    span = Span(bucket.judged, after + 20 * MINUTE)
    compiled = compile_rule(rule)
    ends = list(due(compiled, panes, span, unseen=after))
    assert all(end <= NOON + 6 * MINUTE or end - window.size >= after for end in ends)
    whole = list(due(compiled, panes, span, unseen=after, whole=True))
    assert whole == [end for end in ends if (end - window.size) % window.step == 0]


@pytest.mark.parametrize("window", [TUMBLING, SLIDING])
def test_a_group_that_falls_silent_after_an_outage_is_absent_in_the_first_whole_window(
    window: Window,
) -> None:
    rule = a_rule(RuleType.ABSENCE, window=window, threshold=None, resolve_after=MINUTE)
    pipeline = Pipeline(rule)
    run(pipeline, 0, 40, beat=20)
    run(pipeline, 8 * 3_600, 8 * 3_600 + 700)
    first = min(alert.window.start for alert in pipeline.alerts)
    assert NOON + 8 * HOUR <= first <= NOON + 8 * HOUR + 5 * MINUTE


def test_what_was_pending_before_a_long_outage_begins_anew_after_it() -> None:
    """Nobody was there to see for longer than it has to last."""
    rule = a_rule(RuleType.EVENT_COUNT, threshold=0, hold=20 * MINUTE, window=TUMBLING)
    pipeline = Pipeline(rule)
    run(pipeline, 0, 40, beat=20)
    run(pipeline, 8 * 3_600, 8 * 3_600 + 60, beat=20)
    pending = [row for bucket, _ in panes_of(pipeline) for row in bucket.alerts.pending.rows()]
    assert [since >= NOON + 8 * HOUR for *_, since in pending] == [True]
    assert pipeline.alerts == []


def play(pipeline: Pipeline, *, errors: int, away: range, until: int) -> None:
    """Have an error each second until a time; no gateway takes any for a while."""
    for second in range(until):
        at = NOON + second * SECOND
        if second < errors and second not in away:
            pipeline.post(an_error(at, response_time=900.0))
        pipeline.tick(at, deaf=second in away)


BY_WHAT_CAME: list[dict[str, Any]] = [
    {"kind": RuleType.ERROR_THRESHOLD, "threshold": 250},
    {
        "kind": RuleType.ERROR_THRESHOLD,
        "threshold": 250,
        "window": SLIDING,
        "resolve_after": MINUTE,
    },
    {"kind": RuleType.ERROR_RATE, "threshold": 10},
    {"kind": RuleType.LATENCY, "threshold": 500},
]
names = pytest.mark.parametrize(
    "changes", BY_WHAT_CAME, ids=["count", "sliding", "rate", "percentile"]
)


@names
def test_an_alert_that_was_open_before_an_outage_of_ours_is_so_after_it(
    changes: dict[str, Any],
) -> None:
    """Who was paged is neither told that all is well nor paged again.

    All gateways are away from 12:08 to 12:23, while the errors go on.
    """
    rule = a_rule(**{"window": TUMBLING, "min_count": 20, **changes})
    pipeline = Pipeline(rule)
    play(pipeline, errors=2_400, away=range(480, 1_380), until=2_400)
    assert {alert.status for alert in pipeline.alerts[1:]} == {"updated"}
    assert pipeline.alerts[0].status == "firing"


@names
def test_an_alert_is_over_after_an_outage_of_ours_when_it_was_quiet_since(
    changes: dict[str, Any],
) -> None:
    """A whole window is seen then, from 12:25 to 12:30, and five minutes of quiet."""
    rule = a_rule(**{"window": TUMBLING, "min_count": 20, **changes, "resolve_after": 5 * MINUTE})
    pipeline = Pipeline(rule)
    play(pipeline, errors=590, away=range(590, 1_495), until=2_400)
    over = pipeline.alerts[-1]
    assert over.status == "resolved"
    assert over.reason.endswith("no window held for 5m")
    assert over.ends_at == NOON + 35 * MINUTE


@pytest.mark.parametrize("beats", [range(0), range(700, 709)], ids=["no outage", "nine seconds"])
def test_an_alert_that_was_quiet_is_over_in_time_while_gateways_can_be_heard(beats: range) -> None:
    """So short an outage hides little of five minutes, and puts nothing off but by itself."""
    pipeline = Pipeline(a_rule(threshold=250, window=TUMBLING))
    play(pipeline, errors=600, away=beats, until=1_000)
    assert pipeline.alerts[-1].status == "resolved"
    away = len(beats) + 1 if beats else 0
    assert pipeline.alerts[-1].ends_at == NOON + 15 * MINUTE + away * SECOND


def test_an_alert_of_a_long_window_ends_though_a_gateway_restarts_now_and_then() -> None:
    """Each ten minutes it is away for seven seconds; that is no reason to wait for ever."""
    rule = a_rule(threshold=250, window=tumbling(60 * MINUTE), resolve_after=10 * MINUTE)
    pipeline = Pipeline(rule)
    away = [second for second in range(4_800) if second % 600 < 7]
    for second in range(0, 4_800, 1):
        if second < 300:
            pipeline.post(an_error(NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND, deaf=second >= 300 and second in away)
    assert pipeline.alerts[-1].status == "resolved"


@pytest.mark.parametrize(("errors", "told"), [(1_000, [NOON + 600 * SECOND]), (200, [])])
@pytest.mark.parametrize("kind", [RuleType.ERROR_THRESHOLD, RuleType.LATENCY])
def test_what_was_pending_before_an_outage_and_holds_after_it_held_all_the_time(
    kind: RuleType, errors: int, told: list[int]
) -> None:
    """Nobody is heard from 12:03:20 to 12:08:20; what had ended by then waits for nothing."""
    rule = a_rule(kind, threshold=25, hold=10 * MINUTE, window=tumbling(2 * MINUTE, 0))
    pipeline = Pipeline(rule)
    play(pipeline, errors=errors, away=range(200, 500), until=1_300)
    firing = [alert for alert in pipeline.alerts if alert.status == "firing"]
    assert [alert.decided_at // MINUTE * MINUTE for alert in firing] == told
    assert all(alert.starts_at < NOON + MINUTE for alert in firing)


def test_what_was_pending_before_an_outage_and_does_not_hold_after_it_begins_anew() -> None:
    pipeline = Pipeline(a_rule(threshold=25, hold=10 * MINUTE, window=tumbling(2 * MINUTE, 0)))
    for second in range(1_000):
        at, away = NOON + second * SECOND, 200 <= second < 500
        if second < 200 or second > 760:
            pipeline.post(an_error(at))
        pipeline.tick(at, deaf=away)
    assert pipeline.alerts == []
