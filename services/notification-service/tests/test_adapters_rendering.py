"""How messages look, and that no template can cost one."""

from typing import Any

import msgspec
import pytest

from alert_contracts.events import Event
from alert_contracts.notifications import Notification
from notification_service.adapters import email, pagerduty, slack
from notification_service.adapters.rendering import Renderer, TemplatePreviewer, refusals
from notification_service.domain.directory import Channel
from notification_service.testing import order

NOW = 1_800_000_000_000


def texts(
    channel: Channel, *, instead_of: str = "", late: int = 0, **overrides: str
) -> dict[str, str]:
    renderer = Renderer(channel, overrides)
    letter = renderer.render(order(now=NOW), key="k", instead_of=instead_of, now=NOW + late)
    return dict(letter.texts)


@pytest.mark.parametrize("channel", [one for one in Channel if one is not Channel.NONE])
def test_every_channel_says_what_where_how_much_and_shows_a_sample(channel: Channel) -> None:
    told = texts(channel)
    for fact in ("High Error Rate", "payment-service"):
        assert fact in told["title"]
    assert "120" in told["text"]
    assert "Database connection failed" in told["text"]
    assert "runbooks.example.com" in told["text"]
    assert "/api/alerts/sample" in told["text"]


@pytest.mark.parametrize("channel", [Channel.SLACK, Channel.EMAIL, Channel.WEBHOOK])
def test_a_resolution_looks_different(channel: Channel) -> None:
    renderer = Renderer(channel, {})
    letter = renderer.render(order(status="resolved", now=NOW), key="k", instead_of="", now=NOW)
    assert "resolved" in letter.texts["title"].lower()
    assert "2 min" in letter.texts["text"]


@pytest.mark.parametrize("channel", [Channel.SLACK, Channel.EMAIL])
def test_a_stand_in_says_for_whom_and_a_late_message_how_late(channel: Channel) -> None:
    told = texts(channel, instead_of="pagerduty", late=720_000)
    assert "pagerduty could not be reached" in told["text"]
    assert "12 min late" in told["text"]


def test_log_lines_can_neither_ping_nor_link_nor_break_out_of_their_block() -> None:
    assert slack.escape("<!channel> <http://evil|x> ```") == (
        "&lt;!channel&gt; &lt;http://evil|x&gt; '''"
    )


def test_html_shows_markup_as_text() -> None:
    told = texts(Channel.EMAIL, html="<b>{{ first.why }}</b>")
    assert told["html"] == "<b>count 120 &gt; threshold 100</b>"


def test_a_users_template_replaces_ours() -> None:
    assert texts(Channel.SLACK, title="{{ first.name }}!")["title"] == "High Error Rate!"


def test_a_go_template_gives_way_to_ours() -> None:
    told = texts(Channel.SLACK, title="{{ .CommonLabels.alertname }}")
    assert "High Error Rate" in told["title"]
    assert set(refusals({"title": "{{ .CommonLabels.alertname }}", "text": "fine"})) == {"title"}


def test_a_template_that_fails_while_rendering_gives_way_to_ours() -> None:
    assert "High Error Rate" in texts(Channel.SLACK, title="{{ 1 // 0 }}")["title"]


def test_an_extra_text_that_fails_is_left_out() -> None:
    assert texts(Channel.SLACK, footer="{{ 1 // 0 }}")["footer"] == ""


def test_a_preview_shows_the_texts_and_names_what_was_refused() -> None:
    shown, refused = TemplatePreviewer().preview(
        Channel.SLACK,
        {"title": "{{ first.name }}", "text": "{{ 1 // 0 }}", "footer": "{% set x = 1 %}"},
        order(),
        now=NOW,
    )
    assert shown["title"] == "High Error Rate"
    assert set(refused) == {"text", "footer"}


LIMITS = {
    Channel.SLACK: {"title": slack.MAX_TITLE, "text": slack.MAX_SECTION},
    Channel.PAGERDUTY: {"title": pagerduty.MAX_SUMMARY, "text": pagerduty.MAX_DETAIL},
    Channel.EMAIL: {"title": email.MAX_SUBJECT, "text": 60_000, "html": 60_000},
    Channel.WEBHOOK: {"title": 60_000, "text": 60_000},
}


def about(now: int = NOW, **changes: Any) -> Notification:  # noqa: ANN401 - any field of NotifiedAlert
    given = order(now=now)
    alert = msgspec.structs.replace(given.alerts[0], **changes)
    return msgspec.structs.replace(given, alerts=[alert])


def rendered(channel: Channel, given: Notification) -> dict[str, str]:
    letter = Renderer(channel, {}).render(given, key="k", instead_of="", now=NOW)
    return dict(letter.texts)


@pytest.mark.parametrize("channel", list(LIMITS))
@pytest.mark.parametrize("stuff", ["x", "&", "é", "<", "\n", "```", "long words and ", "|"])
def test_reason_summary_sample_and_link_always_fit(channel: Channel, stuff: str) -> None:
    event = Event(timestamp=NOW, service="pay", message="SAMPLE " + stuff * 4_000, host=stuff * 200)
    texts = {name: name.upper() + " " + stuff * 4_000 for name in ("summary", "description")}
    given = about(
        reason="REASON " + stuff * 4_000,
        labels={"service": "PLACE " + stuff * 4_000},
        annotations={**texts, "runbook": "https://runbooks.example/" + stuff * 500},
        note="NOTE " + stuff * 200,
        samples=[event] * 5,
    )
    found = rendered(channel, given)
    for name, limit in LIMITS[channel].items():
        assert len(found[name]) <= limit
    for fact in ("REASON", "SUMMARY", "SAMPLE", "/api/alerts/sample"):
        assert fact in found["text"]
    if channel is Channel.SLACK:
        assert found["text"].count("```") == 2
        assert found["text"].count("<") == found["text"].count(">")


def test_many_alerts_fit_too_and_the_rest_are_counted() -> None:
    given = about(annotations={"summary": "y" * 1_000})
    many = msgspec.structs.replace(given, alerts=given.alerts * 40)
    text = rendered(Channel.SLACK, many)["text"]
    assert len(text) <= slack.MAX_SECTION
    assert "more." in text


@pytest.mark.parametrize("channel", list(LIMITS))
def test_names_can_neither_break_a_link_nor_turn_the_text_around(channel: Channel) -> None:
    given = about(
        rule_name="pay\u202e|x>\n*Resolved*",
        labels={"service": "a|b>c\x00\u2066\nd"},
        annotations={"summary": "s\u202e\x1b[31m!", "runbook": "https://x/a|b> c\n<d>"},
        samples=[Event(timestamp=NOW, service="pay", message="m\u202e\x07```<!here>")],
        url="https://x/alerts/a|b>",
    )
    for text in rendered(channel, given).values():
        assert not set(text) & set("\u202e\u2066\x00\x07\x1b")
    text = rendered(channel, given)["text"]
    assert "https://x/alerts/a%7Cb%3E" in text
    assert "https://x/a%7Cb%3E%20c%0A%3Cd%3E" in text
    assert "\n" not in rendered(channel, given)["title"]


@pytest.mark.parametrize("channel", list(LIMITS))
def test_a_change_an_absence_and_a_reopened_alert_are_told_as_such(channel: Channel) -> None:
    change = rendered(channel, about(found={"old": "1.4", "new": "1.5"}))
    assert "1.4 → 1.5" in change["text"]
    silent: dict[str, Any] = {"samples": [], "aggregates": {"count": 0.0}}
    absence = about(rule_type="ABSENCE", group={"host": "pay-3"}, late_by=5_000, **silent)
    assert "no event of host=pay-3" in rendered(channel, absence)["text"]
    assert "5 s late" in rendered(channel, absence)["text"]
    again = msgspec.structs.replace(about(note="resolved by ada 1 h 0 min ago"), reason="reopened")
    assert "resolved by ada 1 h 0 min ago" in rendered(channel, again)["text"]
    if channel is not Channel.PAGERDUTY:
        assert "(firing again)" in rendered(channel, again)["title"]


@pytest.mark.parametrize("channel", [Channel.SLACK, Channel.EMAIL, Channel.WEBHOOK])
def test_a_resolution_says_why_it_fired_and_why_it_is_over(channel: Channel) -> None:
    over = about(status="resolved", ends_at=NOW, resolved_reason="quiet for 5m")
    text = rendered(channel, msgspec.structs.replace(over, status="resolved"))["text"]
    assert "quiet for 5m" in text
    assert "count 120" in text
    assert channel is not Channel.SLACK or "Its last reason: count 120" in text
