"""Where the stack is: environment first, then what `setup.sh` was told, then the defaults."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs without a slash at the end, and what the client libraries want."""

    gateway: str
    engine: str
    manager: str
    notifier: str
    sink: str
    kafka: str
    redis: str
    database: str = field(repr=False)
    """With its password, so it is not shown."""
    state: Path | None
    """The state directory of a native stack; None when there is none, as under Compose."""


@cache
def addresses() -> Addresses:
    """Return where the stack under test is."""
    state = state_directory()
    told = _told(state)
    kafka = f"127.0.0.1:{told.get('TOCSIN_KAFKA_PORT') or 9092}"
    redis = f"redis://127.0.0.1:{told.get('TOCSIN_REDIS_PORT') or 6379}/0"
    return Addresses(
        gateway=_url(told, "TOCSIN_GATEWAY", 8080),
        engine=_url(told, "TOCSIN_ENGINE", 8081),
        manager=_url(told, "TOCSIN_ALERT_MANAGER", 8082),
        notifier=_url(told, "TOCSIN_NOTIFICATION", 8083),
        sink=_url(told, "TOCSIN_SINK", 8090),
        kafka=told.get("KAFKA_BOOTSTRAP_SERVERS") or kafka,
        redis=told.get("REDIS_URL") or redis,
        database=_database(told, state),
        state=state,
    )


def state_directory() -> Path | None:
    """Return the state directory of the native stack that runs from this checkout, if any."""
    chosen = os.environ.get("TOCSIN_STATE")
    beside = [PROJECT / ".tocsin", *sorted(Path("/var/lib").glob("tocsin-*"))]
    candidates = [Path(chosen)] if chosen else beside
    return next((path for path in candidates if (path / "run/supervisord.pid").exists()), None)


def _told(state: Path | None) -> Mapping[str, str]:
    kept: dict[str, str] = {}
    if state is not None and (state / "config/variables.json").exists():
        kept = json.loads((state / "config/variables.json").read_text())
    return {**kept, **os.environ}


def _url(told: Mapping[str, str], name: str, port: int) -> str:
    return told.get(f"{name}_URL") or f"http://127.0.0.1:{told.get(f'{name}_PORT') or port}"


def _database(told: Mapping[str, str], state: Path | None) -> str:
    given = told.get("DATABASE_URL")
    if given:
        return given
    if state is not None and (state / "secrets/database-url").exists():
        return (state / "secrets/database-url").read_text().strip()
    password = told.get("TOCSIN_POSTGRES_PASSWORD") or told.get("POSTGRES_PASSWORD") or "alertpass"
    port = told.get("TOCSIN_POSTGRES_PORT") or 5432
    return f"postgresql://alertuser:{password}@127.0.0.1:{port}/alertdb"
