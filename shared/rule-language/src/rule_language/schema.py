"""What an expression may name: the fields of an event, or the figures of a window."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final


class Type(StrEnum):
    """The static types. `dyn` is what only the event knows: an attribute's value."""

    BOOL = "bool"
    INT = "int"
    UINT = "uint"
    DOUBLE = "double"
    STRING = "string"
    NULL = "null"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    LIST = "list"
    MAP = "map"
    DYN = "dyn"


NUMERIC: Final = frozenset({Type.INT, Type.UINT, Type.DOUBLE})
TEMPORAL: Final = frozenset({Type.TIMESTAMP, Type.DURATION})


@dataclass(frozen=True, slots=True)
class Variable:
    """One name of the schema."""

    type: Type
    source: str
    """The attribute of the event or the key of the figures that has the value."""
    optional: bool = False
    """It may be absent, which is None."""
    absent: str | None = None
    """A text that stands for absence, as far as `has()` is concerned."""
    constant: str | None = None
    """The value, where it is the same for every subject."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The variables of one kind of expression. A name may have a dot: `previous.count`."""

    variables: Mapping[str, Variable]
    keyed: bool = False
    """The subject is a mapping, not an object."""

    def fields_of(self, owner: str) -> list[str]:
        """Return the fields of an object whose fields are variables; none if it is no such one."""
        start = f"{owner}."
        return [name.removeprefix(start) for name in self.variables if name.startswith(start)]


_EVENT_FIELDS: Final = {
    "service": Variable(Type.STRING, "service"),
    "message": Variable(Type.STRING, "message"),
    "level": Variable(Type.STRING, "level", absent=""),
    "host": Variable(Type.STRING, "host", optional=True),
    "traceId": Variable(Type.STRING, "trace_id", optional=True),
    "statusCode": Variable(Type.INT, "status_code", optional=True),
    "responseTime": Variable(Type.DOUBLE, "response_time", optional=True),
    "timestamp": Variable(Type.TIMESTAMP, "timestamp"),
    "attributes": Variable(Type.MAP, "attributes"),
}
FIGURES: Final = (
    *("count", "total", "errors", "rate", "sum", "avg", "min", "max"),
    *("p50", "p90", "p95", "p99", "distinct"),
)
"""What both a window and the one before it have."""
PREVIOUS: Final = "previous."
"""Begins the names of what the window before has."""


@lru_cache(maxsize=1_024)
def event_schema(tenant: str) -> Schema:
    """Return the schema of one event; a rule only ever sees its own tenant's, so that is fixed."""
    fixed = Variable(Type.STRING, "", constant=tenant)
    return Schema(MappingProxyType({**_EVENT_FIELDS, "tenant": fixed}))


WINDOW: Final = Schema(
    MappingProxyType(
        {
            name: Variable(Type.DOUBLE, name, optional=True)
            for name in (
                *FIGURES,
                *("threshold", "minCount", "factor"),
                *(PREVIOUS + figure for figure in FIGURES),
            )
        }
    ),
    keyed=True,
)
