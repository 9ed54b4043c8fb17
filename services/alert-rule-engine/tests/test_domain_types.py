"""What each type of rule says of a stream of events."""

from typing import Any

import msgspec
import pytest

from alert_contracts.rules import SPIKES, Rule, RuleType, Window
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def run(pipeline: Pipeline, until: int, *, since: int = 0, every: int = 1) -> None:
    """Let stage one tick from one second after noon until another."""
    for second in range(since, until + 1, every):
        pipeline.tick(NOON + second * SECOND)


def told(pipeline: Pipeline) -> list[tuple[str, int]]:
    """What was said, and in which second after noon its window ends."""
    return [(alert.status, (alert.window.end - NOON) // SECOND) for alert in pipeline.alerts]


# METRIC


def test_a_metric_is_judged_by_whatever_figure_its_condition_names() -> None:
    rule = a_rule(
        RuleType.METRIC,
        value="double(attributes.queue)",
        condition="max > threshold && avg > 2.0",
        threshold=10,
        window=tumbling(MINUTE),
    )
    pipeline = Pipeline(rule)
    pipeline.post(an_error(attributes={"queue": 12}), an_error(attributes={"queue": 1}))
    run(pipeline, 15)
    (alert,) = pipeline.alerts
    assert alert.reason == "max 12 > threshold 10 && avg 6.50 > 2.0"
    assert alert.aggregates["sum"] == 13


# MATCH


def test_a_match_fires_at_its_first_event() -> None:
    pipeline = Pipeline(a_rule(RuleType.MATCH, match='message.contains("panic")'))
    pipeline.post(an_error(), an_error(message="kernel panic"))
    assert pipeline.said() == ["firing pay 1"]
    assert pipeline.alerts[0].reason == "1 event matches"
    pipeline.post(an_error(message="panic"), an_error(message="panic"))
    run(pipeline, 12)
    assert pipeline.alerts[-1].reason == "3 events match"


@pytest.mark.parametrize(
    ("lists", "hosts"),
    [
        ({"blacklist": ("bad", "worse")}, {"bad", "worse"}),
        ({"whitelist": ("good", "fine")}, {"bad", "worse"}),
    ],
)
def test_a_match_may_go_by_a_list_of_values(lists: dict[str, Any], hosts: set[str]) -> None:
    rule = a_rule(RuleType.MATCH, match="true", value="host", group_by=("host",), **lists)
    pipeline = Pipeline(rule)
    pipeline.post(*(an_error(host=name) for name in ("good", "fine", "bad", "worse")), an_error())
    assert {alert.group["host"] for alert in pipeline.alerts} == hosts


# ABSENCE


def absence(**changes: Any) -> Pipeline:  # noqa: ANN401
    quiet = {"threshold": None, "resolve_after": MINUTE}
    defaults = {"window": tumbling(MINUTE, lateness=0), **quiet}
    return Pipeline(a_rule(RuleType.ABSENCE, **{**defaults, **changes}))


def test_a_group_that_falls_silent_for_a_window_is_absent_until_it_is_back() -> None:
    pipeline = absence()
    run(pipeline, 0)
    pipeline.post(an_error(NOON + 5 * SECOND))
    run(pipeline, 100)
    assert pipeline.alerts == []
    run(pipeline, 130, since=101)
    (alert,) = pipeline.alerts
    assert (alert.reason, alert.group) == ("no events for 1m", {"service": "pay"})
    assert told(pipeline) == [("firing", 120)]
    assert alert.starts_at <= NOON + 122 * SECOND
    run(pipeline, 149, since=131)
    pipeline.post(an_error(NOON + 150 * SECOND))
    run(pipeline, 199, since=150)
    pipeline.post(an_error(NOON + 200 * SECOND))
    run(pipeline, 242, since=200)
    assert told(pipeline) == [("firing", 120), ("resolved", 120)]


def test_an_absence_goes_on_as_long_as_it_lasts() -> None:
    pipeline = absence()
    run(pipeline, 0)
    pipeline.post(an_error(NOON + 5 * SECOND))
    run(pipeline, 250)
    assert told(pipeline) == [("firing", 120), ("updated", 180), ("updated", 240)]
    assert len({alert.id for alert in pipeline.alerts}) == 1


def test_a_sliding_absence_is_noticed_as_soon_as_the_window_is_empty() -> None:
    pipeline = absence(window=Window("sliding", MINUTE, 10 * SECOND, 0))
    run(pipeline, 0)
    pipeline.post(an_error(NOON + 5 * SECOND))
    run(pipeline, 71)
    assert pipeline.alerts == []
    run(pipeline, 72, since=72)
    assert told(pipeline) == [("firing", 70)]


def test_a_group_that_was_never_seen_is_not_missed_unless_it_is_expected() -> None:
    pipeline = absence(expect=(("pay",), ("shop",)))
    pipeline.change(*(each.rule for each in pipeline.book.rules.values()))
    run(pipeline, 70)
    assert sorted(alert.group["service"] for alert in pipeline.alerts) == ["pay", "shop"]
    assert told(pipeline) == [("firing", 60)] * 2


def test_a_gap_in_our_own_sight_is_no_absence() -> None:
    pipeline = absence()
    run(pipeline, 0)
    pipeline.post(an_error(NOON + 5 * SECOND))
    run(pipeline, 30)
    # Then nobody looked for half an hour.
    run(pipeline, 1_870, since=1_801)
    assert pipeline.alerts == []
    run(pipeline, 1_922, since=1_871)
    assert told(pipeline) == [("firing", 1_920)]


def test_a_group_that_was_silent_for_long_is_forgotten() -> None:
    pipeline = absence(forget=3 * MINUTE)
    run(pipeline, 0)
    pipeline.post(an_error(NOON + 5 * SECOND))
    run(pipeline, 900)
    assert [alert.status for alert in pipeline.alerts][-1] == "resolved"
    ends = {second for status, second in told(pipeline) if status != "resolved"}
    assert max(ends) <= 240
    pipeline.post(an_error(NOON + 901 * SECOND))
    run(pipeline, 1_050, since=902)
    assert told(pipeline)[-1] == ("firing", 1_020)


@pytest.mark.parametrize("crashing", [False, True])
@pytest.mark.parametrize(
    "sibling",
    [
        a_rule(RuleType.SPIKE, id="other", window=tumbling(MINUTE, 0), threshold=None, factor=3.0),
        a_rule(RuleType.EVENT_COUNT, id="other", window=tumbling(MINUTE, 0), no_data="alerting"),
        a_rule(RuleType.ABSENCE, id="other", window=tumbling(MINUTE, 0), forget=90 * DAY),
        a_rule(RuleType.ABSENCE, id="other", window=tumbling(MINUTE, 0), forget=61 * SECOND),
    ],
    ids=["spike", "no data", "forgets later", "forgets sooner"],
)
def test_an_absence_is_told_the_same_whoever_else_counts_the_same(
    sibling: Rule,
    crashing: bool,  # noqa: FBT001
) -> None:
    quiet = tumbling(MINUTE, lateness=0)
    rule = a_rule(RuleType.ABSENCE, threshold=None, window=quiet, forget=5 * MINUTE)
    alone, beside = Pipeline(rule), Pipeline(rule, sibling)
    for pipeline in (alone, beside):
        for second in range(0, 20 * 60, 4):
            if second < 10 * 60:
                pipeline.post(an_error(NOON + second * SECOND))
            pipeline.tick(NOON + second * SECOND)
            if crashing and second % 100 == 0:
                pipeline.flush()
                pipeline.crash()
    both = [
        [(each.status, each.window.end) for each in pipeline.alerts if each.rule.id == rule.id]
        for pipeline in (alone, beside)
    ]
    assert both[0] == both[1]
    assert both[0][0] == ("firing", NOON + 11 * MINUTE)


def test_who_is_to_be_forgotten_later_is_still_known() -> None:
    pipeline = absence(forget=3 * MINUTE)
    run(pipeline, 0)
    pipeline.post(an_error(NOON + 5 * SECOND))
    run(pipeline, 90)
    (rule,) = (each.rule for each in pipeline.book.rules.values())
    pipeline.change(msgspec.structs.replace(rule, forget=HOUR, revision=2))
    run(pipeline, 600, since=91)
    assert told(pipeline)[-1] == ("updated", 540)


def test_a_rule_that_comes_later_knows_the_groups_that_others_count() -> None:
    window = tumbling(MINUTE, lateness=0)
    known = a_rule(RuleType.EVENT_COUNT, id="other", match="true", window=window)
    late = a_rule(RuleType.ABSENCE, threshold=None, window=window, resolve_after=MINUTE)
    pipeline = Pipeline(known)
    run(pipeline, 0)
    pipeline.post(an_error(NOON + 5 * SECOND))
    pipeline.change(known, late)
    pipeline.flush()
    pipeline.crash()
    run(pipeline, 122)
    assert told(pipeline) == [("firing", 120)]


def test_a_restart_makes_nobody_absent_and_forgets_nobody() -> None:
    pipeline = absence()
    run(pipeline, 0)
    pipeline.post(an_error(NOON + 5 * SECOND))
    for second in range(1, 122):
        pipeline.tick(NOON + second * SECOND)
        if second % 20 == 0:
            pipeline.flush()
            pipeline.crash()
    assert pipeline.alerts == []
    pipeline.tick(NOON + 122 * SECOND)
    assert told(pipeline) == [("firing", 120)]


# SPIKE


def spike(**changes: Any) -> Pipeline:  # noqa: ANN401
    defaults = {"window": tumbling(MINUTE, lateness=0), "threshold": None, "factor": 3.0}
    return Pipeline(a_rule(RuleType.SPIKE, **{**defaults, **changes}))


def load(pipeline: Pipeline, *counts: int, start: int = 0) -> None:
    """Post so many events in the middle of each minute, and tick until its end is settled."""
    for number, count in enumerate(counts, start):
        at = number * 60
        run(pipeline, at + 30, since=at)
        if count:
            pipeline.post(*(an_error(NOON + (at + 31) * SECOND) for _ in range(count)))
        run(pipeline, at + 60, since=at + 32)
    run(pipeline, 60 * (start + len(counts)) + 3, since=60 * (start + len(counts)))


def test_a_spike_is_a_multiple_of_the_window_before() -> None:
    pipeline = spike()
    load(pipeline, 10, 10, 31)
    alert = pipeline.alerts[0]
    assert alert.reason == "count 31 > previous.count 10 * factor 3"
    assert (alert.aggregates["count"], alert.aggregates["previous.count"]) == (31, 10)
    assert told(pipeline) == [("firing", 180)]


def test_what_is_exactly_the_multiple_is_no_spike() -> None:
    pipeline = spike()
    load(pipeline, 10, 10, 30)
    assert pipeline.alerts == []


def test_there_is_no_spike_before_a_group_has_had_a_whole_window_to_compare() -> None:
    pipeline = spike()
    load(pipeline, 1, 100)
    assert pipeline.alerts == []
    load(pipeline, 1_000, start=2)
    assert told(pipeline)[0] == ("firing", 180)


def test_too_small_a_window_before_is_not_compared() -> None:
    pipeline = spike(min_reference=11)
    load(pipeline, 10, 10, 100)
    assert pipeline.alerts == []


def test_a_spike_down_is_told_at_the_end_of_the_window_also_of_an_empty_one() -> None:
    pipeline = spike(direction="down", condition=SPIKES["down"])
    load(pipeline, 10, 10, 10)
    assert pipeline.alerts == []
    load(pipeline, 0, start=3)
    (alert,) = pipeline.alerts
    assert alert.reason == "count 0 * factor 3 < previous.count 10"


def test_a_spike_goes_both_ways_if_asked() -> None:
    pipeline = spike(direction="both", condition=SPIKES["both"], resolve_after=0)
    load(pipeline, 10, 10, 40, 20, 6)
    fired = [alert for alert in pipeline.alerts if alert.status == "firing"]
    assert [(alert.window.end - NOON) // SECOND for alert in fired] == [180, 300]
    assert [alert.reason for alert in fired] == [
        "count 40 > previous.count 10 * factor 3",
        "count 6 * factor 3 < previous.count 20",
    ]


# CARDINALITY


def test_distinct_values_are_counted_as_they_come() -> None:
    rule = a_rule(RuleType.CARDINALITY, value="host", threshold=2, window=tumbling(MINUTE))
    pipeline = Pipeline(rule)
    pipeline.post(*(an_error(host=name) for name in "aabb"))
    assert pipeline.alerts == []
    pipeline.post(an_error(host="c"), an_error(host="a"))
    (alert,) = pipeline.alerts
    assert alert.reason == "distinct 3 > threshold 2"


@pytest.mark.parametrize("many", [3, 2_000])
def test_distinct_values_survive_a_restart(many: int) -> None:
    rule = a_rule(RuleType.CARDINALITY, value="host", threshold=many, window=tumbling(MINUTE))
    pipeline = Pipeline(rule)
    pipeline.post(*(an_error(host=f"h{number}") for number in range(many - many // 20)))
    pipeline.flush()
    pipeline.crash()
    assert pipeline.alerts == []
    pipeline.post(*(an_error(host=f"h{number}") for number in range(many + many // 20 + 1)))
    assert len(pipeline.alerts) == 1


def test_too_few_distinct_values_are_told_at_the_end_of_the_window() -> None:
    rule = a_rule(
        RuleType.CARDINALITY,
        value="host",
        condition="distinct < threshold",
        threshold=2,
        window=tumbling(MINUTE, lateness=0),
    )
    pipeline = Pipeline(rule)
    pipeline.post(an_error(host="a"), an_error(host="a"))
    run(pipeline, 61)
    assert pipeline.alerts == []
    run(pipeline, 62, since=62)
    assert [alert.reason for alert in pipeline.alerts] == ["distinct 1 < threshold 2"]


# NEW_TERM


@pytest.mark.parametrize(
    ("kind", "value"), [(RuleType.NEW_TERM, "host"), (RuleType.CHANGE, "host")]
)
def test_values_of_groups_without_room_are_counted_as_surplus(kind: RuleType, value: str) -> None:
    rule = a_rule(kind, value=value, threshold=None, max_groups=1)
    pipeline = Pipeline(rule)
    applied = pipeline.post(an_error(service="a", host="x"), an_error(service="b", host="y"))
    assert sum(each.losses.surplus for each in applied) == 1
    assert [alert.labels["alertname"] for alert in pipeline.alerts] == ["A rule: too many groups"]


def test_a_new_value_fires_once_the_first_window_of_its_group_is_over() -> None:
    rule = a_rule(
        RuleType.NEW_TERM, value="host", threshold=None, window=tumbling(MINUTE, lateness=0)
    )
    pipeline = Pipeline(rule)
    pipeline.post(an_error(host="a"), an_error(host="b"))
    run(pipeline, 61)
    pipeline.post(an_error(NOON + 61 * SECOND, host="a"))
    assert pipeline.alerts == []
    pipeline.post(*(an_error(NOON + 62 * SECOND, host="c") for _ in range(3)))
    (alert,) = pipeline.alerts
    assert (alert.reason, alert.found) == ("new value 'c'", {"value": "c"})
    assert alert.aggregates["count"] == 1
    pipeline.flush()
    pipeline.crash()
    pipeline.post(an_error(NOON + 63 * SECOND, host="c"))
    assert len(pipeline.alerts) == 1


# CHANGE


def test_a_value_that_becomes_another_fires_and_says_both() -> None:
    rule = a_rule(
        RuleType.CHANGE,
        value="attributes.version",
        threshold=None,
        window=tumbling(MINUTE, lateness=0),
    )
    pipeline = Pipeline(rule)
    pipeline.post(*(an_error(attributes={"version": "v1"}) for _ in range(2)))
    assert pipeline.alerts == []
    pipeline.post(an_error(NOON + 1, attributes={"version": "v2"}))
    (alert,) = pipeline.alerts
    assert (alert.reason, alert.found) == ("'v1' became 'v2'", {"old": "v1", "new": "v2"})
    run(pipeline, 70)
    pipeline.post(an_error(NOON + 71 * SECOND, attributes={"version": "v3"}))
    run(pipeline, 82, since=71)
    assert pipeline.alerts[-1].found == {"old": "v2", "new": "v3"}


def changing(size: int = MINUTE, **changes: Any) -> Pipeline:  # noqa: ANN401
    window = tumbling(size, lateness=0)
    return Pipeline(a_rule(RuleType.CHANGE, value="host", threshold=None, window=window, **changes))


def test_what_changed_just_before_the_end_is_told_before_it() -> None:
    pipeline = changing(3 * SECOND, resolve_after=3 * SECOND)
    for second, host in enumerate("abc"):
        pipeline.post(an_error(NOON + second * SECOND, host=host))
    run(pipeline, 12, since=2)
    told = [(alert.status, alert.sequence, alert.found["new"]) for alert in pipeline.alerts]
    assert told == [("firing", 1, "b"), ("updated", 2, "c"), ("resolved", 3, "c")]
    assert pipeline.alerts[1].reason == "'b' became 'c'"


def test_one_clock_that_is_ahead_hides_no_change() -> None:
    pipeline = changing()
    ahead = an_error(NOON + 500 * SECOND, host="a")
    pipeline.post(an_error(host="a"), ahead, accepted=NOON + SECOND)
    for second, host in ((10, "b"), (20, "a")):
        pipeline.post(an_error(NOON + second * SECOND, host=host))
    assert [alert.found for alert in pipeline.alerts][:1] == [{"old": "a", "new": "b"}]
    assert pipeline.said() == ["firing pay 1", "updated pay 2"]


def test_values_that_come_after_newer_ones_are_counted_as_late() -> None:
    pipeline = changing()
    pipeline.post(an_error(NOON + 5 * SECOND, host="a"))
    pipeline.post(an_error(NOON + 3 * SECOND, host="b"), an_error(NOON + 4 * SECOND, host="b"))
    vectors = [journal.partition.vector for journal in pipeline.journals]
    late = [tally.late for vector in vectors for tally in vector.tallies.values()]
    assert (pipeline.alerts, sum(late)) == ([], 1)
