"""Logs of an outage stay readable and bounded; metrics come one by one, and are whole."""

import logging
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_open

from service_runtime.telemetry import MAX_KEYS, REPEAT_SECONDS, Throttle, render_metrics


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


@pytest.mark.parametrize(
    ("accept", "whole"),
    [("", generate_latest), ("application/openmetrics-text; version=1.0.0", generate_open)],
)
def test_metrics_come_one_by_one_and_are_whole(accept: str, whole: Callable[..., bytes]) -> None:
    registry = CollectorRegistry()
    Counter("things", "Things", ["kind"], registry=registry).labels("a").inc()
    Gauge("level", "Level", registry=registry).set(2)
    parts, kind = render_metrics(accept, registry)
    told = list(parts)
    assert b"".join(told) == whole(registry)
    assert kind.startswith(accept or "text/plain; version=0.0.4")
    assert sum(part.startswith(b"# HELP") for part in told) == 2
