"""The verdict: what is lost is named, and nothing is called well that was not seen."""

import dataclasses
import json
import os
from typing import Any

import pytest
from loadtest import processes
from loadtest.broker import InKafka
from loadtest.outcome import Outcome
from loadtest.report import Report, render, verdict
from loadtest.stats import percentiles, slope

NONE = percentiles([])
GOOD = Report(
    run="lt1",
    settings={"rate": 1000},
    elapsed_s=60.0,
    counted_after_s=60.5,
    sent=60_000,
    accepted=60_000,
    rejected=0,
    refused={},
    unanswered=0,
    kafka=InKafka(events=60_100, records=610, own_events=60_000, repeated_events=0),
    counted=60_100,
    alerts_fired=3,
    alerts_of_run=3,
    alerts_of_run_delivered=3,
    deliveries=6,
    deliveries_failed=0,
    accept=percentiles([1.0, 2.0]),
    engine_lag=NONE,
    lag_growth=None,
    alert_decided=NONE,
    alert_written=percentiles([30.0]),
    alert_delivered=percentiles([40.0]),
    alert_judged=NONE,
    cpu_us_per_event={"kafka": 1.5, "api-gateway": 6.25},
)


def test_all_is_well_when_every_stage_agrees() -> None:
    assert verdict(GOOD) == "ok"
    text = render(GOOD)
    assert "60,000" in text
    assert "100 of other senders" in text
    assert "OK: nothing lost" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"accepted": 0, "kafka": InKafka(0, 0, 0, 0), "counted": 0}, "nothing was accepted"),
        ({"kafka": InKafka(60_000, 600, 59_900, 0)}, "100 accepted events are not in Kafka"),
        ({"kafka": InKafka(60_100, 600, 59_900, 100)}, "100 accepted events are not in Kafka"),
        ({"kafka": InKafka(60_200, 602, 60_100, 0), "counted": 60_200}, "under two batch ids"),
        ({"counted": 60_000}, "100 events in Kafka were not counted"),
        ({"counted": 60_200}, "100 events were counted twice"),
        ({"alerts_of_run_delivered": 2}, "1 of 3 alerts were not delivered"),
    ],
)
def test_every_loss_is_named(change: dict[str, Any], words: str) -> None:
    report = dataclasses.replace(GOOD, **change)
    assert verdict(report) == "lost"
    assert words in render(report)


def test_a_request_that_was_sent_twice_may_be_counted_once() -> None:
    report = dataclasses.replace(
        GOOD, kafka=InKafka(60_100, 601, 60_000, 100), counted=60_000, unanswered=0
    )
    assert verdict(report) == "ok"


def test_a_stage_that_could_not_be_asked_makes_the_verdict_unknown() -> None:
    report = dataclasses.replace(GOOD, kafka=None, problems=("Kafka does not answer",))
    assert verdict(report) == "unknown"
    assert "Kafka does not answer" in render(report)


def test_what_was_refused_is_shown_with_its_status() -> None:
    report = dataclasses.replace(GOOD, refused={"503": 200}, unanswered=100)
    assert "503" in render(report)
    assert "unanswered" in render(report)


def test_the_report_is_also_json() -> None:
    document = json.loads(json.dumps(GOOD.as_json()))
    assert document["verdict"] == "ok"
    assert document["latencyMs"]["acceptedToDelivered"]["p50"] == 40.0
    assert document["eventsPerSecond"]["accepted"] == 1000


def test_alert_latencies_count_from_the_acceptance_of_the_event_that_crossed() -> None:
    outcome = Outcome(
        accepted={"a": 1_000, "b": 2_000, "p95": 1_000},
        decided={"a": 1_020, "b": 2_030, "p95": 9_000},
        judged={"p95"},
        delivered={"a": 1_100, "p95": 9_100, "of another run": 5},
    )
    assert outcome.decided_ms(judged=False) == [20.0, 30.0]
    assert outcome.delivered_ms(judged=False) == [100.0]
    assert outcome.decided_ms(judged=True) == [8_000.0]
    assert outcome.undelivered() == 1


def test_the_cpu_time_of_our_own_process_is_read() -> None:
    assert processes.usage(None)["load-test"][os.getpid()] > 0


def test_a_process_that_was_restarted_counts_from_its_start() -> None:
    before = {"kafka": {10: 5.0, 11: 1.0}, "sink": {20: 3.0}}
    after = {"kafka": {10: 7.0, 11: 1.5}, "sink": {21: 0.25}}
    assert processes.cpu_seconds(before, after) == {"kafka": 2.5, "sink": 0.25}


def test_alerts_that_nobody_followed_are_not_lost() -> None:
    assert verdict(dataclasses.replace(GOOD, alerts_of_run_delivered=None)) == "ok"


def test_a_lag_that_grows_is_told_as_a_share_of_the_load() -> None:
    shown = render(dataclasses.replace(GOOD, lag_growth=20.0))
    assert "lag grows            20/s (2.0% of the load)" in shown


def test_a_slope_is_that_of_the_line_through_the_points() -> None:
    assert slope([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]) == pytest.approx(2.0)
    assert slope([]) is None
    assert slope([(1.0, 5.0), (1.0, 6.0)]) is None
