"""Decoding no more of an event than the rules read, and the texts that repeat only once.

Nearly every event names one of few services and levels. msgspec can look a text up in an Enum while
it decodes, which is faster than making one, and a text that is always the same object is faster to
count by. So the decoder is given an Enum whose members are the very texts.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Final, cast

import msgspec

from alert_contracts.events import LEVELS, Event

MAX_KNOWN: Final = 4_096
"""Services that are known by heart."""
_MISSES: Final = 1_000
"""So many events with services that are not known, and more if many are, make it learn."""
_PATIENCE: Final = 16_000
"""After so many events with services that never come twice, services are no longer looked up."""
_OFTEN: Final = 2
_ALWAYS: Final = ("timestamp", "service", "level", "status_code")
_READ: Final = {
    "message": "message",
    "responseTime": "response_time",
    "host": "host",
    "traceId": "trace_id",
    "attributes": "attributes",
}
_FIELDS: Final = {field.name: field for field in msgspec.structs.fields(Event)}


class Decoder:
    """Decodes the fields that are always needed and those that rules name."""

    def __init__(self, variables: Iterable[str], before: "Decoder | None" = None) -> None:
        """`before`: the decoder that this one replaces, which knows the services."""
        wanted = {*_ALWAYS, *(_READ[name] for name in variables if name in _READ)}
        self._names = [name for name in _FIELDS if name in wanted]
        self._missed: Counter[str] = Counter()
        self._most_missed = 0
        self.known: frozenset[str] = frozenset()
        self._learn((before and before.known) or frozenset({""}))

    def decode(self, value: bytes) -> list[Event]:
        """Return the events of a record, as far as they are needed.

        Raises:
            msgspec.DecodeError: (or its subclass ValidationError) the value is no NDJSON of events.
        """
        if self._missed.total() > self._most_missed:
            self._look_back()
        return cast("list[Event]", self._decode(value))

    def _look_back(self) -> None:
        """Learn the services that came more than once since the last time."""
        often = {text for text, number in self._missed.items() if number >= _OFTEN}
        if often:
            known = self.known | often
            self._learn(known if len(known) <= MAX_KNOWN else often)
        elif self._most_missed < _PATIENCE:
            self._most_missed *= 2
        else:
            self._learn(())

    def _learn(self, services: Iterable[str]) -> None:
        self.known = frozenset(list(services)[:MAX_KNOWN])
        self._missed.clear()
        self._most_missed = _MISSES + 4 * len(self.known)
        texts = {"level": _among(LEVELS, _unchanged)}
        if self.known:
            texts["service"] = _among(self.known, self._miss)
        view = msgspec.defstruct(
            "EventView",
            [_definition(name, texts.get(name, _FIELDS[name].type)) for name in self._names],
            rename="camel",
            gc=False,
            kw_only=True,
        )
        self._decode = msgspec.json.Decoder(view).decode_lines

    def _miss(self, text: str) -> str:
        self._missed[text] += 1
        return text


def _unchanged(text: str) -> str:
    return text


def _among(texts: Iterable[str], otherwise: Callable[[str], str]) -> type:
    """Return a type for texts, of which some are known and always decoded to the same object.

    What is unknown is what `otherwise` returns.
    """

    class Text(Enum):
        @classmethod
        def _missing_(cls, value: object) -> Any:  # noqa: ANN401 - the text itself
            return otherwise(cast("str", value))

    # What msgspec makes of each text: a real member would be no str.
    Text._value2member_map_ = {text: cast("Any", text) for text in texts}
    return Text


def _definition(name: str, kind: Any) -> Any:  # noqa: ANN401 - what defstruct takes
    field = _FIELDS[name]
    if field.default is not msgspec.NODEFAULT:
        return (name, kind, field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return (name, kind, msgspec.field(default_factory=field.default_factory))
    return (name, kind)
