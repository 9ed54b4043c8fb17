"""One event, from whatever JSON a client sent to the canonical form, field by field."""

from collections.abc import Callable
from typing import Any, Final

from alert_contracts.events import Event
from api_gateway.domain import levels, timestamps
from api_gateway.domain.bounds import MAX_ATTRIBUTES, MAX_NAME, MAX_STATUS
from api_gateway.domain.refusals import FieldError, step
from api_gateway.domain.values import check_number, check_text, check_value

_NAMES: Final = frozenset(
    {"service", "level", "message", "host", "statusCode", "responseTime", "traceId"}
    | {"timestamp", "attributes"}
)


def normalise(document: object, arrival: int) -> Event:
    """Return the canonical event; `arrival` (epoch ms) stands in for an absent timestamp.

    Raises:
        FieldError: the event cannot be taken; it names the field.
    """
    if not isinstance(document, dict):
        raise FieldError(pointer="", reason=f"an event is a JSON object, not {_kind(document)}")
    written = _name(document, "level")
    level = levels.fold(written)
    timestamp, clamped_from = _timestamp(document.get("timestamp"), arrival)
    return Event(
        timestamp=timestamp,
        service=_service(document),
        message=_message(document),
        level=level,
        status_code=_status_code(document.get("statusCode")),
        response_time=_response_time(document.get("responseTime")),
        host=_name(document, "host") or None,
        trace_id=_name(document, "traceId") or None,
        attributes=_attributes(document),
        original_level=written if level == levels.UNKNOWN else None,
        clamped_from=clamped_from,
    )


def clamp(timestamp: int, arrival: int) -> tuple[int, int | None]:
    """Return the event time, and what it was if it lay too far in the future (epoch ms)."""
    if timestamp > arrival + timestamps.FUTURE_TOLERANCE:
        return arrival, timestamp
    return timestamp, None


def _service(document: dict[str, Any]) -> str:
    service = _name(document, "service")
    if not service and "source" in document:
        service = _name(document, "source")
    if not service:
        raise FieldError(pointer="/service", reason="is required")
    if service.isspace():
        raise FieldError(pointer="/service", reason="is blank")
    return service


def _message(document: dict[str, Any]) -> str:
    message = document.get("message")
    if message is None:
        raise FieldError(pointer="/message", reason="is required")
    if not isinstance(message, str):
        raise FieldError(pointer="/message", reason=f"is a text, not {_kind(message)}")
    return check_text(message, "/message")


def _name(document: dict[str, Any], field: str) -> str:
    value = document.get(field)
    pointer = "/" + field
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FieldError(pointer, f"is a text, not {_kind(value)}")
    if len(value) > MAX_NAME:
        raise FieldError(pointer, f"has more than {MAX_NAME} characters")
    return check_text(value, pointer)


def _timestamp(value: object, arrival: int) -> tuple[int, int | None]:
    if value is None:
        return arrival, None
    try:
        if isinstance(value, str):
            return clamp(timestamps.from_text(value), arrival)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return clamp(timestamps.from_number(value), arrival)
    except timestamps.TimestampError as exc:
        raise FieldError(pointer="/timestamp", reason=str(exc)) from None
    raise FieldError(
        pointer="/timestamp", reason=f"is an RFC 3339 text or a number, not {_kind(value)}"
    )


def _status_code(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise FieldError(pointer="/statusCode", reason=f"is an integer, not {_kind(value)}")
    if not 0 <= value <= MAX_STATUS:
        raise FieldError(pointer="/statusCode", reason=f"lies outside 0 to {MAX_STATUS}")
    return value


def _response_time(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise FieldError(
            pointer="/responseTime", reason=f"is a number of milliseconds, not {_kind(value)}"
        )
    check_number(value, "/responseTime")
    if value < 0:
        raise FieldError(pointer="/responseTime", reason="is negative")
    return float(value)


def _attributes(document: dict[str, Any]) -> dict[str, Any]:
    own = document.get("attributes")
    if own is not None and not isinstance(own, dict):
        raise FieldError(pointer="/attributes", reason=f"is a JSON object, not {_kind(own)}")
    attributes = dict(own) if own else {}
    check_value(attributes, "/attributes", 0)
    for name, value in document.items():
        if name not in _NAMES and not (name == "source" and not document.get("service")):
            check_text(name, step(name))
            check_value(value, step(name), 1)
            attributes.setdefault(name, value)
    if len(attributes) > MAX_ATTRIBUTES:
        reason = f"are more than {MAX_ATTRIBUTES} (members that we do not know count as attributes)"
        raise FieldError(pointer="/attributes", reason=reason)
    return attributes


_KINDS: Final[tuple[tuple[Callable[[object], bool], str], ...]] = (
    (lambda value: value is None, "null"),
    (lambda value: isinstance(value, bool), "true or false"),
    (lambda value: isinstance(value, str), "a text"),
    (lambda value: isinstance(value, int | float), "a number"),
    (lambda value: isinstance(value, list), "an array"),
)


def _kind(value: object) -> str:
    return next((name for is_kind, name in _KINDS if is_kind(value)), "an object")
