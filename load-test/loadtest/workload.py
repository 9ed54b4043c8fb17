"""What is sent: log lines as a middle-sized company writes them, encoded before the clock runs.

A pool of distinct events is encoded once. A batch is a slice of the pool, joined by the time of
sending, which costs a twentieth of a microsecond an event: the generator never is the bottleneck.
"""

import json
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

POOL = 20_000
HEAD = b'{"timestamp":%d,'
"""Each encoded event begins so, with the time of sending, epoch milliseconds."""
TIME_BYTES = 13
PARETO_ALPHA = 1.2
ERROR_SHARE = 0.05
STATUS_OF_AN_ERROR, TRACED, WITH_ATTRIBUTES = 0.6, 0.4, 0.5
"""Shares: of errors that carry a 5xx, of events with a trace id, and with attributes."""
MEDIAN_MS = 80.0
SIGMA = 0.9
SLOWER_WHEN_FAILING = 6.0

TEAMS = ("checkout", "payment", "search", "account", "cart", "shipping", "media", "pricing",
         "ledger", "notify")  # fmt: skip
PARTS = ("api", "worker", "gateway", "cache", "indexer", "consumer", "scheduler", "proxy",
         "store", "sync")  # fmt: skip
REGIONS = ("eu-west", "eu-north", "us-east", "ap-south")
LEVELS = ("INFO", "DEBUG", "WARN", "TRACE")
LEVEL_WEIGHTS = (70, 18, 10, 2)
STATUSES = (200, 201, 204, 301, 304, 400, 401, 404, 409, 429)
STATUS_WEIGHTS = (70, 6, 6, 2, 4, 3, 2, 5, 1, 1)
SERVER_ERRORS = (500, 502, 503, 504)
MESSAGES = (
    "{method} {path}/{id} answered in {ms} ms",
    "Order {id} moved to state {word}",
    "Cache miss for key {word}:{id}",
    "User {id} signed in from {ip}",
    "Job {word} picked up {small} items",
    "Published {small} records to {word}",
    "Connection to {ip} reused, {small} left in the pool",
    "Feature {word} is on for user {id}",
)
ERROR_MESSAGES = (
    "Database connection failed: timeout after {ms} ms ({ip}:5432)",
    "Upstream {word} answered {small} times with a server error",
    "{method} {path}/{id} failed: deadline exceeded after {ms} ms",
    "Cannot decode message {id}: unexpected end of input",
    "Out of memory while building report {id}",
)
METHODS = ("GET", "POST", "PUT", "DELETE")
PATHS = ("/v1/orders", "/v1/carts", "/v2/items", "/v1/users", "/v1/quotes")
WORDS = ("paid", "basket", "invoice", "reindex", "session", "stock", "quote", "parcel")


class Pool(NamedTuple):
    """Encoded events without their `HEAD`."""

    tails: Sequence[bytes]
    mean_bytes: float


def service_names(count: int, *, prefix: str = "") -> list[str]:
    """Return `count` distinct names in the order of their traffic."""
    names = []
    for number in range(count):
        team, part = TEAMS[number % len(TEAMS)], PARTS[number // len(TEAMS) % len(PARTS)]
        generation = number // (len(TEAMS) * len(PARTS))
        names.append(f"{prefix}{team}-{part}" + (f"-{generation + 1}" if generation else ""))
    return names


def make_pool(*, seed: int, services: int, size: int = POOL, prefix: str = "") -> Pool:
    """Return the events of this seed: the same arguments give the same bytes."""
    chance = random.Random(seed)  # noqa: S311 - a workload, no secret
    names = service_names(services, prefix=prefix)
    weights = [1 / (rank + 1) ** PARETO_ALPHA for rank in range(services)]
    chosen = chance.choices(names, weights, k=size)
    encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
    tails = [encode(_event(chance, name)).encode().removeprefix(b"{") for name in chosen]
    head = len(HEAD) - len("%d") + TIME_BYTES
    return Pool(tails, head + sum(map(len, tails)) / size)


def batch(pool: Pool, *, start: int, count: int, now_ms: int, ndjson: bool) -> bytes:
    """Return the body that holds `count` events of the pool from position `start` on."""
    size = len(pool.tails)
    first = start % size
    chosen = pool.tails[first : first + count]
    while len(chosen) < count:
        chosen = [*chosen, *pool.tails[: count - len(chosen)]]
    head = HEAD % now_ms
    between = b"\n" if ndjson else b","
    events = (between + head).join(chosen)
    return head + events if ndjson else b"".join((b"[", head, events, b"]"))


def _event(chance: random.Random, service: str) -> dict[str, Any]:
    failing = chance.random() < ERROR_SHARE
    latency = chance.lognormvariate(0, SIGMA) * MEDIAN_MS * (SLOWER_WHEN_FAILING if failing else 1)
    event: dict[str, Any] = {
        "service": service,
        "level": "ERROR" if failing else chance.choices(LEVELS, LEVEL_WEIGHTS)[0],
        "message": message_of(chance, failing=failing, latency=latency),
        "statusCode": status_of(chance, failing=failing),
        "responseTime": round(latency, 1),
        "host": f"{service}-{chance.randrange(1, 7)}",
    }
    if chance.random() < TRACED:
        event["traceId"] = f"{chance.getrandbits(128):032x}"
    if chance.random() < WITH_ATTRIBUTES:
        event["attributes"] = {"region": chance.choice(REGIONS), "version": _version(chance)}
    return event


def status_of(chance: random.Random, *, failing: bool) -> int:
    """Return an event's status code."""
    if failing and chance.random() < STATUS_OF_AN_ERROR:
        return chance.choice(SERVER_ERRORS)
    return chance.choices(STATUSES, STATUS_WEIGHTS)[0]


def message_of(chance: random.Random, *, failing: bool, latency: float) -> str:
    """Return an event's message; `latency` in milliseconds."""
    template = chance.choice(ERROR_MESSAGES if failing else MESSAGES)
    return template.format(
        method=chance.choice(METHODS),
        path=chance.choice(PATHS),
        id=chance.randrange(100_000),
        ms=round(latency),
        word=chance.choice(WORDS),
        small=chance.randrange(2, 60),
        ip=f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}",
    )


def _version(chance: random.Random) -> str:
    return f"{chance.randrange(1, 5)}.{chance.randrange(30)}.{chance.randrange(10)}"
