"""An alert goes on while its windows hold, and is over when they do not any more."""

from typing import Any

import msgspec
import pytest

from alert_contracts.rules import SPIKES, RuleType
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


@pytest.mark.parametrize(
    "changes",
    [{"kind": RuleType.ABSENCE, "threshold": None}, {"no_data": "alerting"}],
    ids=["absence", "no data"],
)
def test_silence_is_one_alert_however_soon_it_would_be_over(changes: dict[str, Any]) -> None:
    """Until the next window is over nobody knows whether it goes on."""
    rule = a_rule(window=tumbling(5 * MINUTE), resolve_after=MINUTE, **changes)
    pipeline = Pipeline(rule)
    for second in range(-10, 3_000, 5):
        if 0 <= second < 300 or second > 2_000:
            pipeline.post(an_error(NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND)
    told = [alert for alert in pipeline.alerts if alert.status != "updated"]
    assert [alert.status for alert in told] == ["firing", "resolved"]
    assert told[1].reason == "no window held for 5m"
    assert told[1].ends_at == NOON + 35 * MINUTE


def test_an_alert_that_keeps_its_last_state_ends_when_its_group_is_forgotten() -> None:
    """Its host is gone for good; half an hour stands for the day that it is remembered."""
    rule = a_rule(
        threshold=3, no_data="keepLast", forget=30 * MINUTE, window=tumbling(MINUTE, lateness=0)
    )
    pipeline = Pipeline(rule)
    for second in range(-10, 2_400, 4):
        if 0 <= second < 60:
            pipeline.post(an_error(NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND)
        if second == 1_850:
            assert {alert.status for alert in pipeline.alerts} == {"firing", "updated"}
    over = pipeline.alerts[-1]
    assert (over.status, over.reason) == ("resolved", "no data for 30m")
    assert over.ends_at == NOON + 36 * MINUTE


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": RuleType.SPIKE, "factor": 3.0, "condition": SPIKES["up"]},
        {"kind": RuleType.METRIC, "value": "responseTime", "condition": "min > 5.0"},
        {"kind": RuleType.LATENCY, "threshold": 100},
    ],
    ids=["spike", "min", "latency"],
)
def test_no_alert_is_over_as_soon_as_it_began(changes: dict[str, Any]) -> None:
    """It begins with the end of the first window that held, and that is the last one, too."""
    window = tumbling(10 * SECOND, lateness=0)
    rule = a_rule(**{"threshold": None, **changes}, window=window, resolve_after=10 * SECOND)
    pipeline = Pipeline(rule)
    for second in range(75):
        if second < 40:
            pipeline.post(an_error(NOON + second * SECOND, response_time=1.0))
        if second == 49:
            pipeline.post(*[an_error(NOON + second * SECOND, response_time=900.0)] * 99)
        pipeline.tick(NOON + second * SECOND)
    first, *_, over = pipeline.alerts
    assert (first.starts_at, over.status) == (NOON + 50 * SECOND, "resolved")
    assert over.ends_at == NOON + 60 * SECOND
    assert over.reason.endswith("no window held for 10s")


def test_an_alert_whose_rule_goes_was_firing_until_then() -> None:
    pipeline = Pipeline(a_rule(RuleType.ABSENCE, threshold=None, window=tumbling(10 * SECOND, 0)))
    pipeline.post(an_error(NOON - SECOND))
    for second in range(25):
        pipeline.tick(NOON + second * SECOND)
    pipeline.change()
    first, *_, over = pipeline.alerts
    assert first.starts_at == NOON + 10 * SECOND
    assert (over.ends_at, over.reason) == (NOON + 24 * SECOND, "the rule was deleted")


def test_an_alert_whose_threshold_was_raised_ends_unless_a_window_passes_the_new_one() -> None:
    rule = a_rule(threshold=10, window=tumbling(MINUTE), resolve_after=MINUTE)
    pipeline = Pipeline(rule)
    pipeline.post(*[an_error(NOON)] * 12)
    pipeline.change(msgspec.structs.replace(rule, threshold=100, revision=2))
    for second in range(1, 130):
        pipeline.post(an_error(NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND)
    over = pipeline.alerts[-1]
    for alert in pipeline.alerts[:-1]:
        assert alert.reason == "count 12 > threshold 10"
    assert (over.status, over.aggregates["count"], over.rule.revision) == ("resolved", 71, 2)
    assert (over.reason, over.ends_at) == ("no window held for 1m", NOON + 2 * MINUTE)


def test_no_data_of_a_group_that_is_gone_for_good_is_an_alarm_until_it_is_forgotten() -> None:
    """Five minutes stand for the day for which it is remembered."""
    window = tumbling(MINUTE, lateness=0)
    rule = a_rule(window=window, no_data="alerting", resolve_after=MINUTE, forget=5 * MINUTE)
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON + SECOND))
    for second in range(2, 600):
        pipeline.tick(NOON + second * SECOND)
    first, *_, over = pipeline.alerts
    assert (first.starts_at, first.reason) == (NOON + 2 * MINUTE, "no data for 1m")
    assert over.ends_at == NOON + 6 * MINUTE
    assert over.reason == "forgotten after 5m without events"


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("count < threshold", "forgotten after 10m without events"),
        ("count > 2 && count < 100", "no data for 10m"),
        ("count * 3.0 < previous.count", "no data for 10m"),
    ],
)
def test_an_alert_that_keeps_its_last_state_ends_with_its_group_whatever_empty_windows_are(
    condition: str, reason: str
) -> None:
    """Ten minutes stand for the day for which a group is remembered."""
    rule = a_rule(
        RuleType.EVENT_COUNT, condition=condition, threshold=5, min_count=0, no_data="keepLast"
    )
    window = tumbling(MINUTE, lateness=0)
    pipeline = Pipeline(msgspec.structs.replace(rule, window=window, forget=10 * MINUTE))
    for second in range(-4, 1_500, 4):
        if 0 <= second < 200:
            pipeline.post(*[an_error(NOON + second * SECOND)] * 2)
        pipeline.tick(NOON + second * SECOND)
    told = [alert for alert in pipeline.alerts if alert.status != "updated"]
    assert [alert.status for alert in told] == ["firing", "resolved"]
    assert (told[1].reason, told[1].ends_at) == (reason, NOON + 18 * MINUTE)


@pytest.mark.parametrize("away", [False, True])
@pytest.mark.parametrize(
    ("seen", "reason", "second"),
    [
        (False, "the group is not expected any more", 290),
        (True, "forgotten after 10m without events", 900),
    ],
)
def test_an_absence_of_a_group_that_is_expected_no_more_is_over_unless_it_was_there(
    *, away: bool, seen: bool, reason: str, second: int
) -> None:
    """Then it is missed like any other, until it is forgotten."""
    rule = a_rule(RuleType.ABSENCE, threshold=None, window=tumbling(MINUTE, 0), forget=10 * MINUTE)
    pipeline = Pipeline(msgspec.structs.replace(rule, expect=(("backup",), ("other",))))
    for at in range(-4, 300, 2):
        if at == 10 and seen:
            pipeline.post(an_error(NOON + at * SECOND, "backup"))
        pipeline.post(an_error(NOON + at * SECOND, "other"))
        pipeline.tick(NOON + at * SECOND)
        if at == 290:
            changed = msgspec.structs.replace(rule, expect=(("other",),), revision=2, updated_at=1)
            pipeline.edit(changed, away=away)
    for at in range(300, 1_500, 2):
        pipeline.post(an_error(NOON + at * SECOND, "other"))
        pipeline.tick(NOON + at * SECOND)
    told = [alert for alert in pipeline.alerts if alert.status != "updated"]
    assert [alert.group["service"] for alert in told] == ["backup", "backup"]
    assert (told[1].reason, told[1].ends_at) == (reason, NOON + second * SECOND)


@pytest.mark.parametrize("forget", [5 * MINUTE, 24 * 60 * MINUTE])
@pytest.mark.parametrize("resolve_after", [MINUTE, 10 * MINUTE])
@pytest.mark.parametrize("back", [True, False])
def test_an_absence_is_over_since_its_group_is_back_or_was_forgotten(
    forget: int, resolve_after: int, *, back: bool
) -> None:
    """However long ago that was by then, and whatever else is remembered of the group."""
    window = tumbling(MINUTE, lateness=0)
    absence = a_rule(
        RuleType.ABSENCE, threshold=None, window=window, forget=5 * MINUTE, match="true"
    )
    other = msgspec.structs.replace(absence, id="r2", forget=forget)
    pipeline = Pipeline(msgspec.structs.replace(absence, resolve_after=resolve_after), other)
    pipeline.post(an_error(NOON + SECOND))
    for second in range(2, 1_100, 2):
        if back and second > 150:
            pipeline.post(an_error(NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND)
    (over,) = [
        alert.reason
        for alert in pipeline.alerts
        if (alert.rule.id, alert.status) == ("r1", "resolved")
    ]
    long = "1m" if resolve_after == MINUTE else "10m"
    assert over == (f"no window held for {long}" if back else "forgotten after 5m without events")


def test_a_silence_among_few_events_is_not_said_to_be_forgotten_when_many_come() -> None:
    window = tumbling(MINUTE, lateness=0)
    few = a_rule(RuleType.EVENT_COUNT, condition="count < threshold", threshold=5, min_count=0)
    rule = msgspec.structs.replace(few, window=window, resolve_after=MINUTE, forget=5 * MINUTE)
    pipeline = Pipeline(rule)
    for second in range(0, 900, 2):
        if second < 100 or second > 400:
            pipeline.post(an_error(NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND)
    told = [(each.status, each.reason) for each in pipeline.alerts if each.status != "updated"]
    assert told == [("firing", "count 0 < threshold 5"), ("resolved", "no window held for 1m")]


@pytest.mark.parametrize("resolve_after", [MINUTE, 10 * MINUTE])
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (RuleType.EVENT_COUNT, {"condition": "count < threshold", "threshold": 5}),
        (RuleType.CARDINALITY, {"condition": "distinct < 4", "value": "host"}),
        (RuleType.LATENCY, {"threshold": 100, "min_count": 1}),
    ],
)
@pytest.mark.parametrize(
    ("last", "dry"), [(180, True), (1_500, False)], ids=["it is gone", "it is well again"]
)
def test_an_alert_that_is_over_for_there_is_nothing_left_says_so(
    kind: RuleType, changes: dict[str, Any], resolve_after: int, last: int, *, dry: bool
) -> None:
    """A service that has died is not well, though no window without events holds."""
    window = tumbling(MINUTE, lateness=0)
    rule = a_rule(kind, **{"threshold": None, **changes}, resolve_after=resolve_after)
    pipeline = Pipeline(msgspec.structs.replace(rule, window=window, match="true"))
    for second in range(0, 1_500, 2):
        at, well = NOON + second * SECOND, not 60 <= second < 180
        if second < last and well:
            pipeline.post(*(an_error(at, host=f"h{host}", response_time=1.0) for host in range(5)))
        elif second < last and second % 40 == 0:
            pipeline.post(an_error(at, host="h0", response_time=900.0))
        pipeline.tick(at)
    told = [alert for alert in pipeline.alerts if alert.status != "updated"]
    assert [alert.status for alert in told] == ["firing", "resolved"]
    long = "1m" if resolve_after == MINUTE else "10m"
    assert told[1].reason == f"{'no more events came: ' if dry else ''}no window held for {long}"


def test_errors_that_came_no_more_are_over_as_one_hopes() -> None:
    pipeline = Pipeline(a_rule(threshold=0))
    pipeline.post(an_error(NOON))
    for second in range(0, 900, 2):
        pipeline.tick(NOON + second * SECOND)
    assert pipeline.alerts[-1].reason == "no window held for 5m"


@pytest.mark.parametrize("condition", ["count > threshold", "errors * 100.0 / total > threshold"])
def test_an_alert_that_its_rule_ends_tells_of_all_that_its_window_held_by_then(
    condition: str,
) -> None:
    """The one fires with the event that crosses, the other when a pane is over."""
    pipeline = Pipeline(a_rule(condition=condition, threshold=5, window=tumbling(5 * MINUTE)))
    pipeline.post(*(an_error(NOON) for _ in range(7)))
    pipeline.tick(NOON + 30 * SECOND)
    pipeline.post(*(an_error(NOON + 31 * SECOND) for _ in range(7)))
    pipeline.change()
    told = [(each.status, each.aggregates["count"], each.events) for each in pipeline.alerts]
    assert (told[0][:2], told[-1]) == (("firing", 7), ("resolved", 14, 14))


def test_an_alert_ends_when_its_rule_asks_for_figures_of_another_kind() -> None:
    """Percentiles are kept elsewhere than sums: its windows would never hold again."""
    average = a_rule(
        RuleType.METRIC,
        value="responseTime",
        condition="avg > threshold",
        threshold=100,
        window=tumbling(5 * MINUTE),
    )
    pipeline = Pipeline(average)
    for second in range(0, 120, 5):
        if second == 60:
            percentile = {"condition": "p95 > threshold", "revision": 2, "updated_at": 1}
            pipeline.change(msgspec.structs.replace(average, **percentile))
        pipeline.post(an_error(NOON + second * SECOND, response_time=500.0))
        pipeline.tick(NOON + second * SECOND)
    told = [(each.status, each.rule.revision) for each in pipeline.alerts]
    assert [each for each in told if each[0] != "updated"] == [
        ("firing", 1),
        ("resolved", 1),
        ("firing", 2),
    ]
    over = next(each for each in pipeline.alerts if each.status == "resolved")
    assert over.reason == "the rule was changed: it starts anew"


def test_an_alert_ends_with_what_it_told_if_its_rule_is_one_that_is_refused_by_now() -> None:
    """A newer version may refuse what an older one has stored."""
    pipeline = Pipeline(a_rule(threshold=5))
    pipeline.post(*(an_error(NOON) for _ in range(7)))
    for bucket in (each for journal in pipeline.journals for each in journal.partition.buckets):
        for alert in bucket.alerts.all_firing():
            alert.rule = msgspec.structs.replace(alert.rule, match="(")
    pipeline.change()
    last = pipeline.alerts[-1]
    assert (last.status, last.reason) == ("resolved", "the rule was deleted")
    assert last.aggregates["count"] == 7
