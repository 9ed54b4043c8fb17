"""How many windows without events a rule may look at."""

from typing import Any

import pytest

from alert_contracts.rules import RuleType
from api_gateway.testing.rules import problems

FEW = {"condition": "count < 1000", "minCount": 1, "maxGroups": 100_000, "threshold": None}


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (RuleType.ABSENCE, {"window": {"size": "1s"}, "maxGroups": 10_001}, "end every 1s"),
        (
            RuleType.ABSENCE,
            {"window": {"size": "30s", "kind": "sliding", "step": "1s"}, "maxGroups": 100_000},
            "at most 10000",
        ),
        (
            RuleType.ABSENCE,
            {"window": {"size": "10s", "kind": "sliding"}, "maxGroups": 20_000},
            "is too many for silent windows that end every 1s: at most 10000",
        ),
        (
            RuleType.EVENT_COUNT,
            {"window": {"size": "1s"}, "maxGroups": 20_000, "minCount": 0},
            "at most 10000",
        ),
        (
            RuleType.EVENT_COUNT,
            {"window": {"size": "1s"}, "maxGroups": 20_000, "noData": "alerting"},
            "at most 10000",
        ),
        (
            RuleType.EVENT_COUNT,
            {"window": {"size": "72s", "kind": "sliding", "step": "100ms"}, **FEW},
            "is too many for figures that are looked at every 100ms: at most 10000",
        ),
        (
            RuleType.LATENCY,
            {"window": {"size": "3s"}, "maxGroups": 50_001},
            "is too many for figures that are looked at every 500ms: at most 50000",
        ),
        (
            RuleType.LATENCY,
            {"window": {"size": "7s", "kind": "hopping", "step": "3500ms"}, "maxGroups": 60_000},
            "is too many for figures that are looked at every 500ms: at most 50000",
        ),
    ],
)
def test_a_rule_that_would_keep_a_core_busy_with_silence_is_refused(
    kind: RuleType, changes: dict[str, Any], reason: str
) -> None:
    (problem,) = problems(kind, **changes)
    assert problem.pointer == "/maxGroups"
    assert reason in problem.reason


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (RuleType.ABSENCE, {"window": {"size": "1s"}}),
        (RuleType.ABSENCE, {"window": {"size": "10s"}, "maxGroups": 100_000}),
        (RuleType.ABSENCE, {"maxGroups": 100_000}),
        (RuleType.EVENT_COUNT, {"window": {"size": "1s"}, "maxGroups": 100_000}),
        (RuleType.LATENCY, {"window": {"size": "1m"}, "maxGroups": 100_000}),
        (RuleType.LATENCY, {"window": {"size": "1s", "kind": "sliding"}}),
    ],
)
def test_what_looks_at_few_silent_windows_may_have_all_groups(
    kind: RuleType, changes: dict[str, Any]
) -> None:
    assert problems(kind, **changes) == []


def test_a_window_that_is_wrong_is_not_counted_with() -> None:
    found = problems(RuleType.ABSENCE, window={"size": "x"}, maxGroups=100_000)
    assert [each.pointer for each in found] == ["/window/size"]
    (untyped,) = problems(RuleType.ABSENCE, type="NO", window={"size": "1s"}, maxGroups=100_000)
    assert untyped.pointer == "/type"


def test_a_condition_that_does_not_compile_is_told_of_once() -> None:
    found = problems(RuleType.EVENT_COUNT, condition="count <", window={"size": "1s"})
    assert [each.pointer for each in found] == ["/condition"]
