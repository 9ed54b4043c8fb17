"""What a person reads, with and without templates."""

from typing import Any

import msgspec
import pytest

from alert_contracts.events import Event
from alert_contracts.rules import RuleType
from notification_service.domain.budget import BUDGETS
from notification_service.domain.message import (
    common,
    context,
    duration,
    escaped,
    number,
    place,
    plain_text,
    plain_title,
    sample_line,
)
from notification_service.testing import order

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 s"),
        (-5, "0 s"),
        (45_000, "45 s"),
        (125_000, "2 min 5 s"),
        (10_800_000, "3 h"),
        (93_600_000, "1 d 2 h"),
    ],
)
def test_a_length_of_time_has_its_two_largest_units(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text


def test_numbers_have_no_noise() -> None:
    assert [number(value) for value in (120.0, 1204.5, 0.1234567)] == ["120", "1204", "0.1235"]


def test_a_sample_reads_like_a_log_line() -> None:
    event = Event(
        timestamp=NOW,
        service="pay",
        message="boom",
        level="ERROR",
        status_code=500,
        response_time=5000.0,
        host="pay-3",
        trace_id="abc",
    )
    assert (
        sample_line(event) == "08:00:00.000 ERROR boom (status 500, 5000 ms, host pay-3, trace abc)"
    )
    assert sample_line(Event(timestamp=NOW, service="pay", message="x")) == "08:00:00.000 x"


def test_a_place_is_the_service_and_what_else_tells_groups_apart() -> None:
    assert place({"service": "pay", "alertname": "x"}) == "pay"
    assert place({"service": "pay", "region": "eu"}) == "pay (region=eu)"
    assert place({"region": "eu", "severity": "low"}) == "region=eu"
    assert place({}) == ""


def test_common_entries_are_those_that_all_share() -> None:
    assert common([{"a": "1", "b": "2"}, {"a": "1", "b": "3"}]) == {"a": "1"}
    assert common([]) == {}


def test_a_firing_alert_shows_what_where_why_and_since_when() -> None:
    seen = context(order(now=NOW), instead_of="", now=NOW)
    first = seen["first"]
    assert first["name"] == "High Error Rate"
    assert first["where"] == "payment-service"
    assert first["why"] == "count 120 > threshold 100"
    assert first["threshold"] == "100"
    assert first["since"] == "2027-01-15 07:58:00 UTC"
    assert first["until"] == ""
    assert seen["late"] == ""


def test_a_resolved_alert_shows_how_long_it_lasted() -> None:
    first = context(order(status="resolved", now=NOW), instead_of="", now=NOW)["first"]
    assert (first["until"], first["lasted"]) == ("2027-01-15 08:00:00 UTC", "2 min")


def test_a_late_message_says_so() -> None:
    assert context(order(now=NOW), instead_of="", now=NOW + 720_000)["late"] == "12 min"


def test_an_order_without_alerts_still_has_a_context_and_a_title() -> None:
    empty = msgspec.structs.replace(order(), alerts=[])
    assert context(empty, instead_of="", now=NOW)["first"] == {}
    assert plain_title(empty) == "firing: alert"
    assert plain_text(empty) == ""


def test_a_threshold_that_the_rule_lacks_is_left_out() -> None:
    given = order()
    alert = msgspec.structs.replace(given.alerts[0], threshold=None)
    assert (
        context(msgspec.structs.replace(given, alerts=[alert]), instead_of="", now=NOW)["first"][
            "threshold"
        ]
        == ""
    )


def test_plain_texts_need_no_template() -> None:
    assert plain_title(order()) == "CRITICAL firing: High Error Rate on payment-service"
    assert plain_title(order(status="resolved")).startswith("RESOLVED: High Error Rate")
    text = plain_text(order(now=NOW))
    assert "count 120 > threshold 100" in text
    assert "Database connection failed" in text
    assert " until " in plain_text(order(status="resolved"))


def told(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of NotifiedAlert
    given = order(now=NOW)
    alert = msgspec.structs.replace(given.alerts[0], **changes)
    shown = context(msgspec.structs.replace(given, alerts=[alert]), instead_of="", now=NOW)
    first: dict[str, Any] = shown["first"]
    return first


def test_a_change_shows_the_old_and_the_new_value() -> None:
    assert told(found={"old": "1.4", "new": "1.5"})["discovery"] == "1.4 → 1.5"
    assert told(found={"old": "", "new": "1.5"})["discovery"] == "(nothing) → 1.5"
    assert told(found={"old": "1.4", "new": ""})["discovery"] == "1.4 → (nothing)"
    assert told(found={"value": "curl/8"})["discovery"] == "curl/8"
    named = told(found={"old": "1.4", "new": "1.5"}, reason="'1.4' became '1.5'")
    assert named["discovery"] == ""
    assert told()["discovery"] == ""


def test_an_absence_without_events_names_the_group_that_is_missing() -> None:
    missing: dict[str, Any] = {
        "rule_type": "ABSENCE",
        "group": {"service": "pay", "host": "pay-3"},
        "samples": [],
        "aggregates": {"count": 0.0},
        "window_start": NOW - 300_000,
        "window_end": NOW,
    }
    assert told(**missing)["silence"] == (
        "no event of host=pay-3, service=pay"
        " from 2027-01-15 07:55:00 UTC to 2027-01-15 08:00:00 UTC"
    )
    assert told(**{**missing, "window_start": None, "group": {}})["silence"] == "no event"
    assert told(**{**missing, "status": "resolved"})["silence"] == ""
    assert told(**{**missing, "samples": order().alerts[0].samples})["silence"] == ""
    few = {"aggregates": {"count": 3.0}, "reason": "count 3 < threshold 5"}
    assert told(**{**missing, **few})["silence"] == ""
    assert told(**{**missing, "rule_type": "LATENCY"})["silence"] == ""
    no_data = {**missing, "rule_type": "LATENCY", "reason": "no data in a whole window"}
    assert told(**no_data)["silence"].startswith("no event of host=pay-3")


def test_an_alert_of_any_type_can_be_shown() -> None:
    for kind in RuleType:
        shown = told(
            rule_type=kind.value, samples=[], labels={}, group={}, threshold=None, reason=""
        )
        assert (shown["type"], shown["where"], shown["why"]) == (kind.value, "", "")


def test_how_late_the_event_came_is_said_from_a_second_on() -> None:
    assert told(late_by=61_000)["lateBy"] == "1 min 1 s"
    assert told(late_by=999)["lateBy"] == ""


def test_a_budget_bounds_every_part() -> None:
    given = order(now=NOW)
    event = Event(timestamp=NOW, service="p", message="m" * 999, host="h" * 999, trace_id="t" * 99)
    alert = msgspec.structs.replace(
        given.alerts[0],
        reason="r" * 999,
        labels={"service": "s" * 999},
        annotations={"summary": "s" * 9_999, "runbook": "https://x/" + "y" * 999},
        samples=[event] * 5,
    )
    large = msgspec.structs.replace(given, alerts=[alert] * 30)
    for budget in BUDGETS:
        seen = context(large, instead_of="", now=NOW, budget=budget)
        assert len(seen["alerts"]) == budget.alerts
        assert seen["more"] == 30 - budget.alerts
        first = seen["first"]
        assert len(first["samples"]) == budget.samples
        assert all(len(text) <= budget.sample + 160 for text in first["samples"])
        for name in ("why", "where", "summary", "runbook"):
            assert len(first[name]) <= budget.text
        assert len(first["runbookLink"]) <= budget.link


def test_a_sample_of_many_lines_stays_one_sample() -> None:
    event = Event(timestamp=NOW, service="pay", message="boom\r\n  at f\x1b[0m\n  at g\n")
    assert sample_line(event) == "08:00:00.000 boom\n      at f\n      at g"


def test_nothing_in_a_name_can_spoof_a_message() -> None:
    shown = told(
        rule_name="pay\n:white_check_mark: Resolved\u202e",
        labels={"service": "a|b>c\r\nd"},
        annotations={"runbook": "https://x/a|b>\nc"},
        url="https://x/alerts/a|b",
    )
    assert shown["name"] == "pay :white_check_mark: Resolved"
    assert shown["where"] == "a|b>c d"
    assert shown["runbookLink"] == "https://x/a%7Cb%3E%0Ac"
    assert shown["url"] == "https://x/alerts/a%7Cb"


def test_escaping_reaches_every_text_and_no_name() -> None:
    value = {"<name>": ["<a>", {"x": "<b>"}, 3, None]}
    assert escaped(value, lambda text: text.replace("<", "&lt;")) == {
        "<name>": ["&lt;a>", {"x": "&lt;b>"}, 3, None]
    }
