"""Which events of a window an alert shows: the first, the one that crossed, the last, some others.

The choice follows from the records alone, so the same records give the same samples.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from alert_contracts.alerts import MAX_SAMPLES, Sample
from alert_contracts.events import Event, decode_batch

MAX_SAMPLE: Final = 8_192
"""Bytes of an event; of a longer one its message is cut, then goes all that is not required."""
_KEPT: Final = 4_096
_LEAST: Final = 1_024
_SHORT: Final = 256
"""A byte takes up to six in JSON: these two fit in any case."""
_decode: Final = msgspec.json.Decoder(Event).decode
_encode: Final = msgspec.json.Encoder().encode


class Sighting(NamedTuple):
    """An event, when it happened and where it lies; in the order of time."""

    at: int
    source: int
    offset: int
    line: int
    event: Event


class Telling(NamedTuple):
    """The sightings that have a part of their own."""

    first: Sighting | None = None
    crossing: Sighting | None = None
    last: Sighting | None = None


def events_of(value: bytes) -> list[Event]:
    """Return the events of a record; a line that is none is left out.

    What no rule reads was never checked, so there may be such lines.
    """
    try:
        return decode_batch(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = [_event_of(line) for line in value.split(b"\n")]
        return [event for event in found if event is not None]


def _event_of(line: bytes) -> Event | None:
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def spread(sightings: Sequence[Sighting], most: int) -> list[Sighting]:
    """Return at most so many, evenly spread, the first and the last among them."""
    if len(sightings) <= most:
        return list(sightings)
    last = len(sightings) - 1
    return [sightings[number * last // (most - 1)] for number in range(most)]


def choose(sightings: Iterable[Sighting], telling: Telling) -> list[Sample]:
    """Return the samples in the order of time: those with a part, and others from in between."""
    roles: dict[Any, Any] = {}
    for role in ("crossing", "first", "last"):
        sighting = getattr(telling, role)
        if sighting is not None:
            roles.setdefault(sighting[:4], role)
    ordered = sorted({each[:4]: each for each in sightings}.values())
    others = [each for each in ordered if each[:4] not in roles]
    shown = {each[:4] for each in spread(others, MAX_SAMPLES - len(roles))}
    return [
        Sample(fitted(each.event), each.source, each.offset, roles.get(each[:4], "other"))
        for each in ordered
        if each[:4] in roles or each[:4] in shown
    ]


def fitted(event: Event) -> Event:
    """Return the event, without what makes it too long for a sample."""
    if len(_encode(event)) <= MAX_SAMPLE:
        return event
    shorter = msgspec.structs.replace(event, message=_cut(event.message, _KEPT))
    if len(_encode(shorter)) <= MAX_SAMPLE:
        return shorter
    service, message = _cut(event.service, _SHORT), _cut(event.message, _LEAST)
    return Event(event.timestamp, service, message, event.level)


def _cut(text: str, size: int) -> str:
    encoded = text.encode()
    if len(encoded) <= size:
        return text
    return encoded[:size].decode(errors="ignore") + "…"
