"""Every expression of every panel, asked of a Prometheus that scrapes a running stack.

PROMETHEUS_URL names that Prometheus and GATEWAY_URL the gateway that traffic is sent to. With
GATEWAY_URL alone, a Prometheus of the test's own scrapes the stack at the ports of TOCSIN_*_PORT.
Without either there is no stack to ask, and the test is skipped.
"""

import json
import math
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from tocsin_dashboards.__main__ import DIRECTORY
from tocsin_dashboards.promql import concrete, expressions, load, metrics

PATIENCE_SECONDS: Final = 90.0
SCRAPED: Final = {
    "api-gateway": ("TOCSIN_GATEWAY_PORT", 8080),
    "rule-evaluate": ("TOCSIN_EVALUATE_PORT", 8084),
    "rule-aggregate": ("TOCSIN_ENGINE_PORT", 8081),
    "alert-manager": ("TOCSIN_ALERT_MANAGER_PORT", 8082),
    "notification-service": ("TOCSIN_NOTIFICATION_PORT", 8083),
}
QUERIES = [
    (board, title, expression)
    for board, content in load(DIRECTORY).items()
    for title, expression in expressions(content)
]
NOT_METRICS = {"up", "ALERTS"}


def fetch(url: str, body: bytes | None = None) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON that a URL answers; an error answer's too."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - test's own
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def ask(prometheus: str, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
    answer = fetch(f"{prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
    assert answer["status"] == "success", answer
    return answer["data"]


def has_data(prometheus: str, expression: str) -> bool:
    """Whether an expression gives at least one number now."""
    text = concrete(expression, rate_interval="5m", span="15m")
    result = ask(prometheus, "query", query=text)["result"]
    return any(not math.isnan(float(sample["value"][1])) for sample in result)


def own_prometheus(directory: Path) -> Iterator[str]:
    """Run a Prometheus over the stack's ports for as long as the test takes."""
    jobs = [
        {
            "job_name": name,
            "static_configs": [{"targets": [f"127.0.0.1:{os.environ.get(variable) or port}"]}],
        }
        for name, (variable, port) in SCRAPED.items()
    ]
    configuration = directory / "prometheus.yml"
    configuration.write_text(
        json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs})
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with (directory / "prometheus.log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - names of our own
            [  # noqa: S607
                "prometheus",
                f"--config.file={configuration}",
                f"--storage.tsdb.path={directory}/data",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_ready(f"http://{address}")
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_until_ready(prometheus: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{prometheus}/-/ready", timeout=2):  # noqa: S310
                return
        except OSError:
            assert time.monotonic() < deadline, "Prometheus did not get ready"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that scrapes the stack."""
    given = os.environ.get("PROMETHEUS_URL")
    if given:
        yield given.rstrip("/")
    elif not os.environ.get("GATEWAY_URL"):
        pytest.skip("PROMETHEUS_URL or GATEWAY_URL must name a running stack")
    elif not shutil.which("prometheus"):
        pytest.fail("GATEWAY_URL without PROMETHEUS_URL needs the program prometheus")
    else:
        yield from own_prometheus(tmp_path_factory.mktemp("prometheus"))


@pytest.fixture(scope="module")
def traffic(prometheus: str) -> str:
    """Events that fire an alert, an event that is refused, and time to see what became of them."""
    gateway = os.environ.get("GATEWAY_URL", "http://127.0.0.1:8080").rstrip("/")
    refused = {"service": "panels", "level": "INFO"}
    for _ in range(2):  # an alert each, with scrapes between: every counter is seen to move
        service = f"panels-{uuid4().hex[:8]}"
        events = [{"service": service, "level": "ERROR", "message": "it broke"}] * 120
        answer = fetch(f"{gateway}/api/logs/batch", json.dumps([*events, refused]).encode())
        assert (answer["accepted"], answer["rejected"]) == (len(events), 1), answer
        time.sleep(7)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not all(has_data(prometheus, expression) for _, _, expression in QUERIES):
        if time.monotonic() > deadline:
            break  # the tests below say which
        time.sleep(2)
    return gateway


@pytest.mark.usefixtures("traffic")
@pytest.mark.parametrize(
    ("board", "title", "expression"),
    QUERIES,
    ids=[f"{number}-{title}" for number, (_, title, _) in enumerate(QUERIES)],
)
def test_a_panel_has_data(prometheus: str, board: str, title: str, expression: str) -> None:
    assert has_data(prometheus, expression), f"{board}: {title}: {expression}"


@pytest.mark.usefixtures("traffic")
def test_no_expression_hides_a_misspelt_metric_behind_a_default(prometheus: str) -> None:
    exported = set(ask(prometheus, "metadata"))
    named = {name for _, _, expression in QUERIES for name in metrics(expression)} - NOT_METRICS
    # In OpenMetrics a counter is announced without the suffix of its series.
    missing = {name for name in named if not {name, name.removesuffix("_total")} & exported}
    assert missing == set()


@pytest.mark.usefixtures("traffic")
def test_every_label_that_a_panel_splits_by_is_there(prometheus: str) -> None:
    splits = {
        "alerts_processed_total": set[str](),
        "tocsin_alert_decisions_total": {"reason"},
        "tocsin_alert_notifications_total": {"receiver"},
        "notifications_sent_total": {"channel", "status"},
        "tocsin_circuit_breaker_state": {"destination"},
        "tocsin_delivery_seconds_bucket": {"channel"},
        "tocsin_ingest_events_total": {"outcome"},
        "tocsin_ingest_requests_total": {"route", "status"},
        "tocsin_engine_partials_total": {"outcome"},
        "tocsin_rule_healthy": {"tenant", "rule_id"},
        "tocsin_engine_alerts_total": {"status"},
        "tocsin_consumer_lag_records": {"group", "topic"},
        "tocsin_build_info": {"service", "version", "commit"},
    }
    for metric, labels in splits.items():
        series = ask(prometheus, "query", query=metric)["result"]
        assert series, metric
        assert labels <= set(series[0]["metric"]), metric
