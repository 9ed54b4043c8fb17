"""The types of rule: what each must say, may say and cannot say, and what the engine is told."""

from typing import Any

import pytest

from alert_contracts.rules import Rule, RuleType, TimeInterval, TimeRange
from api_gateway.domain.rule_document import Problem
from api_gateway.domain.rule_resolve import resolve
from api_gateway.domain.rule_review import review
from api_gateway.domain.rule_show import show
from api_gateway.domain.rules import StoredRule, own_fields

LEAST: dict[RuleType, dict[str, Any]] = {
    RuleType.ERROR_THRESHOLD: {"threshold": 100},
    RuleType.LATENCY: {"threshold": 1000},
    RuleType.ERROR_RATE: {"threshold": 5},
    RuleType.SERVER_ERROR: {"threshold": 25},
    RuleType.EVENT_COUNT: {"match": 'message.contains("declined")', "threshold": 5},
    RuleType.METRIC: {"value": "attributes.depth", "condition": "max > threshold", "threshold": 9},
    RuleType.MATCH: {"match": 'level == "FATAL"'},
    RuleType.ABSENCE: {},
    RuleType.SPIKE: {"factor": 3},
    RuleType.CARDINALITY: {"value": "attributes.user", "threshold": 20},
    RuleType.NEW_TERM: {"value": "attributes.country"},
    RuleType.CHANGE: {"value": "attributes.version"},
}


def sent(kind: RuleType, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return the least that a rule of a type says, and changes; None takes away."""
    rule = {"name": "A rule", "type": kind.value, "severity": "HIGH", **LEAST[kind], **changes}
    return own_fields(rule)


def problems(kind: RuleType, **changes: Any) -> list[Problem]:  # noqa: ANN401 - any JSON
    """Return what is wrong with a rule of a type."""
    rule = sent(kind, **changes)
    return review(rule, tenant="default", check_template=lambda _text, _alert: None)


def resolved(kind: RuleType, **changes: Any) -> Rule:  # noqa: ANN401 - any JSON
    """Return the sound rule of a type as the engine is told."""
    assert problems(kind, **changes) == []
    return resolve(StoredRule("default", "r", 1, sent(kind, **changes), 0, 0))


@pytest.mark.parametrize("kind", RuleType)
def test_a_rule_that_says_the_least_is_sound(kind: RuleType) -> None:
    rule = resolved(kind)
    assert rule.type is kind
    assert rule.match
    assert rule.condition


@pytest.mark.parametrize("kind", RuleType)
def test_what_is_shown_of_a_rule_can_be_sent_back(kind: RuleType) -> None:
    rule = StoredRule("default", "r", 1, sent(kind), 0, 0)
    shown = own_fields(show(rule))
    assert review(shown, tenant="default", check_template=lambda _text, _alert: None) == []
    assert resolve(StoredRule("default", "r", 1, shown, 0, 0)) == resolve(rule)


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (RuleType.ERROR_THRESHOLD, "threshold"),
        (RuleType.EVENT_COUNT, "match"),
        (RuleType.METRIC, "value"),
        (RuleType.METRIC, "condition"),
        (RuleType.MATCH, "match"),
        (RuleType.SPIKE, "factor"),
        (RuleType.CARDINALITY, "value"),
        (RuleType.CARDINALITY, "threshold"),
        (RuleType.NEW_TERM, "value"),
        (RuleType.CHANGE, "value"),
    ],
)
def test_what_a_type_needs_is_required(kind: RuleType, field: str) -> None:
    changes = {field: None, "threshold": None} if field == "condition" else {field: None}
    (problem,) = problems(kind, **changes)
    assert problem.pointer == f"/{field}"
    assert problem.reason.startswith("is required")


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (
            RuleType.ERROR_THRESHOLD,
            {"expect": ["a"]},
            "is not for ERROR_THRESHOLD: it is",
        ),
        (RuleType.EVENT_COUNT, {"forget": "1h"}, "it is for ABSENCE"),
        (RuleType.MATCH, {"remember": "1d"}, "it is for CHANGE, NEW_TERM"),
        (RuleType.METRIC, {"factor": 2}, "it is for SPIKE"),
        (RuleType.LATENCY, {"direction": "up"}, "it is for SPIKE"),
        (RuleType.ERROR_RATE, {"minReference": 1}, "it is for SPIKE"),
        (RuleType.NEW_TERM, {"blacklist": ["a"]}, "it is for MATCH"),
        (RuleType.CHANGE, {"whitelist": ["a"]}, "it is for MATCH"),
        (RuleType.MATCH, {"condition": "count > 5"}, "EVENT_COUNT has conditions"),
        (RuleType.MATCH, {"for": "1m"}, "every event that matches fires at once"),
        (RuleType.MATCH, {"minCount": 2}, "decides by itself"),
        (RuleType.ABSENCE, {"minCount": 1}, "decides by itself"),
        (RuleType.ABSENCE, {"noData": "alerting"}, "what its type says"),
        (RuleType.NEW_TERM, {"noData": "keepLast"}, "what its type says"),
        (
            RuleType.ABSENCE,
            {"threshold": 5},
            "is not read by the condition of the type, `count == ",
        ),
        (RuleType.MATCH, {"threshold": 5}, "is not read"),
        (RuleType.MATCH, {"value": "service"}, "is not looked at without a blacklist"),
    ],
)
def test_what_a_type_has_no_use_for_is_refused(
    kind: RuleType, changes: dict[str, Any], reason: str
) -> None:
    (problem,) = problems(kind, **changes)
    assert problem.pointer == f"/{next(iter(changes))}"
    assert reason in problem.reason


@pytest.mark.parametrize("kind", RuleType)
def test_what_changes_nothing_may_be_said_of_every_type(kind: RuleType) -> None:
    assert problems(kind, noData="ok", **{"for": "0s"}) == []


def test_the_engine_is_told_how_long_things_hold() -> None:
    rule = resolved(
        RuleType.ERROR_THRESHOLD,
        keepFiringFor="1h",
        resolveAfter="90s",
        noData="alerting",
        **{"for": "2m30s"},
    )
    assert (rule.hold, rule.keep_firing_for, rule.resolve_after) == (150_000, 3_600_000, 90_000)
    assert rule.no_data == "alerting"


def test_an_absence_expects_groups_and_forgets() -> None:
    rule = resolved(
        RuleType.ABSENCE,
        groupBy=["service", "attributes.region"],
        expect=[["shop", "eu"], ["shop", "us"], ["shop", "eu"]],
        forget="2d",
    )
    assert rule.expect == (("shop", "eu"), ("shop", "us"))
    assert (rule.forget, rule.min_count, rule.condition) == (172_800_000, 0, "count == 0")
    assert resolved(RuleType.ABSENCE, expect=["shop"]).expect == (("shop",),)
    assert resolved(RuleType.ABSENCE, groupBy=[], expect=[[]]).expect == ((),)
    assert resolved(RuleType.ABSENCE).forget == 86_400_000


@pytest.mark.parametrize(
    ("changes", "pointer", "reason"),
    [
        ({"expect": [5]}, "/expect/0", "must be a text, or a list of texts"),
        ({"expect": ["a", ["b", 5]]}, "/expect/1", "must be a text, or a list of texts"),
        ({"expect": ["a", ["b", "c"]]}, "/expect/1", "has 2 texts, but groupBy 1 fields"),
        ({"expect": ["a"], "groupBy": []}, "/expect/0", "has 1 texts, but groupBy 0 fields"),
        ({"expect": ["a"] * 1001}, "/expect", "should have at most 1000 items"),
        ({"expect": {}}, "/expect", "should be a valid"),
        ({"expect": ["a"], "groupBy": 5}, "/groupBy", "should be a valid"),
        ({"forget": "5m"}, "/forget", "is no longer than the window"),
        ({"forget": "9m", "window": {"size": "10m"}}, "/forget", "is no longer than the window"),
        ({"forget": "100d"}, "/forget", "lies outside 1s to 90d"),
        ({"forget": "9m", "windowMinutes": "x"}, "/windowMinutes", "should be a valid integer"),
        ({"condition": "count > 3"}, "/condition", "does not hold for a window without events"),
        (
            {"condition": "count > threshold", "threshold": 3},
            "/condition",
            "does not hold for a window without events",
        ),
        ({"condition": "count < threshold"}, "/threshold", "is required"),
        ({"condition": "count < threshold", "threshold": "x"}, "/threshold", "should be a valid"),
    ],
)
def test_an_absence_says_what_is_wrong(changes: dict[str, Any], pointer: str, reason: str) -> None:
    (problem,) = problems(RuleType.ABSENCE, **changes)
    assert problem.pointer == pointer
    assert reason in problem.reason


def test_an_absence_may_be_of_most_events_or_after_there_were_some() -> None:
    assert problems(RuleType.ABSENCE, condition="count < threshold", threshold=5) == []
    assert problems(RuleType.ABSENCE, condition="count == 0 && previous.count > 10.0") == []


def test_a_spike_has_a_factor_a_direction_and_a_floor() -> None:
    rule = resolved(RuleType.SPIKE)
    assert (rule.factor, rule.direction, rule.min_reference) == (3.0, "up", 10)
    assert rule.condition == "count > previous.count * factor"
    down = resolved(RuleType.SPIKE, direction="down", minReference=0)
    assert (down.condition, down.min_reference) == ("count * factor < previous.count", 0)
    said = resolved(RuleType.SPIKE, condition=down.condition)
    assert said.direction == "down"
    own = resolved(RuleType.SPIKE, condition="count - previous.count > 100.0", factor=None)
    assert (own.factor, own.direction) == (None, "up")


@pytest.mark.parametrize(
    ("changes", "pointer", "reason"),
    [
        ({"factor": 0.5}, "/factor", "greater than or equal to 1"),
        ({"factor": None}, "/factor", "is required: the condition"),
        ({"direction": "sideways"}, "/direction", "must be one of up, down, both"),
        ({"direction": 5}, "/direction", "must be one of up, down, both"),
        ({"minReference": -1}, "/minReference", "greater than or equal to 0"),
        (
            {"direction": "down", "condition": "count > previous.count * factor"},
            "/direction",
            "is not what the condition",
        ),
        ({"condition": "count > factor"}, "/condition", "a SPIKE compares with `previous`"),
        ({"condition": "previous.avg > 5.0"}, "/value", "is required: the condition uses avg"),
    ],
)
def test_a_spike_says_what_is_wrong(changes: dict[str, Any], pointer: str, reason: str) -> None:
    (problem,) = problems(RuleType.SPIKE, **changes)
    assert problem.pointer == pointer
    assert reason in problem.reason


@pytest.mark.parametrize(
    ("kind", "condition", "reason"),
    [
        (RuleType.CARDINALITY, "avg > threshold", "a window of CARDINALITY has no avg"),
        (RuleType.NEW_TERM, "p95 > 5.0", "a window of NEW_TERM has no p95"),
        (RuleType.CHANGE, "sum > 5.0", "a window of CHANGE has no sum"),
        (RuleType.METRIC, "distinct > threshold", "only CARDINALITY counts `distinct` values"),
        (RuleType.EVENT_COUNT, "previous.distinct > threshold", "only CARDINALITY counts"),
    ],
)
def test_a_condition_reads_what_windows_of_the_type_have(
    kind: RuleType, condition: str, reason: str
) -> None:
    (problem,) = problems(kind, condition=condition)
    assert (problem.pointer, reason in problem.reason) == ("/condition", True)


def test_a_factor_is_for_spikes() -> None:
    found = problems(RuleType.EVENT_COUNT, condition="count > threshold * factor")
    assert {problem.pointer for problem in found} == {"/condition", "/factor"}


def test_the_window_before_may_be_read_by_every_type_that_has_a_condition() -> None:
    rule = resolved(RuleType.EVENT_COUNT, condition="count > previous.count + threshold")
    assert rule.condition == "count > previous.count + threshold"


def test_few_and_many_distinct_values_may_fire() -> None:
    assert resolved(RuleType.CARDINALITY).condition == "distinct > threshold"
    few = resolved(RuleType.CARDINALITY, condition="distinct < threshold")
    assert few.value == "attributes.user"


@pytest.mark.parametrize("kind", [RuleType.CARDINALITY, RuleType.NEW_TERM, RuleType.CHANGE])
def test_a_value_that_is_compared_may_be_a_text(kind: RuleType) -> None:
    assert resolved(kind, value="service + host").value == "service + host"
    assert resolved(kind, value="statusCode").value == "statusCode"


def test_a_value_that_is_added_up_is_a_number() -> None:
    (problem,) = problems(RuleType.METRIC, value="service")
    assert (problem.pointer, problem.line, problem.column) == ("/value", 1, 1)


def test_a_new_term_is_remembered() -> None:
    assert resolved(RuleType.NEW_TERM).remember == 30 * 86_400_000
    assert resolved(RuleType.NEW_TERM, remember="7d").remember == 7 * 86_400_000
    assert resolved(RuleType.CHANGE, remember="1h").remember == 3_600_000


def test_a_match_has_lists_of_texts() -> None:
    lists = {"blacklist": [500, "502", 500], "whitelist": ["x", True, False]}
    rule = resolved(RuleType.MATCH, value="statusCode", **lists)
    assert (rule.blacklist, rule.whitelist) == (("500", "502"), ("x", "true", "false"))
    assert (rule.condition, rule.value) == ("count > 0", "statusCode")


@pytest.mark.parametrize(
    ("changes", "pointer", "reason"),
    [
        ({"blacklist": ["a"]}, "/value", "is required: it is what the blacklist is about"),
        ({"value": "host", "whitelist": []}, "/whitelist", "should have at least 1 item"),
        ({"value": "host", "whitelist": [1.5]}, "/whitelist/0", "should be a valid string"),
        ({"value": "host", "whitelist": ["x" * 257]}, "/whitelist/0", "at most 256 characters"),
        ({"value": "host", "blacklist": ["x"] * 10_001}, "/blacklist", "at most 10000 items"),
    ],
)
def test_lists_say_what_is_wrong(changes: dict[str, Any], pointer: str, reason: str) -> None:
    (problem,) = problems(RuleType.MATCH, **changes)
    assert problem.pointer == pointer
    assert reason in problem.reason


OFFICE = {"times": [{"startTime": "09:00", "endTime": "17:00"}], "weekdays": ["monday:friday"]}


def test_a_rule_has_times_in_which_it_may_fire() -> None:
    rule = resolved(
        RuleType.EVENT_COUNT,
        activeTime=[OFFICE, {"days_of_month": ["-1"], "months": [12], "years": [2026]}],
    )
    assert rule.active_time == (
        TimeInterval(times=(TimeRange("09:00", "17:00"),), weekdays=("monday:friday",)),
        TimeInterval(days_of_month=("-1",), months=("12",), years=("2026",)),
    )


def test_one_interval_needs_no_list_and_names_may_be_as_in_an_alertmanager_file() -> None:
    alone = {"times": [{"start_time": "22:00", "end_time": "24:00"}], "location": "Europe/Berlin"}
    assert resolved(RuleType.MATCH, activeTime=alone).active_time == (
        TimeInterval(times=(TimeRange("22:00", "24:00"),), location="Europe/Berlin"),
    )


@pytest.mark.parametrize(
    ("given", "pointer", "reason"),
    [
        ([{"weekdays": ["fryday"]}], "/activeTime/0/weekdays/0", "did you mean friday?"),
        ([{}, {"daysOfMonth": ["1", "32"]}], "/activeTime/1/daysOfMonth/1", "32 is no day"),
        ([{"days_of_month": ["x"]}], "/activeTime/0/days_of_month/0", "'x' is no day of the month"),
        ([{"location": "Europe/Berlen"}], "/activeTime/0/location", "did you mean Europe/Berlin?"),
        (
            [{"times": [{"startTime": "10:00", "endTime": "9:00"}]}],
            "/activeTime/0/times/0",
            "'9:00' is no time of day",
        ),
        ([{"weekday": []}], "/activeTime/0/weekday", "did you mean weekdays?"),
        (
            [{"times": [{"startTime": "10:00", "end": "11:00", "endTime": "11:00"}]}],
            "/activeTime/0/times/0/end",
            "did you mean endTime?",
        ),
        ([{"years": [True]}], "/activeTime/0/years/0", "'true' is no year"),
        ([{"years": [1.5]}], "/activeTime/0/years/0", "should be a valid string"),
        ("office", "/activeTime", "should be a valid"),
        ([{}] * 17, "/activeTime", "should have at most 16 items"),
    ],
)
def test_a_time_that_is_none_says_where_and_why(given: Any, pointer: str, reason: str) -> None:  # noqa: ANN401 - any JSON
    (problem,) = problems(RuleType.EVENT_COUNT, activeTime=given)
    assert problem.pointer == pointer
    assert reason in problem.reason


def test_everything_is_told_at_once_whatever_part_it_is_of() -> None:
    found = problems(
        RuleType.SPIKE,
        factor=None,
        severity="x",
        expect=["a"],
        window={"size": "5m", "kind": "hopping"},
        activeTime=[{"years": ["x"]}],
        match="level ==",
    )
    assert {problem.pointer for problem in found} == {
        *("/factor", "/severity", "/expect", "/window/step", "/activeTime/0/years/0", "/match"),
    }
