"""What is missed, and what is compared with the window before."""

from typing import Any

import pytest

from alert_contracts.rules import RuleType
from api_gateway.testing.rules import problems, resolved

DAY = 86_400_000


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
    assert resolved(RuleType.ABSENCE, expect=["a", ["a"]], maxGroups=1).max_groups == 1


@pytest.mark.parametrize("kind", [RuleType.ABSENCE, RuleType.SPIKE, RuleType.EVENT_COUNT])
def test_groups_are_remembered_for_a_day_or_until_the_silence_of_a_long_window_is_told(
    kind: RuleType,
) -> None:
    assert resolved(kind).forget == DAY
    assert resolved(kind, windowMinutes=720).forget == 2 * DAY
    assert resolved(kind, windowMinutes=1440).forget == 4 * DAY
    hopping = {"size": "1d", "kind": "hopping", "step": "1h"}
    assert resolved(kind, window=hopping).forget == 3 * DAY


def test_an_absence_forgets_as_soon_as_its_window_lets_it() -> None:
    assert resolved(RuleType.ABSENCE, forget="10m30s").forget == 630_000


@pytest.mark.parametrize(
    ("changes", "pointer", "reason"),
    [
        ({"expect": [5]}, "/expect/0", "must be a text, or a list of texts"),
        ({"expect": ["a", ["b", 5]]}, "/expect/1", "must be a text, or a list of texts"),
        ({"expect": ["a", ["b", "c"]]}, "/expect/1", "has 2 texts, but groupBy 1 fields"),
        ({"expect": ["a"], "groupBy": []}, "/expect/0", "has 1 texts, but groupBy 0 fields"),
        ({"expect": ["a"] * 1001}, "/expect", "should have at most 1000 items"),
        ({"expect": {}}, "/expect", "should be a valid"),
        (
            {"expect": ["a", ["b"], "c"], "maxGroups": 2},
            "/expect",
            "has 3 groups, but maxGroups is 2",
        ),
        ({"expect": ["a", "b"], "maxGroups": 0}, "/maxGroups", "should be greater than"),
        ({"expect": ["a"], "groupBy": 5}, "/groupBy", "should be a valid"),
        (
            {"forget": "5m"},
            "/forget",
            "is too short: a group could be forgotten before its silence",
        ),
        ({"forget": "10m29s"}, "/forget", "say at least 10m30s"),
        ({"forget": "20m", "window": {"size": "10m"}}, "/forget", "say at least 20m30s"),
        ({"forget": "1h", "for": "1h"}, "/forget", "say at least 1h10m30s"),
        ({"forget": "1d1h", "windowMinutes": 1440}, "/forget", "say at least 2d30s"),
        (
            {"forget": "1h", "window": {"size": "1h", "kind": "sliding", "allowedLateness": "0s"}},
            "/forget",
            "say at least 1h10s",
        ),
        ({"forget": "1s", "window": {"size": "1h", "step": "2h"}}, "/window/step", "is longer"),
        ({"forget": "1s", "for": "x"}, "/for", "is no duration"),
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
