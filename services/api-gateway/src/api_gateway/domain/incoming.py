"""The fast way in: events that are well formed are decoded, checked and adjusted in place.

The decoder does the checking in C; what it or `adopt` does not take is not refused but read
again, slowly, by `normalise`, which knows every reason by name. Both give the same events.
"""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from alert_contracts.events import Event
from api_gateway.domain import levels, timestamps
from api_gateway.domain.bounds import MAX_ATTRIBUTES, MAX_NAME, MAX_STATUS, MIN_INTEGER
from api_gateway.domain.normalise import clamp

Name = Annotated[str, Meta(max_length=MAX_NAME)]
Filled = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
Moment = Annotated[datetime, Meta(tz=True)]
Integer = Annotated[int, Meta(ge=MIN_INTEGER, le=2**63 - 1)]
Scalar = str | Integer | float | bool | None


class Incoming(
    msgspec.Struct,
    rename="camel",
    omit_defaults=True,
    gc=False,
    forbid_unknown_fields=True,
    kw_only=True,
):
    """An event as sent, then, adopted, with the members of an `Event`."""

    timestamp: Moment | int | float | None = None
    service: Name = ""
    message: str
    level: Name | None = None
    status_code: Annotated[int, Meta(ge=0, le=MAX_STATUS)] | None = None
    response_time: Annotated[float, Meta(ge=0)] | None = None
    host: Filled | None = None
    trace_id: Filled | None = None
    attributes: Annotated[dict[str, Scalar], Meta(max_length=MAX_ATTRIBUTES)] | None = None
    source: Name | None = None


Adopted = Incoming | Event
"""Both encode to the canonical JSON of an event."""


class NotPlainError(ValueError):
    """The event needs the slow way."""


array_decoder: Final = msgspec.json.Decoder(list[Incoming])
event_decoder: Final = msgspec.json.Decoder(Incoming)


def adopt(events: list[Incoming], arrival: int) -> list[Adopted]:
    """Adjust the events in place and return them; a few are replaced by an `Event`.

    Raises:
        NotPlainError: one of them needs the slow way.
    """
    known = levels.KNOWN
    latest = arrival + timestamps.FUTURE_TOLERANCE
    adopted: list[Adopted] = events  # type: ignore[assignment] # it becomes one, in place
    for index, event in enumerate(events):
        level = known.get(event.level)
        sent = event.timestamp
        if isinstance(sent, datetime):
            moment = timestamps.from_datetime(sent)
        elif sent is None:
            moment = arrival
        else:
            moment = _from_number(sent)
        if event.source is not None or not event.service or event.service.isspace():
            _settle_service(event)
        if level is None or not 0 <= moment <= latest:
            adopted[index] = _unusual(event, moment, arrival)
            continue
        event.level = level or None
        event.timestamp = moment
    return adopted


def _from_number(sent: float) -> int:
    try:
        return timestamps.from_number(sent)
    except timestamps.TimestampError as exc:
        raise NotPlainError from exc


def _settle_service(event: Incoming) -> None:
    """Read `source` as `service`; both at once, or neither, is not plain."""
    if event.service or not event.source or event.source.isspace():
        raise NotPlainError
    event.service, event.source = event.source, None


def _unusual(event: Incoming, moment: int, arrival: int) -> Event:
    """Return an event that carries a mark: a level that we do not know, or a clamped time."""
    if moment < 0:
        raise NotPlainError
    timestamp, clamped_from = clamp(moment, arrival)
    level = levels.fold(event.level)
    return Event(
        timestamp=timestamp,
        service=event.service,
        message=event.message,
        level=level,
        status_code=event.status_code,
        response_time=event.response_time,
        host=event.host,
        trace_id=event.trace_id,
        attributes=event.attributes or {},
        original_level=event.level if level == levels.UNKNOWN else None,
        clamped_from=clamped_from,
    )
