"""What one request holds: events in canonical form, ready to be stored, and those refused."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from alert_contracts.events import Event
from api_gateway.domain import incoming, regular, scan
from api_gateway.domain.bounds import MAX_EVENT_BYTES, MAX_EVENTS, MAX_TEXT_BYTES, MAX_VALUES
from api_gateway.domain.normalise import normalise
from api_gateway.domain.refusals import MAX_LISTED, FieldError, Refusal

_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_ESCAPE: Final = b"\\"
_NUL: Final = b"\\u0000"
_TOO_MANY: Final = f"a request holds at most {MAX_EVENTS} events"

_encoder: Final = msgspec.json.Encoder()
_any: Final = msgspec.json.Decoder()
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])


class MalformedError(ValueError):
    """No event can be told apart from another in the body; the message says why."""


class OversizedError(ValueError):
    """The body as a whole is over a bound; the message says which."""


class Intake(NamedTuple):
    """What became of a request's events."""

    lines: bytes
    """The accepted ones: NDJSON of canonical events, each line ended."""
    accepted: int
    rejected: int
    refusals: Sequence[Refusal]
    """Of the rejected ones, at most `MAX_LISTED`."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a body holds its events. Called, it takes them; `arrival` is in epoch ms throughout.

    Both ways raise OversizedError for more JSON values than we are willing to hold, and
    MalformedError where no event can be told from another.
    """

    regular: Callable[[bytes], list[regular.Regular]]
    decode: Callable[[bytes], list[incoming.Incoming]]
    split: Callable[[bytes], Iterable[bytes]]

    def __call__(self, body: bytes, arrival: int) -> Intake:
        """Take the events, the fast way if it can be."""
        return self.plainly(body, arrival) or self.one_by_one(body, arrival)

    def plainly(self, body: bytes, arrival: int) -> Intake | None:
        """Take the events a fast way; None if one of them is not plain."""
        if scan.holds_more_values(body, MAX_VALUES):
            msg = f"the body holds more than {MAX_VALUES} JSON values (or commas and brackets)"
            raise OversizedError(msg)
        if _ESCAPE in body and _NUL in body:
            return None
        return self.unchanged(body, arrival) or self.adopted(body, arrival)

    def unchanged(self, body: bytes, arrival: int) -> Intake | None:
        """Take the events the fastest way; None if one of them has to be changed or refused."""
        try:
            events = self.regular(body)
        except _UNREADABLE:
            return None
        if not regular.may_stay(events, arrival):
            return None
        return _pack(events, range(len(events)), _Refusals(surplus=0))

    def adopted(self, body: bytes, arrival: int) -> Intake | None:
        """Take the events, some of them adjusted; None if one of them is not plain."""
        try:
            plain = self.decode(body)
            kept = incoming.adopt(plain[:MAX_EVENTS], arrival)
        except (*_UNREADABLE, incoming.NotPlainError):
            return None
        return _pack(kept, range(len(kept)), _Refusals(surplus=len(plain) - len(kept)))

    def one_by_one(self, body: bytes, arrival: int) -> Intake:
        """Take the events the slow way, which knows every reason by name."""
        return _take_each(list(self.split(body)), arrival)


class _Refusals:
    """Lists the first, counts the rest."""

    def __init__(self, surplus: int) -> None:
        self.count = 0
        self.listed: list[Refusal] = []
        if surplus:
            self.add(MAX_EVENTS, FieldError("", _TOO_MANY))
            self.count = surplus

    def add(self, index: int, error: FieldError) -> None:
        self.count += 1
        self.listed.append(Refusal(index, error.pointer, error.reason))


def _take_each(texts: Sequence[bytes], arrival: int) -> Intake:
    refusals = _Refusals(surplus=max(0, len(texts) - MAX_EVENTS))
    events: list[Event] = []
    indexes: list[int] = []
    for index, text in enumerate(texts[:MAX_EVENTS]):
        try:
            events.append(normalise(_decode(text), arrival))
            indexes.append(index)
        except FieldError as exc:
            refusals.add(index, exc)
    return _pack(events, indexes, refusals)


def _decode(text: bytes) -> Any:  # noqa: ANN401 - any JSON
    if len(text) > MAX_TEXT_BYTES:
        raise FieldError(pointer="", reason=f"is larger than {MAX_TEXT_BYTES} bytes as sent")
    try:
        return _any.decode(text)
    except _UNREADABLE:
        raise scan.explain(bytes(text)) from None


def _array_elements(body: bytes) -> Sequence[bytes]:
    try:
        return [bytes(raw) for raw in _raws.decode(body)]
    except _UNREADABLE:
        pass  # an element is broken: part them without a decoder
    try:
        return scan.elements(body)
    except scan.TooTangledError as exc:
        msg = f"the body {exc}"
        raise MalformedError(msg) from None


def _line_elements(body: bytes) -> Sequence[bytes]:
    return [line for line in body.split(b"\n") if line and not line.isspace()]


def _pack(
    events: Sequence[incoming.Adopted | regular.Regular],
    indexes: Sequence[int],
    refusals: _Refusals,
) -> Intake:
    """Encode what was accepted, but for lines that are too long."""
    lines = _encoder.encode_lines(events)
    accepted = len(events)
    if _holds_a_long_line(lines):
        each = lines.split(b"\n")[:-1]
        lines, accepted = _without_long_lines(each, indexes, refusals)
    listed = sorted(refusals.listed, key=lambda refusal: refusal.index)[:MAX_LISTED]
    return Intake(lines, accepted, refusals.count, listed)


def _holds_a_long_line(lines: bytes) -> bool:
    """Tell whether one is too long, looking at the ends of few."""
    start = 0
    while len(lines) - start > MAX_EVENT_BYTES:
        end = lines.rfind(b"\n", start, start + MAX_EVENT_BYTES + 1)
        if end < 0:
            return True
        start = end + 1
    return False


def _without_long_lines(
    lines: Sequence[bytes], indexes: Sequence[int], refusals: _Refusals
) -> tuple[bytes, int]:
    kept = []
    for index, line in zip(indexes, lines, strict=True):
        if len(line) > MAX_EVENT_BYTES:
            refusals.add(index, FieldError("", f"is larger than {MAX_EVENT_BYTES} bytes"))
        else:
            kept.append(line + b"\n")
    return b"".join(kept), len(kept)


take_array: Final = Form(
    regular.array_decoder.decode, incoming.array_decoder.decode, _array_elements
)
"""A JSON array of events."""
take_lines: Final = Form(
    regular.event_decoder.decode_lines, incoming.event_decoder.decode_lines, _line_elements
)
"""NDJSON, one event a line; never malformed as a whole."""
take_one: Final = Form(
    lambda text: [regular.event_decoder.decode(text)],
    lambda text: [incoming.event_decoder.decode(text)],
    lambda text: [text],
)
"""One event; never malformed as a whole."""
