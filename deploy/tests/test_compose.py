"""docker-compose.yml: what every process gets, and that its settings are documented."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
ONE_SHOTS = {"init-topics", "migrate"}
OWN_PROBE = {"kafka", "redis", "postgres", "prometheus", "grafana"}
DEFAULTS = re.compile(r"\$\{([A-Z_]+):?-([^}]*)\}")
PORTS = {
    "api-gateway": "8080",
    "rule-aggregate": "8081",
    "alert-manager": "8082",
    "notification-service": "8083",
    "grafana": "3000",
    "postgres": "5432",
    "redis": "6379",
    "prometheus": "9090",
    "kafka": "9092",
    "sink": "8090",
}


@pytest.mark.parametrize("name", SERVICES)
def test_a_process_can_do_little_to_the_machine(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    limits = service["deploy"]["resources"]["limits"]
    assert limits["memory"]
    assert limits["pids"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_process_comes_back_and_its_log_is_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("no" if name in ONE_SHOTS else "unless-stopped")
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}


@pytest.mark.parametrize("name", sorted(OWN_PROBE))
def test_a_foreign_image_gets_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_ports_are_published_on_loopback_unless_told_otherwise() -> None:
    published = {}
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            bind, rest = port.split("}:", 1)
            assert bind == "${TOCSIN_BIND:-127.0.0.1", name
            default = DEFAULTS.search(rest)
            assert default
            assert default[2] == rest.rpartition(":")[2]
            published[name] = default[2]
    assert published == PORTS


def test_every_variable_is_in_the_example_with_its_default() -> None:
    used = set(DEFAULTS.findall(TEXT))
    example = (ROOT / ".env.example").read_text()
    documented = set(re.findall(r"^#([A-Z_]+)=(.*)$", example, re.MULTILINE))
    assert used == documented
    assert "$${" not in example


def test_nothing_pulls_our_own_images_from_elsewhere() -> None:
    for name, service in SERVICES.items():
        assert service["image"].startswith("tocsin/") == ("build" in service), name


def test_every_service_with_tables_is_migrated_before_it_starts() -> None:
    there = {
        str(path.relative_to(ROOT)) for path in ROOT.glob("services/*/migrations") if path.is_dir()
    }
    assert set(SERVICES["migrate"]["command"][1:]) == there
    for directory in there:
        wanted = SERVICES[Path(directory).parent.name]["depends_on"]["migrate"]
        assert wanted == {"condition": "service_completed_successfully"}


def test_whoever_needs_topics_waits_for_them() -> None:
    for name, service in SERVICES.items():
        if "KAFKA_BOOTSTRAP_SERVERS" in service.get("environment", {}) and name != "init-topics":
            wanted = service["depends_on"]["init-topics"]
            assert wanted == {"condition": "service_completed_successfully"}, name


def test_the_dockerfile_needs_neither_a_frontend_from_elsewhere_nor_root() -> None:
    dockerfile = (ROOT / "services/Dockerfile").read_text()
    assert "# syntax=" not in dockerfile
    assert "@sha256:" not in dockerfile + TEXT
    assert "USER 10001:10001" in dockerfile
    assert "--require-hashes" in dockerfile
