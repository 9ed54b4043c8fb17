"""One log event in its canonical form, and the NDJSON batch that a `log-events` record holds.

The gateway normalises once; every reader may rely on it: `level` is one of `LEVELS`, `timestamp`
is present and within the accepted range, texts hold no NUL and no lone surrogate, numbers are
finite, attributes are within their bounds.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

LEVELS: Final = frozenset({"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "UNKNOWN", ""})
"""`""` means that the event carried no level; `UNKNOWN` that it carried one we do not know."""
ERROR_LEVELS: Final = frozenset({"ERROR", "FATAL"})
SERVER_ERROR: Final = 500
NDJSON: Final = "application/x-ndjson"
MAX_BATCH_EVENTS: Final = 5_000
MAX_BATCH_BYTES: Final = 1_048_576
"""Bounds of one record: events, and bytes of NDJSON before compression."""


class Event(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """A log event. JSON names are camelCase; fields that are absent are left out."""

    timestamp: int
    """Event time, epoch milliseconds."""
    service: str
    message: str
    level: str = ""
    status_code: int | None = None
    response_time: float | None = None
    """Milliseconds."""
    host: str | None = None
    trace_id: str | None = None
    attributes: dict[str, Any] = {}
    original_level: str | None = None
    """What the client wrote, when `level` is UNKNOWN."""
    clamped_from: int | None = None
    """The client's timestamp, when it lay too far in the future and arrival time replaced it."""


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Event)


def encode_batch(events: Iterable[Event]) -> bytes:
    """Return the events as NDJSON, one event a line."""
    return _encoder.encode_lines(events)


def decode_batch(value: bytes) -> list[Event]:
    """Return the events of one record.

    Raises:
        msgspec.DecodeError: (or its subclass ValidationError) the value is no NDJSON of events.
    """
    return _decoder.decode_lines(value)


def is_error(event: Event) -> bool:
    """Tell whether the event counts in a window's `errors`."""
    return is_error_outcome(event.level, event.status_code)


def is_error_outcome(level: str, status: int | None) -> bool:
    """Tell whether events of this level and status count in a window's `errors`.

    A status decides where there is one (500 and above); without a status the level does.
    """
    return level in ERROR_LEVELS if status is None else status >= SERVER_ERROR
