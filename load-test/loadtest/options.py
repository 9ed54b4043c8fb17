"""What can be chosen on the command line, and where the stack is."""

import argparse
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parents[2]
MAX_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Options:
    """One run. Rates are events a second, times seconds."""

    rate: float
    """0 means as fast as the gateway answers."""
    duration: float
    batch_size: int
    services: int
    connections: int
    ndjson: bool
    seed: int
    markers: int
    retry: bool
    settle: float
    request_timeout: float
    gateway: str
    engine: str
    notifications: str
    kafka: str
    state: Path | None
    json_file: Path | None
    self_test: bool
    only_alerts: bool
    """Follow the load to the alerts, and do not ask what became of those."""
    run: str
    """Names this run: it begins every service name and every idempotency key."""

    @property
    def total(self) -> int:
        """How many events are sent in all; without a rate the clock ends the run."""
        return round(self.rate * self.duration)


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line; argparse ends the process when it makes no sense."""
    parser = _parser()
    given = parser.parse_args(arguments)
    for name in ("gateway", "engine", "notifications"):
        parts = urlsplit(getattr(given, name))
        if parts.scheme != "http" or not parts.hostname:
            parser.error(f"--{name} must be http://host:port, not {getattr(given, name)!r}")
    return Options(
        rate=given.rate,
        duration=given.duration,
        batch_size=given.batch_size,
        services=given.services,
        connections=given.connections,
        ndjson=given.format == "ndjson",
        seed=given.seed,
        markers=given.markers,
        retry=given.retry,
        settle=given.settle,
        request_timeout=given.request_timeout,
        gateway=given.gateway,
        engine=given.engine,
        notifications=given.notifications,
        kafka=given.kafka,
        state=_state_directory(),
        json_file=given.json,
        self_test=given.self_test,
        only_alerts=given.until == "alerts",
        run=f"lt{secrets.token_hex(3)}",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="load-test.sh", description="Post logs at a steady rate and check that none is lost."
    )
    add = parser.add_argument
    add("--rate", type=_at_least(0.0), default=1_000.0, help="events/s; 0: all it takes (1000)")
    add("--duration", type=_at_least(0.1), default=60.0, help="seconds (60)")
    add("--batch-size", type=_batch_size, default=100, help="events a request, 1 to 5000 (100)")
    add("--services", type=_count, default=200, help="different services, Pareto-shared (200)")
    add("--connections", type=_count, default=8, help="connections kept open (8)")
    add("--format", choices=("json", "ndjson"), default="json", help="form of a batch (json)")
    add("--seed", type=int, default=1, help="the same seed sends the same events (1)")
    add("--markers", type=int, default=10, help="alerts to provoke on purpose, within the rate")
    add("--until", choices=("delivery", "alerts"), default="delivery",
        help="how far to follow the load; alerts: no notifier is needed (delivery)")  # fmt: skip
    add("--retry", action="store_true", help="send again what was refused or not answered")
    add("--settle", type=_at_least(0.0), default=30.0, help="wait for the stages to catch up (30)")
    add("--request-timeout", type=_at_least(0.1), default=30.0, help="seconds for an answer (30)")
    add("--gateway", default=_url("TOCSIN_GATEWAY", 8080))
    add("--engine", default=_url("TOCSIN_ENGINE", 8081), help="metrics of the aggregate stage")
    add("--notifications", default=_url("TOCSIN_NOTIFICATION", 8083))
    add("--kafka", default=_kafka(), help="bootstrap servers")
    add("--json", type=Path, metavar="FILE", help="write the report there as JSON as well")
    add("--self-test", action="store_true", help="measure the generator alone, without a stack")
    return parser


def _at_least(low: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not low <= value < float("inf"):
            message = f"{text} is not a number from {low:g} on"
            raise argparse.ArgumentTypeError(message)
        return value

    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        message = f"{text} is below 1"
        raise argparse.ArgumentTypeError(message)
    return number


def _batch_size(text: str) -> int:
    number = _count(text)
    if number > MAX_BATCH:
        message = f"the gateway takes at most {MAX_BATCH} events a request"
        raise argparse.ArgumentTypeError(message)
    return number


def _url(name: str, port: int) -> str:
    return os.environ.get(f"{name}_URL") or (
        f"http://127.0.0.1:{os.environ.get(f'{name}_PORT') or port}"
    )


def _kafka() -> str:
    port = os.environ.get("TOCSIN_KAFKA_PORT") or "9092"
    return os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or f"127.0.0.1:{port}"


def _state_directory() -> Path | None:
    """Return where the native stack keeps its pid files, if one runs from this checkout."""
    chosen = os.environ.get("TOCSIN_STATE")
    candidates = [Path(chosen)] if chosen else [PROJECT / ".tocsin", *_in_var_lib()]
    return next((path for path in candidates if any((path / "run").glob("*.pid"))), None)


def _in_var_lib() -> list[Path]:
    try:
        return sorted(Path("/var/lib").glob("tocsin-*"))
    except OSError:
        return []
