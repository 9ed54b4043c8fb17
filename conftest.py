"""Fixtures that every member's tests share: the real servers, started once a run."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from service_runtime.migrate import migrate
from service_runtime.testing import Backing, backing_services, fresh_schema

PROJECT = Path(__file__).parent
settings.register_profile(  # nothing in it depends on how busy the machine is
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers are stopped, not left behind


@pytest.fixture(scope="session")
def backing() -> Iterator[Backing]:
    """Real Kafka, Redis and Postgres. Tests that use it carry the marker `docker`."""
    with backing_services(PROJECT) as found:
        yield found


@pytest.fixture
def database_url(backing: Backing) -> Iterator[str]:
    """A Postgres schema of this test's own, with every service's tables."""
    with fresh_schema(backing.postgres_url) as url:
        for directory in sorted(PROJECT.glob("services/*/migrations")):
            migrate(url, directory)
        yield url
