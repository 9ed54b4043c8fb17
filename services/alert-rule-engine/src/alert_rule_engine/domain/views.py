"""Decoding no more of an event than the rules read; its whole line is kept for evidence only."""

from collections.abc import Iterable
from typing import Any, Final, cast

import msgspec

from alert_contracts.events import Event
from alert_rule_engine.domain.partials import Moment

MAX_LINE: Final = 2_048
"""A longer sample is cut: its message, then all that is not required."""
_KEPT: Final = 1_024
_ALWAYS: Final = ("timestamp", "service", "level", "status_code", "response_time")
_ATTRIBUTES: Final = {
    "message": "message",
    "host": "host",
    "traceId": "trace_id",
    "attributes": "attributes",
}
_FIELDS: Final = {field.name: field for field in msgspec.structs.fields(Event)}
_decode_whole: Final = msgspec.json.Decoder(Event).decode
_encode: Final = msgspec.json.Encoder().encode


class Decoder:
    """Decodes the fields that are always needed and those that rules name."""

    def __init__(self, variables: Iterable[str]) -> None:
        wanted = {_ATTRIBUTES[name] for name in variables if name in _ATTRIBUTES}
        view = msgspec.defstruct(
            "EventView",
            [_definition(name) for name in _FIELDS if name in wanted or name in _ALWAYS],
            rename="camel",
            gc=False,
            kw_only=True,
        )
        self._decode = msgspec.json.Decoder(view).decode_lines

    def decode(self, value: bytes) -> list[Event]:
        """Return the events of a record, as far as they are needed.

        Raises:
            msgspec.DecodeError: (or its subclass ValidationError) the value is no NDJSON of events.
        """
        return cast("list[Event]", self._decode(value))


def _definition(name: str) -> Any:  # noqa: ANN401 - what defstruct takes
    field = _FIELDS[name]
    if field.default is not msgspec.NODEFAULT:
        return (name, field.type, field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return (name, field.type, msgspec.field(default_factory=field.default_factory))
    return (name, field.type)


class Lines:
    """The lines of a record, split only if one is asked for; each sample is made once.

    A sample is not parsed: fields that no rule reads may be anything.
    """

    def __init__(self, value: bytes, count: int) -> None:
        self._value = value
        self._count = count
        self._lines: list[bytes] | None = None
        self._made: dict[int, Moment | None] = {}

    def moment(self, index: int, at: int) -> Moment | None:
        """Return the event at an index as evidence; None if it cannot be had."""
        if index not in self._made:
            self._made[index] = self._make(index, at)
        return self._made[index]

    def _make(self, index: int, at: int) -> Moment | None:
        if self._lines is None:
            self._lines = self._value.removesuffix(b"\n").split(b"\n")
        if len(self._lines) != self._count:
            return None
        line = self._lines[index]
        if len(line) <= MAX_LINE:
            return Moment(at, line)
        try:
            return Moment(at, _cut(_decode_whole(line)))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


def _cut(event: Event) -> bytes:
    message = event.message[:_KEPT] + "…"
    line = _encode(msgspec.structs.replace(event, message=message))
    if len(line) > MAX_LINE:
        line = _encode(Event(event.timestamp, event.service[:_KEPT], message, event.level))
    return line
