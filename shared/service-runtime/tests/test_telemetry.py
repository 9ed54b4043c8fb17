"""Logs of an outage stay readable and bounded."""

import logging

from service_runtime.telemetry import MAX_KEYS, REPEAT_SECONDS, Throttle


def _line(text: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("librdkafka", logging.ERROR, "", 0, text, args, None)


def test_a_library_repeats_itself_once_in_a_while_and_says_how_often() -> None:
    now = 0.0
    throttle = Throttle(lambda: now)
    passed = [throttle.filter(_line("%s refused", "localhost:9092")) for _ in range(5)]
    assert passed == [True, False, False, False, False]
    assert throttle.filter(_line("something else"))
    now = REPEAT_SECONDS
    line = _line("%s refused", "localhost:9092")
    assert throttle.filter(line)
    assert line.getMessage() == "localhost:9092 refused (4 more like it)"


def test_our_own_events_are_never_held_back() -> None:
    throttle = Throttle(lambda: 0.0)
    ours = logging.LogRecord("x", logging.INFO, "", 0, {"event": "alert"}, (), None)
    assert all(throttle.filter(ours) for _ in range(5))


def test_what_is_remembered_is_bounded() -> None:
    throttle = Throttle(lambda: 0.0)
    for number in range(MAX_KEYS + 1):
        throttle.filter(_line(f"{number} fails"))
    assert throttle.filter(_line("0 fails"))
