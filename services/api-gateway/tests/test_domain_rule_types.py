"""The types of rule: what each must say, may say and cannot say, and what the engine is told."""

from typing import Any

import pytest

from alert_contracts.rules import RuleType
from api_gateway.domain.rule_resolve import resolve
from api_gateway.domain.rule_review import review
from api_gateway.domain.rule_show import show
from api_gateway.domain.rules import StoredRule, own_fields
from api_gateway.testing.rules import problems, resolved, sent


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
        (RuleType.MATCH, {"for": "1m"}, "each of its events fires at once, and none lasts"),
        (RuleType.NEW_TERM, {"for": "30s"}, "each of its events fires at once, and none lasts"),
        (RuleType.CHANGE, {"for": "30s"}, "each of its events fires at once, and none lasts"),
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
        ({"value": "host", "whitelist": []}, "/whitelist", "should have at least 1 item, not 0"),
        ({"value": "host", "whitelist": [[1]]}, "/whitelist/0", "should be a valid string"),
        ({"value": "host", "whitelist": ["x" * 257]}, "/whitelist/0", "at most 256 characters"),
        ({"value": "host", "blacklist": ["x"] * 10_001}, "/blacklist", "at most 10000 items"),
    ],
)
def test_lists_say_what_is_wrong(changes: dict[str, Any], pointer: str, reason: str) -> None:
    (problem,) = problems(RuleType.MATCH, **changes)
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
