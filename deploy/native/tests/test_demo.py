"""The demo: its burst, and its reading of what arrived."""

from native.demo import ERRORS, burst, plain, words


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


def test_slacks_markup_is_shown_as_a_reader_sees_it() -> None:
    text = (
        ":rotating_light: CRITICAL: *High error count* 130 &gt; 100 "
        "<!date^1795257394^{time}|10:36:34 UTC> <http://127.0.0.1:8082/a|Open the alert>"
    )
    assert plain(text) == (
        "CRITICAL: High error count 130 > 100 10:36:34 UTC Open the alert: http://127.0.0.1:8082/a"
    )
