"""What the oracle understands of a rule: a document of `alert-rules`, and none of CEL.

Expressions are looked up, not parsed: the oracle knows a closed list of them by heart.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from oracle.journal import Event

Predicate = Callable[[Event], bool]
Group = tuple[str, ...]
_EQUALS: Final = re.compile(r'^(\w+)(?:\.(\w+))? == "([^"\\]*)"$')


def _is_error(event: Event) -> bool:
    return event.get("level", "") in {"ERROR", "FATAL"}


def _is_server_error(event: Event) -> bool:
    return (event.get("statusCode") or 0) >= 500


def _has_time(event: Event) -> bool:
    return event.get("responseTime") is not None


def _has_verdict(event: Event) -> bool:
    return event.get("statusCode") is not None or event.get("level", "") != ""


def _any(_event: Event) -> bool:
    return True


PREDICATES: Final[Mapping[str, Predicate]] = MappingProxyType(
    {
        "true": _any,
        'level in ["ERROR", "FATAL"]': _is_error,
        "statusCode >= 500": _is_server_error,
        "has(responseTime)": _has_time,
        'has(statusCode) || level != ""': _has_verdict,
    }
)
FIGURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "count > threshold": "count",
        "count > 0": "count",
        "distinct > threshold": "distinct",
        "p95 > threshold": "p95",
        "errors * 100.0 / total > threshold": "share",
        "count == 0": "absent",
    }
)
"""Which figure of a window a condition compares."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A rule. Times in milliseconds."""

    id: str
    tenant: str
    revision: int
    type: str
    figure: str
    threshold: float
    size: int
    step: int
    group_by: tuple[str, ...]
    value: str | None
    min_count: int
    resolve_after: int
    matches: Predicate

    @property
    def tumbling(self) -> bool:
        return self.step == self.size

    def group_of(self, event: Event) -> Group:
        """Return the texts by which the rule tells events apart; empty where one is missing."""
        return tuple(field_of(event, name) for name in self.group_by)

    def windows(self, at: int) -> range:
        """Return the starts of the windows that hold a moment."""
        newest = at - at % self.step
        oldest = (at - self.size) // self.step * self.step + self.step
        return range(oldest, newest + 1, self.step)


def read_rule(document: Mapping[str, Any]) -> Watch:
    """Return what the oracle knows of a rule.

    Raises:
        LookupError: it says something that the oracle was never taught.
    """
    window = document["window"]
    return Watch(
        id=document["id"],
        tenant=document["tenant"],
        revision=document["revision"],
        type=document["type"],
        figure=FIGURES[document["condition"]],
        threshold=0 if document["threshold"] is None else document["threshold"],
        size=window["size"],
        step=window["size"] if window["kind"] == "tumbling" else window["step"],
        group_by=tuple(document["groupBy"]),
        value=document["value"],
        min_count=document["minCount"],
        resolve_after=document["resolveAfter"],
        matches=predicate(document["match"]),
    )


def predicate(text: str) -> Predicate:
    """Return what a match means.

    Raises:
        LookupError: the oracle was never taught.
    """
    found = _EQUALS.match(text)
    if found is None:
        return PREDICATES[text]
    name, inner, wanted = found.groups()
    whole = name if inner is None else f"{name}.{inner}"
    return lambda event: field_of(event, whole) == wanted


def value_of(event: Event, name: str) -> Any:  # noqa: ANN401 - JSON may be anything
    """Return a field or an attribute of an event; None if it is not there."""
    first, _, rest = name.partition(".")
    return event.get("attributes", {}).get(rest) if first == "attributes" else event.get(name)


def field_of(event: Event, name: str) -> str:
    """Return the same as a text; empty if it is not there."""
    found = value_of(event, name)
    return "" if found is None else str(found)
