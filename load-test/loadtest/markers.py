"""Alerts provoked on purpose: one more error than the rule of a fresh install takes, at once."""

import json

ERRORS_OF_A_MARKER = 101


def marker_service(run: str, number: int) -> str:
    """Return the service of a marker; nothing else logs under that name."""
    return f"{run}-marker-{number}"


def marker_body(run: str, number: int, *, now_ms: int, ndjson: bool) -> bytes:
    """Return the batch that makes the default rule fire for the marker's service."""
    event = {
        "timestamp": now_ms,
        "service": marker_service(run, number),
        "level": "ERROR",
        "message": "Load test: an alert provoked on purpose",
    }
    encoded = json.dumps(event, separators=(",", ":")).encode()
    events = [encoded] * ERRORS_OF_A_MARKER
    return b"\n".join(events) if ndjson else b"[" + b",".join(events) + b"]"
