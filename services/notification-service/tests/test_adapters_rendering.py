"""How messages look, and that no template can cost one."""

import pytest

from notification_service.adapters import slack
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
