"""Rules as written: each wrong field is named, with its reason, all at once."""

from typing import Any

import pytest

from api_gateway.domain.rule_document import Problem
from api_gateway.domain.rule_review import review
from api_gateway.testing import plain_rule


def refuse_braces(text: str, _alert: object) -> str | None:
    """Stand in for the check of templates."""
    return "is no template" if "{{ " in text and "}}" not in text else None


def problems(**changes: Any) -> list[Problem]:  # noqa: ANN401 - any JSON
    """Return what is wrong with a rule."""
    sent = {name: value for name, value in plain_rule(**changes).items() if value is not None}
    return review(sent, tenant="default", check_template=refuse_braces)


def only(**changes: Any) -> tuple[str, str]:  # noqa: ANN401 - any JSON
    """Return pointer and reason of the one problem."""
    (problem,) = problems(**changes)
    return problem.pointer, problem.reason


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"type": "LATENCY", "condition": None, "windowMinutes": None},
        {"type": "ERROR_RATE", "condition": None, "threshold": 2.5},
        {"type": "SERVER_ERROR", "condition": None},
        {"type": "EVENT_COUNT", "match": 'message.contains("x")'},
        {"condition": "count > 5", "threshold": None},
        {"value": "responseTime", "condition": "avg > threshold && p99 > 5.0"},
        {"windowMinutes": None, "window": {"size": "90s", "kind": "sliding", "step": "10s"}},
        {"windowMinutes": None, "window": {"size": "90s", "step": "1m30s"}},
        {"windowMinutes": None, "window": {"size": "90s", "allowedLateness": "0s"}},
        {"windowMinutes": None, "window": {"size": "90s", "kind": "hopping", "step": "30s"}},
        {"for": "2m", "keepFiringFor": "1h", "noData": "keepLast", "minCount": 0},
        {"groupBy": []},
        {"groupBy": ["service", "attributes.region", "host", "statusCode", "level", "traceId"]},
        {"labels": {"team": "pay"}, "annotations": {"summary": "{{ labels.service }} is down"}},
        {"minCount": 5, "resolveAfter": "1h30m", "maxGroups": 5, "owner": "pay", "enabled": False},
    ],
)
def test_a_sound_rule_has_no_problem(changes: dict[str, Any]) -> None:
    assert problems(**changes) == []


@pytest.mark.parametrize(
    ("changes", "pointer", "reason"),
    [
        ({"name": None}, "/name", "is required"),
        ({"name": "  "}, "/name", "must not be blank"),
        ({"severity": None}, "/severity", "is required"),
        ({"threshold": "100"}, "/threshold", "should be a valid number"),
        ({"threshold": None}, "/threshold", "is required: the condition `count > threshold`"),
        ({"enabled": "yes"}, "/enabled", "should be a valid boolean"),
        ({"windowMinutes": 0}, "/windowMinutes", "should be greater than or equal to 1"),
        ({"windowMinutes": 1.5}, "/windowMinutes", "should be a valid integer"),
        ({"severity": "critical"}, "/severity", "LOW, INFO; did you mean CRITICAL?"),
        ({"tresh": 5}, "/tresh", "there is no such field; did you mean threshold?"),
        ({"owners": {}}, "/owners", "there is no such field; did you mean owner?"),
        ({"zzz": 1}, "/zzz", "there is no such field; there are name, description, type"),
        ({"for": "soon"}, "/for", "'soon' is no duration"),
        ({"for": "8d"}, "/for", "lies outside 0s to 7d"),
        ({"keepFiringFor": "8d"}, "/keepFiringFor", "lies outside 0s to 7d"),
        ({"noData": "alert"}, "/noData", "ok, alerting, keepLast; did you mean alerting?"),
        ({"minCount": -1}, "/minCount", "should be greater than or equal to 0"),
        ({"type": "LATENZY"}, "/type", "NEW_TERM, CHANGE; did you mean LATENCY?"),
        ({"type": ["x"]}, "/type", "must be one of ERROR_THRESHOLD"),
        ({"window": {"size": "5m"}}, "/window", "windowMinutes or window, not both"),
        ({"resolveAfter": "soon"}, "/resolveAfter", "'soon' is no duration such as 90s"),
        ({"resolveAfter": "1y"}, "/resolveAfter", "lies outside 1s to 7d"),
        ({"groupBy": ["service", "service"]}, "/groupBy", "names a field twice"),
        ({"groupBy": ["tenant"]}, "/groupBy/0", "not grouped by this; there are service, level"),
        ({"groupBy": ["sevice"]}, "/groupBy/0", "not grouped by this; did you mean service?"),
        ({"groupBy": ["attributes.queue depth"]}, "/groupBy/0", "128 characters, and no blanks"),
        ({"groupBy": ["attribute.a"]}, "/groupBy/0", "did you mean attributes.<name>?"),
        ({"groupBy": ["a"] * 9}, "/groupBy", "should have at most 8 items, not 9"),
        ({"owner": "x" * 201}, "/owner", "should have at most 200 characters"),
        ({"groupBy": "service"}, "/groupBy", "should be a valid"),
        ({"groupBy": ["service", "attributes.severity"]}, "/groupBy/1", "overwrite the label"),
        ({"labels": {"a-b": "x"}}, "/labels/a-b", "must be letters (a to z), digits"),
        ({"labels": {"severity": "x"}}, "/labels/severity", "is set by us"),
        ({"labels": {"service": "x"}}, "/labels/service", "is set by groupBy"),
        (
            {"labels": {"k8s_pod": "x"}, "groupBy": ["attributes.k8s.pod"]},
            "/labels/k8s_pod",
            "is set by groupBy",
        ),
        (
            {"groupBy": ["service", "attributes.service"]},
            "/groupBy/1",
            "would overwrite the label service, set by service",
        ),
        ({"labels": {"a": 5}}, "/labels/a", "should be a valid string"),
        ({"labels": 5}, "/labels", "should be an object"),
        ({"annotations": {"summary": "{{ x"}}, "/annotations/summary", "is no template"),
        ({"annotations": {"summary": 5}}, "/annotations/summary", "should be a valid string"),
        ({"annotations": []}, "/annotations", "should be an object"),
        ({"type": "EVENT_COUNT"}, "/match", "is required for EVENT_COUNT"),
        ({"condition": "p95 > threshold"}, "/value", "is required: the condition uses p95"),
        ({"maxGroups": 10**30}, "/maxGroups", "is an integer of more than 64 bits"),
        ({"description": "a\x00"}, "/description", "holds a NUL character"),
        ({"match": ""}, "/match", "should have at least 1 character"),
        ({"match": 5}, "/match", "should be a valid string"),
        ({"condition": 5}, "/condition", "should be a valid string"),
        ({"value": 5}, "/value", "should be a valid string"),
    ],
)  # fmt: skip
def test_a_problem_names_the_field(changes: dict[str, Any], pointer: str, reason: str) -> None:
    named, given = only(**changes)
    assert named == pointer
    assert reason in given


@pytest.mark.parametrize(
    ("window", "pointer", "reason"),
    [
        ({}, "/window/size", "is required"),
        ({"size": "0s"}, "/window/size", "lies outside 1s to 1d"),
        ({"size": "5m", "kind": "hop"}, "/window/kind", "sliding; did you mean hopping?"),
        ({"size": "5m", "kind": "hopping"}, "/window/step", "is required for a hopping window"),
        ({"size": "5m", "kind": "hopping", "step": "2m"}, "/window/step", "does not divide"),
        ({"size": "5m", "kind": "sliding", "step": "7s"}, "/window/step", "does not divide"),
        ({"size": "1d", "kind": "hopping", "step": "1m"}, "/window/step", "at most 720 steps"),
        ({"size": "5m", "stepp": "1m"}, "/window/stepp", "did you mean step?"),
        ({"size": "5m", "step": "1m"}, "/window/step", "a tumbling window steps by its size"),
        ({"size": "5m", "step": "6m", "kind": "sliding"}, "/window/step", "is longer than"),
        ({"size": "5m", "allowedLateness": "2h"}, "/window/allowedLateness", "lies outside"),
        ("5m", "/window", "should be an object"),
    ],
)
def test_a_problem_of_the_window_names_its_field(window: Any, pointer: str, reason: str) -> None:  # noqa: ANN401 - any JSON
    named, given = only(windowMinutes=None, window=window)
    assert named == pointer
    assert reason in given


@pytest.mark.parametrize("field", ["match", "value", "condition"])
def test_an_expression_is_refused_with_line_and_column(field: str) -> None:
    (problem,) = problems(**{field: "1 +\n  nonsense"})
    assert (problem.pointer, problem.line, problem.column) == (f"/{field}", 2, 3)
    assert "nonsense" in problem.reason


def test_everything_is_told_at_once() -> None:
    found = problems(
        name=None, threshold="x", match="level ==", severity="x", annotations={"a": "{{ "}
    )
    assert {problem.pointer for problem in found} == {
        *("/name", "/threshold", "/match", "/severity", "/annotations/a"),
    }


def test_the_list_of_problems_is_bounded() -> None:
    assert len(problems(**{f"x{number}": 1 for number in range(120)})) == 100
