"""Texts are tried on an alert such as the rule makes."""

from collections.abc import Mapping
from typing import Any

import pytest

from api_gateway.app import refusal_of_template
from api_gateway.domain.rule_review import review
from api_gateway.domain.rule_texts import example
from api_gateway.testing import plain_rule


def seen(**changes: Any) -> Any:  # noqa: ANN401 - what texts see
    """Return what the texts of a rule see."""
    rule = {name: value for name, value in plain_rule(**changes).items() if value is not None}
    return example(rule, "default")


def test_a_text_sees_labels_group_and_what_the_rule_says() -> None:
    alert = seen(groupBy=["service", "attributes.k8s.pod"], labels={"team": "pay"})
    assert alert["labels"] == {
        "team": "pay",
        "service": "payment-service",
        "k8s_pod": "a-value",
        "alertname": "High Error Rate",
        "severity": "critical",
        "rule_id": "5f3a1c9e",
        "tenant": "default",
    }
    assert alert["group"] == {"service": "payment-service", "attributes.k8s.pod": "a-value"}
    assert (alert["rule"], alert["severity"], alert["service"]) == (
        *("High Error Rate", "CRITICAL", "payment-service"),
    )
    assert (alert["threshold"], alert["condition"]) == (100, "count > threshold")


def test_a_text_sees_the_figures_that_windows_of_the_rule_have() -> None:
    assert set(seen()["aggregates"]) == {"count", "total", "errors", "rate"}
    latency = {"type": "LATENCY", "condition": None}
    assert {"avg", "p95"} <= set(seen(**latency)["aggregates"])
    assert "p95" not in seen(type="METRIC", value="x", condition="avg > 5.0")["aggregates"]
    assert "distinct" in seen(type="CARDINALITY", value="host", condition=None)["aggregates"]
    assert "avg" not in seen(type="CARDINALITY", value="host", condition=None)["aggregates"]
    spike = seen(type="SPIKE", factor=3, condition=None)
    assert spike["aggregates"]["previous.count"] == spike["count"]


def test_a_text_sees_the_window_before_and_what_the_type_found() -> None:
    assert seen(type="SPIKE", factor=3, condition=None)["previous"]["count"] == 120
    assert seen()["previous"] == seen()["found"] == {}
    assert set(seen(type="CHANGE", value="host", condition=None)["found"]) == {"old", "new"}
    assert set(seen(type="NEW_TERM", value="host", condition=None)["found"]) == {"value"}
    match = {"type": "MATCH", "match": "true", "condition": None}
    assert set(seen(**match, value="host", blacklist=["a"])["found"]) == {"value"}
    assert seen(**match)["found"] == {}


def test_as_much_is_seen_of_a_rule_that_is_wrong_as_can_be() -> None:
    alert = seen(name=None, severity=5, groupBy="service", labels=[], type="x", condition=None)
    assert (alert["severity"], alert["group"]) == ("HIGH", {})
    assert seen(groupBy=[5, "host"])["group"] == {"host": "pay-3"}


def test_every_text_that_fails_is_named() -> None:
    tried: list[Mapping[str, object]] = []

    def refuse(text: str, alert: Mapping[str, object]) -> str | None:
        tried.append(alert)
        return "fails" if text == "bad" else None

    sent = plain_rule(annotations={"good": "good", "b/d": "bad", "odd": 5})
    found = review(sent, tenant="default", check_template=refuse)
    assert {(each.pointer, each.reason) for each in found} == {
        ("/annotations/b~1d", "fails"),
        (
            "/annotations/b~1d",
            "must be letters (a to z), digits and _, at most 100, and not begin with a digit",
        ),
        ("/annotations/odd", "should be a valid string"),
    }
    assert tried[0] is tried[1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ servce }}", "`servce`; did you mean service?"),
        ("{{ labels.servce }}", "`labels.servce`; did you mean labels.service?"),
        ("{{ group.host }}", "`group.host`; there are group.service, "),
        ("{{ group.attributes }}", '`group.attributes`; did you mean group["attributes.user"]?'),
        ("{{ aggregates.cuont }}", "`aggregates.cuont`; did you mean aggregates.count?"),
        ("{{ previous.count }}", "`previous.count`; its condition does not read the window before"),
        ("{{ found.old }}", "`found.old`; rules of its type find nothing but figures"),
        ("{{ rule.name }}", "`rule.name`; `rule` has no parts"),
    ],
)
def test_a_name_that_no_alert_of_the_rule_has_is_refused(text: str, reason: str) -> None:
    sent = plain_rule(annotations={"a": text}, groupBy=["service", "attributes.user"])
    (found,) = review(sent, tenant="default", check_template=refusal_of_template)
    assert found.reason.startswith(f"an alert of this rule has no {reason}")


def test_of_a_rule_without_groups_no_group_is_read() -> None:
    sent = plain_rule(annotations={"a": "{{ group.service }}"}, groupBy=[])
    (found,) = review(sent, tenant="default", check_template=refusal_of_template)
    assert found.reason.endswith("no `group.service`; its groupBy is empty")


def test_texts_are_not_blamed_for_groups_that_are_wrong() -> None:
    sent = plain_rule(annotations={"a": "{{ group.service }}"}, groupBy=["servce"])
    found = review(sent, tenant="default", check_template=refusal_of_template)
    assert [each.pointer for each in found] == ["/groupBy/0"]
