"""The words and labels of an alert."""

import pytest

from alert_rule_engine.domain.speech import reason_of
from alert_rule_engine.testing import Pipeline, a_rule, an_error

BOTH = {"avg": 2.5004, "max": 7.125}


def test_group_names_become_labels_that_prometheus_takes() -> None:
    rule = a_rule(threshold=0, group_by=("attributes.k8s.pod-name",), labels={"team": "core"})
    pipeline = Pipeline(rule)
    pipeline.post(an_error(attributes={"k8s.pod-name": "p1"}))
    (alert,) = pipeline.alerts
    assert alert.group == {"attributes.k8s.pod-name": "p1"}
    assert alert.labels["k8s_pod_name"] == "p1"
    assert alert.labels["team"] == "core"


def test_the_reason_is_the_condition_with_its_figures() -> None:
    rule = a_rule(condition="avg >= threshold && max(1) > 0 || p99 > 7.5", threshold=2.5)
    assert reason_of(rule, {"avg": 3.14159}) == (
        "avg 3.14 >= threshold 2.50 && max(1) > 0 || p99 > 7.5"
    )
    either = a_rule(condition="(count > 9 || errors > 9) || errors * 2 > count || avg < 1.0")
    assert reason_of(either, {"count": 12, "errors": 1, "avg": 0.5}) == (
        "(count 12 > 9 || errors 1 > 9) || avg 0.50 < 1.0"
    )
    assert reason_of(either, {"count": 2, "errors": 1, "avg": 2.5}).endswith("|| avg 2.50 < 1.0")
    whether = a_rule(condition="count > 9 || errors > 9 ? count > 10 : false")
    assert reason_of(whether, {"count": 12, "errors": 1}) == (
        "count 12 > 9 || errors 1 > 9 ? count 12 > 10 : false"
    )
    bare = a_rule(condition="count > 10", threshold=None)
    assert reason_of(bare, {"count": 11}) == "count 11 > 10"


@pytest.mark.parametrize(
    ("figure", "threshold", "reason"),
    [
        (1000.004, 1000, "avg 1000.004 > threshold 1000"),
        (0.0021, 0.001, "avg 0.0021 > threshold 0.001"),
        (0.1 + 0.2, 0.25, "avg 0.30 > threshold 0.25"),
        (1e250, 1e200, "avg 1e+250 > threshold 1e+200"),
        (1e300 * 1e300, 7, "avg inf > threshold 7"),
    ],
)
def test_a_reason_never_seems_to_contradict_itself(
    figure: float, threshold: float, reason: str
) -> None:
    rule = a_rule(condition="avg > threshold", threshold=threshold)
    assert reason_of(rule, {"avg": figure}) == reason


@pytest.mark.parametrize(
    ("condition", "figures", "reason"),
    [
        ("avg > 50", {"avg": 50.00399999}, "avg 50.004 > 50"),
        ("max > 99.99", {"max": 99.993}, "max 99.993 > 99.99"),
        ("avg > 0.3439", {"avg": 0.344}, "avg 0.344 > 0.3439"),
        ("avg >= 50.004", {"avg": 50.004}, "avg 50.004 >= 50.004"),
        ("rate * 60.0 > 21.0", {"rate": 0.3501}, "rate 0.3501 * 60.0 > 21.0"),
        ("avg > 2.5 && max > 7.0", BOTH, "avg 2.5004 > 2.5 && max 7.1250 > 7.0"),
        ("avg > 0.3", {"avg": 0.1 + 0.2}, "avg 0.30000000000000004 > 0.3"),
        (
            "avg == 0.011343642441124013",
            {"avg": 0.011343642441124013},
            "avg 0.011343642441124013 == 0.011343642441124013",
        ),
        ("sum > 1e16", {"sum": 1e16 + 2}, "sum 10000000000000002 > 1e16"),
        ("avg > 50 || count > 9", {"avg": 50.004, "count": 12}, "avg 50.004 > 50 || count 12 > 9"),
        ("avg > 50", {"avg": 50.5}, "avg 50.50 > 50"),
    ],
)
def test_a_reason_is_true_of_the_numbers_that_the_condition_itself_names(
    condition: str, figures: dict[str, float], reason: str
) -> None:
    """With as many decimals as that takes, and two at least."""
    rule = a_rule(condition=condition, threshold=None)
    assert reason_of(rule, figures) == reason
