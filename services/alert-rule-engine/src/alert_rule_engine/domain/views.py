"""Decoding no more of an event than the rules read."""

from collections.abc import Iterable
from typing import Any, Final, cast

import msgspec

from alert_contracts.events import Event

_ALWAYS: Final = ("timestamp", "service", "level", "status_code", "response_time")
_ATTRIBUTES: Final = {
    "message": "message",
    "host": "host",
    "traceId": "trace_id",
    "attributes": "attributes",
}
_FIELDS: Final = {field.name: field for field in msgspec.structs.fields(Event)}


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
