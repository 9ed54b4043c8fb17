"""The demo: its burst, and its reading of what arrived."""

from native.demo import ERRORS, burst, words


def test_the_burst_crosses_the_shipped_threshold_of_100_errors() -> None:
    events = burst("checkout-1")
    assert sum(event["level"] == "ERROR" for event in events) == ERRORS > 100
    assert {event["service"] for event in events} == {"checkout-1"}


def test_the_words_of_a_message_come_in_order_and_without_its_mechanics() -> None:
    slack = {
        "text": "CRITICAL: too many errors",
        "channel": "#alerts",
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "130 errors in 5 min"}},
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "service: checkout"}]},
        ],
    }
    assert list(words(slack)) == [
        "CRITICAL: too many errors",
        "130 errors in 5 min",
        "service: checkout",
    ]
