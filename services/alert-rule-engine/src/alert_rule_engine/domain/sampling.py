"""Which events of a window an alert shows: the first, the one that crossed, the last, some others.

The choice follows from the records and their levels, so the same give the same samples.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from alert_contracts.alerts import MAX_SAMPLES, Sample
from alert_contracts.events import Event

_T = TypeVar("_T")
LEAST_SAMPLES: Final = 3
"""So many a message shows: with fewer that tell why the alert fires, others are shown as well."""
MAX_SAMPLE: Final = 8_192
"""Bytes of an event; of a longer one its message is cut, then goes all that is not required."""
_KEPT: Final = 4_096
_LEAST: Final = 1_024
_SHORT: Final = 256
"""A byte takes up to six in JSON: these two fit in any case."""
_ESCAPE: Final = b"\\"
"""A line that has one may write any text in another way."""
_decode: Final = msgspec.json.Decoder(Event).decode
_encode: Final = msgspec.json.Encoder().encode


class Sighting(NamedTuple):
    """An event, when it happened and where it lies; in the order of time."""

    at: int
    source: int
    offset: int
    line: int
    event: Event

    @property
    def place(self) -> tuple[int, ...]:
        """What tells it from all others."""
        return self[:4]


class Telling(NamedTuple):
    """The sightings that have a part of their own."""

    first: Sighting | None = None
    crossing: Sighting | None = None
    last: Sighting | None = None


def events_of(
    value: bytes, marks: Collection[Sequence[str]] | None = None
) -> list[tuple[int, Event]]:
    """Return the events of a record in the order of their lines, each with a number for its line.

    A line that is none is left out: what no rule reads was never checked.

    `marks`: texts, of which those that are wanted have all of at least one entry; None: all are
    wanted. To look for texts costs a fraction of what unpacking costs.
    """
    lines = enumerate(value.split(b"\n")) if marks is None else _marked(value, marks)
    found = [(place, _event_of(line)) for place, line in lines]
    return [(place, event) for place, event in found if event is not None]


def _marked(value: bytes, marks: Iterable[Sequence[str]]) -> list[tuple[int, bytes]]:
    """Return the lines that have all texts of an entry, or may have them in another spelling."""
    found = dict(_with(value, _ESCAPE))
    for first, *others in marks:
        some = _with(value, first.encode())
        sought = [text.encode() for text in others]
        found.update(each for each in some if all(text in each[1] for text in sought))
    return sorted(found.items())


def _with(value: bytes, text: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each line that has a text, and where it begins."""
    found = value.find(text)
    while found >= 0:
        start = value.rfind(b"\n", 0, found) + 1
        end = value.find(b"\n", found)
        if end < 0:
            end = len(value)
        yield start, value[start:end]
        found = value.find(text, end)


def _event_of(line: bytes) -> Event | None:
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def spread(some: Sequence[_T], most: int) -> list[_T]:
    """Return at most so many, evenly spread, the first and (of two or more) the last among them."""
    if len(some) <= most:
        return list(some)
    last = len(some) - 1
    return [some[number * last // max(1, most - 1)] for number in range(most)]


def choose(levels: Mapping[int, Iterable[Sighting]], telling: Telling) -> list[Sample]:
    """Return the samples in the order of time: those with a part, and others from in between.

    `levels`: of the highest one are those with a part, and as many as there is room for; those
    below only fill up to `LEAST_SAMPLES`.
    """
    roles: dict[Any, Any] = {}
    for role in ("crossing", "first", "last"):
        sighting = getattr(telling, role)
        if sighting is not None:
            roles.setdefault(sighting.place, role)
    shown = {each.place: each for each in telling if each is not None}
    most = MAX_SAMPLES
    for _, some in sorted(levels.items(), reverse=True):
        others = sorted({each.place: each for each in some if each.place not in shown}.values())
        shown |= {each.place: each for each in spread(others, max(0, most - len(shown)))}
        most = LEAST_SAMPLES
    return [
        Sample(fitted(each.event), each.source, each.offset, roles.get(each.place, "other"))
        for each in sorted(shown.values())
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
