"""What groups and values are made of: fields of an event, as bounded texts."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

import msgspec

from alert_contracts.events import Event
from alert_rule_engine.domain.partials import Group
from rule_language import scalar_text

MAX_VALUE: Final = 256
"""Characters of a group's value; of a longer one, so many and a digest of the whole."""
FIELDS: Final = {
    "service": "service",
    "level": "level",
    "host": "host",
    "statusCode": "status_code",
    "traceId": "trace_id",
}
TEXTS: Final = ("traceId", "host", "service", "level")
"""Those of them that an event holds as they are; first those that few events share."""
_ATTRIBUTE: Final = "attributes."
_OUTCOME: Final = ("level", "status_code")
Raw = tuple[Any, ...]
"""The parts of a group as an event has them, then its level and its status."""


def text_of(value: object) -> str:
    """Return a field's value as a bounded text; one that is lacking is the empty text."""
    text = value if isinstance(value, str) else _written(value)
    if len(text) <= MAX_VALUE:
        return text
    digest = blake2b(text.encode(), digest_size=8).hexdigest()
    return f"{text[:MAX_VALUE]}~{digest}"


def _written(value: object) -> str:
    """Return what is no text as one, the same for 5 and 5.0; lists and maps as JSON."""
    if value is None:
        return ""
    text = scalar_text(value)
    return msgspec.json.encode(value, order="sorted").decode() if text is None else text


class GroupBy:
    """What a rule's `groupBy` makes of events."""

    __slots__ = ("_texts", "raw")

    def __init__(self, names: Sequence[str]) -> None:
        self._texts: tuple[Callable[[Any], str], ...] = tuple(
            str if name.startswith(_ATTRIBUTE) else text_of for name in names
        )
        self.raw: Callable[[Event], Raw] = _raw_reader(names)
        """Returns what is counted; `group` makes the group of it."""

    def of(self, event: Event) -> Group:
        """Return an event's group."""
        return self.group(self.raw(event))

    def group(self, raw: Raw) -> Group:
        """Return the group of what `raw` returned."""
        return tuple(text(part) for text, part in zip(self._texts, raw, strict=False))


def _raw_reader(names: Sequence[str]) -> Callable[[Event], Raw]:
    if not any(name.startswith(_ATTRIBUTE) for name in names):
        return attrgetter(*(FIELDS[name] for name in names), *_OUTCOME)
    parts = (*map(_part_reader, names), *map(_field_reader, _OUTCOME))
    return lambda event: tuple([read(event) for read in parts])


def _part_reader(name: str) -> Callable[[Event], Any]:
    """Return what reads a part of a group: an attribute may be anything, so as text."""
    if name in FIELDS:
        return _field_reader(FIELDS[name])
    attribute = name.removeprefix(_ATTRIBUTE)
    if "." in attribute:
        return _path_reader(attribute)
    return lambda event: text_of(event.attributes.get(attribute))


def _path_reader(attribute: str) -> Callable[[Event], str]:
    """Return what reads the attribute of that very name, or, as `match` does, what is there."""
    path = attribute.split(".")

    def read(event: Event) -> str:
        found: Any = event.attributes
        if attribute in found:
            return text_of(found[attribute])
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        return text_of(found)

    return read


def _field_reader(name: str) -> Callable[[Event], Any]:
    return lambda event: getattr(event, name)
