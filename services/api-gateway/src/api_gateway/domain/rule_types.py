"""What the types of rule have in common, and what each has for itself."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, get_args

from alert_contracts.rules import SPIKES, Direction, RuleType
from api_gateway.domain.rule_document import Problem, Sent

MIN_REFERENCE: Final = 10
REMEMBER: Final = "30d"
_ALL: Final = frozenset(RuleType)
_NOT_MATCH: Final = _ALL - {RuleType.MATCH}
_FILLING: Final = _NOT_MATCH - {RuleType.ABSENCE}
NEWS: Final = frozenset({RuleType.NEW_TERM, RuleType.CHANGE})
"""Types that tell of single events, which are over at once."""
_FOR_SOME: Final[Mapping[str, frozenset[RuleType]]] = MappingProxyType(
    {
        "condition": _NOT_MATCH,
        "for": _NOT_MATCH - NEWS,
        "minCount": _FILLING,
        "noData": _FILLING - NEWS,
        "expect": frozenset({RuleType.ABSENCE}),
        "forget": frozenset({RuleType.ABSENCE}),
        "remember": NEWS,
        "factor": frozenset({RuleType.SPIKE}),
        "direction": frozenset({RuleType.SPIKE}),
        "minReference": frozenset({RuleType.SPIKE}),
        "blacklist": frozenset({RuleType.MATCH}),
        "whitelist": frozenset({RuleType.MATCH}),
    }
)
"""Fields that only some types have; every type has the others."""
_WHY_NOT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "condition": "every event that matches fires; EVENT_COUNT has conditions",
        "for": "each of its events fires at once, and none lasts",
        "minCount": "it decides by itself how many events it takes",
        "noData": "a window without events means to it what its type says",
    }
)
_HARMLESS: Final[Mapping[str, Any]] = MappingProxyType({"noData": "ok", "for": "0s", "minCount": 0})
"""What may be said to any type, for it changes nothing."""
_REQUIRED: Final[Mapping[RuleType, tuple[str, ...]]] = MappingProxyType(
    {
        RuleType.EVENT_COUNT: ("match",),
        RuleType.METRIC: ("value", "condition"),
        RuleType.MATCH: ("match",),
        RuleType.CARDINALITY: ("value",),
        RuleType.NEW_TERM: ("value",),
        RuleType.CHANGE: ("value",),
    }
)
SCALAR: Final = NEWS | {RuleType.MATCH, RuleType.CARDINALITY}
"""Types whose `value` may be a text as well as a number: it is compared, not added up."""


def type_of(sent: Sent) -> RuleType | None:
    """Return the type of a rule as sent, if it names one."""
    name = sent.get("type")
    return RuleType(name) if isinstance(name, str) and name in RuleType.__members__ else None


def has(kind: RuleType, field: str) -> bool:
    """Tell whether rules of this type have the field."""
    return kind in _FOR_SOME.get(field, _ALL)


def check(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    """Find the fields that the type lacks, and those that it needs."""
    kind = type_of(sent)
    if kind is None:
        return
    for field, types in _FOR_SOME.items():
        if field in sent and kind not in types and sent[field] != _HARMLESS.get(field):
            reason = _WHY_NOT.get(field) or f"it is for {_list(types)}"
            yield Problem(f"/{field}", f"is not for {kind}: {reason}")
    for field in _REQUIRED.get(kind, ()):
        if field not in sent:
            yield Problem(f"/{field}", f"is required for {kind}")
    if kind is RuleType.MATCH:
        yield from _lists(sent)
    if kind is RuleType.SPIKE and "/direction" not in wrong:
        yield from _direction(sent)


def _list(types: frozenset[RuleType]) -> str:
    return ", ".join(sorted(types))


def _lists(sent: Sent) -> Iterator[Problem]:
    lists = [name for name in ("blacklist", "whitelist") if name in sent]
    if lists and "value" not in sent:
        yield Problem("/value", f"is required: it is what the {lists[0]} is about")
    if "value" in sent and not lists:
        yield Problem("/value", "is not looked at without a blacklist or a whitelist")


def _direction(sent: Sent) -> Iterator[Problem]:
    direction, condition = sent.get("direction"), sent.get("condition")
    if direction and condition and SPIKES.get(direction) != condition:
        yield Problem("/direction", f"is not what the condition `{condition}` says; leave one out")


def direction_of(condition: str | None, direction: Direction | None) -> Direction:
    """Return the direction of a spike: as said, or as the condition says, or up."""
    if direction is not None:
        return direction
    says: list[Direction] = [each for each in get_args(Direction) if SPIKES[each] == condition]
    return says[0] if says else "up"
