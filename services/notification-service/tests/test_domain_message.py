"""What a person reads, with and without templates."""

import msgspec
import pytest

from alert_contracts.events import Event
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


def test_escaping_reaches_every_text_and_no_name() -> None:
    value = {"<name>": ["<a>", {"x": "<b>"}, 3, None]}
    assert escaped(value, lambda text: text.replace("<", "&lt;")) == {
        "<name>": ["&lt;a>", {"x": "&lt;b>"}, 3, None]
    }
