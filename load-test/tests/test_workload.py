"""The workload is realistic, repeatable and cheap."""

import json
from collections import Counter
from itertools import cycle, islice

import pytest
from loadtest.markers import ERRORS_OF_A_MARKER, marker_body
from loadtest.workload import ERROR_SHARE, batch, make_pool, service_names

POOL = make_pool(seed=7, services=200, size=4_000)
EVENTS = [json.loads(b"{" + tail) for tail in POOL.tails]
NOW_MS = 1_795_000_000_123


def test_the_same_seed_sends_the_same_events() -> None:
    assert make_pool(seed=7, services=200, size=4_000) == POOL
    assert make_pool(seed=8, services=200, size=4_000) != POOL


def test_one_event_in_twenty_is_an_error() -> None:
    errors = sum(event["level"] == "ERROR" for event in EVENTS)
    assert errors / len(EVENTS) == pytest.approx(ERROR_SHARE, abs=0.015)


def test_a_few_services_make_most_of_the_traffic() -> None:
    traffic = Counter(event["service"] for event in EVENTS).most_common()
    assert sum(count for _, count in traffic[:20]) > len(EVENTS) / 2
    assert len(traffic) > 100


def test_latencies_have_a_long_tail() -> None:
    latencies = sorted(event["responseTime"] for event in EVENTS)
    median = latencies[len(latencies) // 2]
    assert 60 < median < 110
    assert latencies[-len(latencies) // 100] > 5 * median


def test_service_names_are_distinct_however_many_there_are() -> None:
    assert len(set(service_names(1_000, prefix="lt-"))) == 1_000


@pytest.mark.parametrize("ndjson", [True, False])
@pytest.mark.parametrize("count", [1, 100, 9_000])
def test_a_batch_holds_the_events_from_its_start_with_the_time_of_sending(
    count: int, *, ndjson: bool
) -> None:
    body = batch(POOL, start=3_990, count=count, now_ms=NOW_MS, ndjson=ndjson)
    events = list(map(json.loads, body.splitlines())) if ndjson else json.loads(body)
    expected = [
        {**event, "timestamp": NOW_MS} for event in islice(cycle(EVENTS), 3_990, 3_990 + count)
    ]
    assert events == expected


def test_a_marker_is_one_error_more_than_the_default_rule_takes() -> None:
    events = json.loads(marker_body("lt1", 3, now_ms=NOW_MS, ndjson=False))
    assert len(events) == ERRORS_OF_A_MARKER == 101
    assert {(event["service"], event["level"]) for event in events} == {("lt1-marker-3", "ERROR")}
    assert marker_body("lt1", 3, now_ms=NOW_MS, ndjson=True).count(b"\n") == 100
