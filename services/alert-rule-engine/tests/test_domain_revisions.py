"""What becomes of alerts and counts when a rule is changed, disabled or deleted."""

from typing import Any

import msgspec
import msgspec.structs
import pytest

from alert_contracts.events import Event
from alert_contracts.rules import RuleType, Severity
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error

SECOND = 1_000


def errors(count: int, at: int = NOON, **fields: Any) -> list[Event]:  # noqa: ANN401
    return [an_error(at + number, **fields) for number in range(count)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"enabled": False}, "the rule was disabled"),
        ({"match": "true"}, "the rule was changed: it starts anew"),
        ({"severity": Severity.LOW}, "the rule was changed: it starts anew"),
        ({"match": "nonsense("}, "the rule does not compile"),
    ],
)
def test_a_rule_that_ends_or_counts_something_else_ends_its_alerts(
    changes: dict[str, object], reason: str
) -> None:
    rule = a_rule(threshold=0)
    pipeline = Pipeline(rule)
    pipeline.post(an_error())
    pipeline.change(msgspec.structs.replace(rule, revision=2, **changes))
    assert [alert.status for alert in pipeline.alerts[:2]] == ["firing", "resolved"]
    assert pipeline.alerts[1].reason.startswith(reason)


def test_a_deleted_rule_ends_its_alerts() -> None:
    pipeline = Pipeline(a_rule(threshold=0))
    pipeline.post(an_error())
    pipeline.post(an_error(NOON + 1))
    pipeline.change()
    assert [alert.status for alert in pipeline.alerts] == ["firing", "resolved"]
    over = pipeline.alerts[-1]
    assert over.reason == "the rule was deleted"
    assert over.ends_at is not None
    assert over.ends_at <= over.decided_at


def test_a_lower_threshold_judges_what_was_counted_before() -> None:
    rule = a_rule(threshold=100)
    pipeline = Pipeline(rule, a_rule(id="other", threshold=100))
    pipeline.post(*errors(60))
    pipeline.change(
        msgspec.structs.replace(rule, threshold=50, revision=2), a_rule(id="other", threshold=100)
    )
    (alert,) = pipeline.alerts
    assert alert.reason == "count 60 > threshold 50"
    assert alert.rule.revision == 2


def test_a_changed_percentile_rule_is_judged_over_closed_panes_only() -> None:
    rule = a_rule(RuleType.LATENCY, threshold=9_000, min_count=1)
    pipeline = Pipeline(rule)
    pipeline.post(an_error(response_time=5_000.0))
    pipeline.change(msgspec.structs.replace(rule, threshold=1_000, revision=2))
    assert pipeline.alerts == []
    pipeline.tick(NOON + 12 * SECOND)
    pipeline.change(msgspec.structs.replace(rule, threshold=2_000, revision=3))
    assert [alert.rule.revision for alert in pipeline.alerts] == [2]


def test_an_alert_speaks_with_the_newest_revision_of_its_rule() -> None:
    rule = a_rule(threshold=0)
    pipeline = Pipeline(rule)
    pipeline.post(an_error())
    pipeline.change(msgspec.structs.replace(rule, threshold=1, revision=2))
    pipeline.post(an_error(NOON + 11 * SECOND))
    assert [(a.status, a.rule.revision) for a in pipeline.alerts] == [
        ("firing", 1),
        ("updated", 2),
    ]


def test_an_alert_whose_threshold_was_raised_says_why_it_fired_until_a_window_holds_anew() -> None:
    rule = a_rule(threshold=0)
    pipeline = Pipeline(rule)
    pipeline.post(an_error())
    pipeline.change(msgspec.structs.replace(rule, threshold=2, revision=2))
    for second in (11, 22, 33):
        pipeline.post(an_error(NOON + second * SECOND))
    assert [alert.reason for alert in pipeline.alerts] == [
        "count 1 > threshold 0",
        "count 1 > threshold 0",
        "count 3 > threshold 2",
        "count 4 > threshold 2",
    ]
