"""What an expression may name: the fields of an event, or the figures of a window."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter, methodcaller
from types import MappingProxyType
from typing import Any, Final, TypeAlias

Reader: TypeAlias = Callable[[Any], Any]
"""Reads one variable from the subject (an event or a window); None means absent."""


class Type(StrEnum):
    """The static types. `dyn` is what only the event knows: an attribute's value."""

    BOOL = "bool"
    INT = "int"
    UINT = "uint"
    DOUBLE = "double"
    STRING = "string"
    NULL = "null"
    TIMESTAMP = "timestamp"
    LIST = "list"
    MAP = "map"
    DYN = "dyn"


NUMERIC: Final = frozenset({Type.INT, Type.UINT, Type.DOUBLE})


class Timestamp(int):
    """Epoch milliseconds as a value of their own: equal to no number that an event holds."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Variable:
    """One name of the schema."""

    type: Type
    read: Reader
    optional: bool = False
    absent: str | None = None
    """What `read` returns where `has()` is to be false."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The variables of one kind of expression."""

    subject: str
    variables: Mapping[str, Variable]


def _field(type_: Type, attribute: str, *, optional: bool = False) -> Variable:
    return Variable(type_, attrgetter(attribute), optional)


_EVENT_FIELDS: Final = {
    "service": _field(Type.STRING, "service"),
    "message": _field(Type.STRING, "message"),
    "level": Variable(Type.STRING, attrgetter("level"), absent=""),
    "host": _field(Type.STRING, "host", optional=True),
    "traceId": _field(Type.STRING, "trace_id", optional=True),
    "statusCode": _field(Type.INT, "status_code", optional=True),
    "responseTime": _field(Type.DOUBLE, "response_time", optional=True),
    "timestamp": Variable(Type.TIMESTAMP, lambda event: Timestamp(event.timestamp)),
    "attributes": _field(Type.MAP, "attributes"),
}
_WINDOW_FIGURES: Final = (
    *("count", "total", "errors", "rate", "sum", "avg", "min", "max"),
    *("p50", "p90", "p95", "p99", "threshold", "minCount"),
)


@lru_cache(maxsize=1_024)
def event_schema(tenant: str) -> Schema:
    """Return the schema of one event; a rule only ever sees its own tenant's, so that is fixed."""
    variables = {**_EVENT_FIELDS, "tenant": Variable(Type.STRING, lambda _event: tenant)}
    return Schema("event", MappingProxyType(variables))


WINDOW: Final = Schema(
    "window",
    MappingProxyType(
        {
            name: Variable(Type.DOUBLE, methodcaller("get", name), optional=True)
            for name in _WINDOW_FIGURES
        }
    ),
)
