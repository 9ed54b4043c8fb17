"""Stored rules: what changes a revision, what is shown, and what the engine is told."""

from typing import Any

import msgspec
import pytest

from alert_contracts.rules import RuleType, Severity, Window
from api_gateway.domain.rule_resolve import resolve
from api_gateway.domain.rule_review import review
from api_gateway.domain.rule_show import show
from api_gateway.domain.rules import Action, StoredRule, action_of, merge, own_fields
from api_gateway.testing import plain_rule

NOW = 1_769_853_600_123


def stored(**changes: Any) -> StoredRule:  # noqa: ANN401 - any JSON
    """Return a stored rule."""
    document = own_fields(plain_rule(**changes))
    return StoredRule("default", "r1", 3, document, created_at=NOW, updated_at=NOW + 1)


def test_the_engine_is_told_everything() -> None:
    rule = resolve(stored())
    assert (rule.id, rule.tenant, rule.revision, rule.updated_at) == ("r1", "default", 3, NOW + 1)
    assert rule.type is RuleType.ERROR_THRESHOLD
    assert rule.severity is Severity.CRITICAL
    assert rule.match == 'level in ["ERROR", "FATAL"]'
    assert rule.window == Window("tumbling", 300_000, 300_000, 30_000)
    assert rule.group_by == ("service",)
    assert (rule.threshold, rule.min_count, rule.resolve_after) == (100.0, 1, 300_000)


def test_the_type_sets_the_defaults() -> None:
    rule = resolve(stored(type="LATENCY", condition=None, windowMinutes=None))
    assert (rule.match, rule.value) == ("has(responseTime)", "responseTime")
    assert (rule.condition, rule.min_count) == ("p95 > threshold", 20)
    assert rule.window.size == 300_000


def test_what_the_user_says_wins() -> None:
    rule = resolve(
        stored(
            match="statusCode == 418",
            value="responseTime * 2.0",
            minCount=7,
            resolveAfter="1h",
            groupBy=["host", "attributes.region"],
            enabled=False,
        )
    )
    assert (rule.match, rule.value) == ("statusCode == 418", "responseTime * 2.0")
    assert (rule.min_count, rule.resolve_after, rule.enabled) == (7, 3_600_000, False)
    assert rule.group_by == ("host", "attributes.region")


def window(**members: str) -> Window:
    return resolve(stored(windowMinutes=None, window={"size": "5m", **members})).window


def test_a_sliding_window_steps_by_ten_seconds_or_as_told() -> None:
    assert window(kind="sliding") == Window("sliding", 300_000, 10_000, 30_000)
    told = window(kind="sliding", step="1m", allowedLateness="0s")
    assert told == Window("sliding", 300_000, 60_000, 0)


@pytest.mark.parametrize(
    ("size", "step"),
    [("5s", 500), ("1s", 100), ("1h", 10_000), ("1d", 240_000), ("61s234ms", 61_234)],
)
def test_a_short_or_long_sliding_window_steps_by_a_round_part_of_it(size: str, step: int) -> None:
    assert window(kind="sliding", size=size).step == step


def test_a_hopping_window_steps_as_told_and_a_tumbling_one_by_its_size() -> None:
    assert window(kind="hopping", step="1m") == Window("hopping", 300_000, 60_000, 30_000)
    assert window() == Window("tumbling", 300_000, 300_000, 30_000)


def test_a_rule_is_shown_as_sent_with_its_defaults() -> None:
    shown = show(stored(labels={"team": "pay"}))
    assert shown["threshold"] == 100
    assert isinstance(shown["threshold"], int)
    assert shown["windowMinutes"] == 5
    assert "window" not in shown
    assert "value" not in shown
    assert (shown["id"], shown["revision"], shown["enabled"]) == ("r1", 3, True)
    assert (shown["match"], shown["minCount"]) == ('level in ["ERROR", "FATAL"]', 1)
    assert (shown["resolveAfter"], shown["maxGroups"]) == ("5m", 10_000)
    assert (shown["labels"], shown["annotations"]) == ({"team": "pay"}, {})
    assert shown["createdAt"] == "2026-01-31T10:00:00.123Z"


def test_a_window_is_shown_as_sent_with_its_defaults() -> None:
    shown = show(stored(windowMinutes=None, window={"size": "90s", "kind": "sliding"}))
    assert "windowMinutes" not in shown
    assert shown["window"] == {
        "size": "90s",
        "kind": "sliding",
        "step": "10s",
        "allowedLateness": "30s",
    }
    assert shown["resolveAfter"] == "1m30s"


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": {"team": "pay"}},
        {"windowMinutes": None, "window": {"size": "1s", "kind": "sliding"}},
        {"windowMinutes": None, "window": {"size": "1d", "kind": "sliding"}},
        {"windowMinutes": None, "window": {"size": "61s234ms", "kind": "sliding"}},
        {"activeTime": {"weekdays": ["monday"]}, "for": "90s", "noData": "keepLast"},
    ],
)
def test_what_is_shown_can_be_sent_back(changes: dict[str, Any]) -> None:
    rule = stored(**changes)
    assert review(own_fields(show(rule)), tenant="default", check_template=lambda *_: None) == []
    again = rule.revised(own_fields(show(rule)), rule.updated_at)
    assert msgspec.structs.replace(resolve(again), revision=rule.revision) == resolve(rule)


def test_null_is_not_set() -> None:
    assert own_fields({"a": None, "window": {"size": "5m", "step": None}, "b": 1}) == {
        "window": {"size": "5m"},
        "b": 1,
    }


def test_a_patch_merges_and_null_takes_away() -> None:
    before = {"a": 1, "labels": {"x": "1", "y": "2"}, "b": 2, "t": "text"}
    patch = {"a": None, "labels": {"x": None, "z": "3"}, "c": {"d": None, "e": 5}, "t": {"u": 1}}
    assert merge(before, patch) == {
        "labels": {"y": "2", "z": "3"},
        "b": 2,
        "c": {"e": 5},
        "t": {"u": 1},
    }
    assert before["labels"] == {"x": "1", "y": "2"}


def test_a_change_makes_a_revision() -> None:
    rule = stored()
    changed = rule.revised({**rule.document, "threshold": 5}, NOW + 9)
    assert (changed.revision, changed.updated_at, changed.created_at) == (4, NOW + 9, NOW)


def test_every_revision_says_what_it_did() -> None:
    rule = stored()
    off = rule.revised({**rule.document, "enabled": False}, NOW)
    assert action_of(None, rule) is Action.CREATED
    assert action_of(rule, off) is Action.DISABLED
    assert action_of(off, off.revised(rule.document, NOW)) is Action.ENABLED
    assert action_of(rule, rule.revised({**off.document, "threshold": 1}, NOW)) is Action.UPDATED
    gone = rule.deleted(NOW + 5)
    assert (gone.deleted_at, gone.revision) == (NOW + 5, 4)
    assert action_of(rule, gone) is Action.DELETED
