"""What the oracle understands of a rule: a document of `alert-rules`, and none of CEL.

Expressions are looked up, not parsed: the oracle knows a closed list of them by heart.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

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


class Judged(StrEnum):
    """When a window is judged."""

    CROSSING = "crossing"
    """With the event that crosses."""
    CLOSE = "close"
    """At the close of each pane, over the window so far: part of it may hold, and all of it not."""
    END = "end"
    """When it is over, and its lateness too; in the order of time."""


class Condition(NamedTuple):
    """Which figure of a window a condition compares."""

    figure: str
    judged: Judged


CONDITIONS: Final[Mapping[str, Condition]] = MappingProxyType(
    {
        "count > threshold": Condition("count", Judged.CROSSING),
        "count > 0": Condition("count", Judged.CROSSING),
        "distinct > threshold": Condition("distinct", Judged.CROSSING),
        "max > threshold": Condition("max", Judged.CROSSING),
        "min > threshold": Condition("min", Judged.END),
        "sum > threshold": Condition("sum", Judged.CLOSE),
        "avg > threshold": Condition("avg", Judged.CLOSE),
        "p50 > threshold": Condition("p50", Judged.CLOSE),
        "p95 > threshold": Condition("p95", Judged.CLOSE),
        "errors * 100.0 / total > threshold": Condition("share", Judged.CLOSE),
        "count > previous.count * factor": Condition("rise", Judged.CLOSE),
        "count * factor < previous.count": Condition("fall", Judged.END),
        "count == 0": Condition("absent", Judged.END),
    }
)
OF_VALUES: Final = frozenset({"sum", "avg", "min", "max", "p50", "p95"})
"""Figures of the numbers that events carry."""
ATTRIBUTE: Final = "attributes."
LONG: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Watch:
    """A rule. Times in milliseconds."""

    id: str
    tenant: str
    revision: int
    type: str
    figure: str
    judged: Judged
    threshold: float
    factor: float
    min_reference: int
    size: int
    step: int
    lateness: int
    group_by: tuple[str, ...]
    value: str | None
    min_count: int
    resolve_after: int
    matches: Predicate

    @property
    def tumbling(self) -> bool:
        return self.step == self.size

    @property
    def compares(self) -> bool:
        """Tell whether it looks at the window before."""
        return self.figure in {"rise", "fall"}

    @property
    def needs(self) -> int:
        """Return how long before the end of a window it must have seen all there was."""
        return 2 * self.size if self.compares else self.size

    def group_of(self, event: Event) -> Group:
        """Return the texts by which the rule tells events apart; empty where one is missing."""
        return tuple([field_of(event, name) for name in self.group_by])

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
    condition = CONDITIONS[document["condition"]]
    for kept in ("remember", "forget"):
        if document.get(kept, LONG) < LONG:
            message = f"it forgets after {document[kept]} ms, which the oracle never does"
            raise LookupError(message)
    return Watch(
        id=document["id"],
        tenant=document["tenant"],
        revision=document["revision"],
        type=document["type"],
        figure=condition.figure,
        judged=condition.judged,
        threshold=document["threshold"] if "threshold" in document["condition"] else 0,
        factor=document.get("factor") or 0,
        min_reference=document.get("minReference", 0),
        size=window["size"],
        step=window["size"] if window["kind"] == "tumbling" else window["step"],
        lateness=window["allowedLateness"],
        group_by=tuple(document["groupBy"]),
        value=document["value"],
        min_count=document["minCount"],
        resolve_after=document["resolveAfter"],
        matches=predicate(document["match"]),
    )


@cache
def predicate(text: str) -> Predicate:
    """Return what a match means.

    Raises:
        LookupError: the oracle was never taught.
    """
    found = _EQUALS.match(text)
    if found is None:
        return PREDICATES[text]
    name, inner, wanted = found.groups()
    if inner is None:
        return lambda event: event.get(name) == wanted
    return lambda event: field_of(event, f"{name}.{inner}") == wanted


def value_of(event: Event, name: str) -> Any:  # noqa: ANN401 - JSON may be anything
    """Return a field or an attribute of an event; None if it is not there."""
    if name.startswith(ATTRIBUTE):
        return event.get("attributes", {}).get(name[len(ATTRIBUTE) :])
    return event.get(name)


def field_of(event: Event, name: str) -> str:
    """Return the same as a text; empty if it is not there."""
    return text_of(value_of(event, name))


def text_of(found: Any) -> str:  # noqa: ANN401 - JSON may be anything
    """Return what was found as a text: 7.0 is 7, and what is no text, number or none is JSON."""
    if found is None or isinstance(found, str):
        return found or ""
    if isinstance(found, float):
        whole = found.is_integer() and -(2**63) <= found < 2**63
        return str(int(found)) if whole else str(found)
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
