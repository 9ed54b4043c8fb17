"""Log events that make the three rules of a fresh install fire, or not.

All events of one test carry one timestamp: a window that ends between two of them would halve the
counts.
"""

import time
from datetime import UTC, datetime
from typing import Any

from blackbox.wait import eventually

Events = list[dict[str, Any]]
ERRORS_ALLOWED = 100
WINDOW_S = 300
"""Of the rules of a fresh install."""
ROOM_S = 45.0


def moment() -> str:
    """Return the present in RFC 3339."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def room() -> None:
    """Wait, if the present window is nearly over, for the next one.

    Events of one moment that are posted in part before and in part after an outage are one count
    only as long as their window is open: until its end and the lateness of half a minute.
    """

    async def left() -> float:
        return WINDOW_S - time.time() % WINDOW_S

    await eventually(left, lambda seconds: seconds >= ROOM_S, what="a window has begun")


def errors(service: str, count: int = ERRORS_ALLOWED + 1, *, at: str) -> Events:
    """Return ERROR logs; one more than a hundred of a service is an alert."""
    return [
        {
            "service": service,
            "level": "ERROR",
            "message": f"Database connection failed ({number})",
            "timestamp": at,
        }
        for number in range(count)
    ]


def slow(service: str, count: int = 60, *, at: str) -> Events:
    """Return requests that took two seconds: too slow from twenty on."""
    return [
        {
            "service": service,
            "level": "INFO",
            "message": "GET /search",
            "responseTime": 2_000,
            "timestamp": at,
        }
        for _ in range(count)
    ]


def server_errors(service: str, count: int = 30, *, at: str) -> Events:
    """Return answers with 503: too many from 26 on."""
    return [
        {
            "service": service,
            "level": "WARN",
            "message": "POST /checkout",
            "statusCode": 503,
            "timestamp": at,
        }
        for _ in range(count)
    ]
