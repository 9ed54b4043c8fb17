"""The committed dashboards: generated, complete, and without a name that nobody exports."""

import ast
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tocsin_dashboards.__main__ import BOARDS, DIRECTORY, render
from tocsin_dashboards.board import Board
from tocsin_dashboards.promql import concrete, expressions, load, metrics

ROOT = Path(__file__).parents[2]
DASHBOARDS = load(DIRECTORY)
QUERIES = [(name, *one) for name, board in DASHBOARDS.items() for one in expressions(board)]
EVERYBODY_HAS = {
    "up",
    "ALERTS",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
}
GRID = 24


def exported() -> set[str]:
    """Return every text in the telemetry of services and runtime: the metrics are among them."""
    files = [
        *ROOT.glob("services/*/src/*/telemetry.py"),
        *ROOT.glob("shared/service-runtime/src/service_runtime/*.py"),
    ]
    names = {
        node.value
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return names | {f"{name}_total" for name in names if name.startswith("tocsin_")}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_the_committed_file_is_what_the_generator_writes(board: Board) -> None:
    assert (DIRECTORY / f"{board.uid}.json").read_text() == render(board)


def test_every_committed_dashboard_has_a_generator() -> None:
    assert set(DASHBOARDS) == {f"{board.uid}.json" for board in BOARDS}
    assert {board["title"] for board in DASHBOARDS.values()} == {
        "Tocsin / On call",
        "Tocsin / Pipeline",
    }


@pytest.mark.parametrize("name", DASHBOARDS)
def test_grafanas_own_model_reads_a_dashboard_and_loses_nothing(name: str) -> None:
    read = Dashboard.from_json(DASHBOARDS[name])
    again = JSONEncoder(sort_keys=True, indent=2).encode(read)
    assert again + "\n" == (DIRECTORY / name).read_text()


@pytest.mark.parametrize(
    ("name", "panel", "expression"),
    QUERIES,
    ids=[f"{number}-{title}" for number, (_, title, _) in enumerate(QUERIES)],
)
def test_a_query_names_only_metrics_that_are_exported(
    name: str, panel: str, expression: str
) -> None:
    named = metrics(expression)
    assert named, (name, panel)
    assert named - EVERYBODY_HAS - exported() == set()


def test_metrics_are_found_in_an_expression() -> None:
    expression = (
        'histogram_quantile(0.99, sum by (le) (rate(a_seconds_bucket{job=~"x|y"}[5m]))) '
        "/ on(job) clamp_min(b_total, 1e-9) > 0 or vector(0)"
    )
    assert metrics(expression) == {"a_seconds", "b_total"}


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool comes with Prometheus")
def test_prometheus_parses_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": concrete(expr, rate_interval="1m", span="1h")}
        for number, (_, _, expr) in enumerate(QUERIES)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(JSONEncoder().encode({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(  # noqa: S603
        ["promtool", "check", "rules", file],  # noqa: S607
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_panel_says_what_it_shows_and_where_the_data_is_from(name: str) -> None:
    for panel in panels(DASHBOARDS[name]):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["targets"], panel["title"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_have_numbers_of_their_own_and_fill_their_rows(name: str) -> None:
    board = DASHBOARDS[name]
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)
    for before, after in pairwise(panels(board)):
        one, two = before["gridPos"], after["gridPos"]
        if one["y"] == two["y"]:
            assert two["x"] == one["x"] + one["w"]
        else:
            assert one["x"] + one["w"] == GRID, before["title"]


def test_what_was_promised_is_on_the_dashboards() -> None:
    shown = {metric for _, _, expression in QUERIES for metric in metrics(expression)}
    assert {
        "alerts_processed_total",
        "alerts_deduplicated_total",
        "notifications_sent_total",
        "tocsin_circuit_breaker_state",
        "tocsin_alert_to_notification_seconds",
        "tocsin_consumer_lag_records",
        "tocsin_ingest_events_total",
        "tocsin_engine_freshness_seconds",
    } <= shown
