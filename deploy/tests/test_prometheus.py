"""Prometheus' files, checked by its own tool."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DIRECTORY = ROOT / "deploy/prometheus"
PROCESSES = {
    "api-gateway",
    "rule-evaluate",
    "rule-aggregate",
    "alert-manager",
    "notification-service",
}


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool comes with Prometheus")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "rules.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_agrees(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["promtool", *arguments],  # noqa: S607
        cwd=DIRECTORY,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_process_of_ours_is_scraped_under_its_own_name() -> None:
    jobs = yaml.safe_load((DIRECTORY / "prometheus.yml").read_text())["scrape_configs"]
    assert {job["job_name"] for job in jobs} == PROCESSES | {"prometheus"}
    assert set(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]) >= PROCESSES


def test_every_warning_says_what_is_wrong_and_what_to_do() -> None:
    groups = yaml.safe_load((DIRECTORY / "rules.yml").read_text())["groups"]
    for rule in (rule for group in groups for rule in group["rules"] if "alert" in rule):
        assert rule["alert"].startswith("Tocsin")
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "description"}


def test_every_warning_has_a_test() -> None:
    groups = yaml.safe_load((DIRECTORY / "rules.yml").read_text())["groups"]
    tests = (DIRECTORY / "rules_test.yml").read_text()
    names = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    covered = {name for name in names if name in tests}
    assert names - covered <= {"TocsinDeliveryFails", "TocsinCircuitBreakerOpen"}  # by a pattern
