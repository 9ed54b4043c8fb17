"""Which pane specs an event feeds, found without trying every rule.

An event's key is service, level, statusCode and whether it has a responseTime. What a key decides
by itself is decided once and remembered: specs whose match reads nothing else, and groups made of
nothing else. The rest is tried per event, and only for specs whose equality predicates on service
and level hold.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import product
from operator import attrgetter
from typing import Any, Final

from alert_contracts.events import Event, is_error
from alert_rule_engine.domain.partials import Group, slot_of
from alert_rule_engine.domain.rules import PaneSpec
from rule_language import Match, Value

MAX_PLANS: Final = 20_000
MAX_SLOTS: Final = 100_000
MAX_VALUE: Final = 256
"""Characters of a group's value; of a longer one, so many and a digest of the whole."""
_KEY_FIELDS: Final = frozenset({"service", "level", "statusCode", "tenant"})
_PRESENCE: Final = "has(responseTime)"
_READERS: Final[dict[str, Callable[[Event], Any]]] = {
    "service": attrgetter("service"),
    "level": attrgetter("level"),
    "host": attrgetter("host"),
    "statusCode": attrgetter("status_code"),
    "traceId": attrgetter("trace_id"),
}
_ATTRIBUTE: Final = "attributes."
_ANY: Final[str | None] = None
Predicate = tuple[str | None, str | None]
Numbers = Callable[[Iterable[Event]], list[float]]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if len(text) <= MAX_VALUE:
        return text
    digest = blake2b(text.encode(), digest_size=8).hexdigest()
    return f"{text[:MAX_VALUE]}~{digest}"


def _reader(name: str) -> Callable[[Event], Any]:
    if name.startswith(_ATTRIBUTE):
        attribute = name.removeprefix(_ATTRIBUTE)
        return lambda event: event.attributes.get(attribute)
    return _READERS[name]


def _numbers(spec: PaneSpec, value: Value | None) -> Numbers | None:
    if value is None:
        return None
    if spec.value == "responseTime":
        return lambda events: [
            event.response_time for event in events if event.response_time is not None
        ]
    read = value.of
    return lambda events: [number for event in events if (number := read(event)) is not None]


class SpecEvaluator:
    """One pane spec with its functions, and the slots of some groups that it met."""

    __slots__ = (
        "_bound",
        "_readers",
        "_slots",
        "group_by_key",
        "match",
        "match_by_key",
        "numbers",
        "spec",
        "value",
    )

    def __init__(
        self, spec: PaneSpec, match: Match, value: Value | None, *, bound: int = MAX_SLOTS
    ) -> None:
        self.spec = spec
        self.match = match
        self.value = value
        self.numbers = _numbers(spec, value)
        """Returns the numbers that events have; None if the spec aggregates none."""
        self.match_by_key = match.variables <= _KEY_FIELDS or spec.match.strip() == _PRESENCE
        self.group_by_key = _KEY_FIELDS.issuperset(spec.group_by)
        self._readers = tuple(_reader(name) for name in spec.group_by)
        self._slots: dict[Group, int] = {}
        self._bound = bound

    def group_of(self, event: Event) -> Group:
        """Return the event's group, as bounded texts; a field that it lacks is the empty text."""
        return tuple(_text(read(event)) for read in self._readers)

    def slot(self, group: Group) -> int:
        """Return the slot of a group, remembered within a bound."""
        slot = self._slots.get(group)
        if slot is None:
            if len(self._slots) >= self._bound:
                self._slots.clear()
            slot = slot_of(self.spec.id, group if self.spec.spread else ())
            self._slots[group] = slot
        return slot

    def reads(self) -> frozenset[str]:
        """Return the names of an event's fields that are needed."""
        grouped = {name.partition(".")[0] for name in self.spec.group_by}
        value = self.value.variables if self.value else frozenset[str]()
        return self.match.variables | value | grouped

    def predicates(self) -> Iterable[Predicate]:
        """Yield each (service, level) that the match demands; None demands nothing."""
        demanded = self.match.equalities
        services: Iterable[str | None] = demanded.get("service", (_ANY,))
        levels: Iterable[str | None] = demanded.get("level", (_ANY,))
        return product(services, levels)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with the events of one key."""

    error: bool
    settled: tuple[tuple[SpecEvaluator, Group | None], ...]
    """Specs that match; with the group, where the key decides it."""
    tried: tuple[SpecEvaluator, ...]
    """Specs whose match must be tried on each event."""


class Planner:
    """Finds plans by index and remembers them, within a bound."""

    def __init__(self, evaluators: Iterable[SpecEvaluator], *, bound: int = MAX_PLANS) -> None:
        self._bound = bound
        self._index: dict[Predicate, list[SpecEvaluator]] = defaultdict(list)
        for evaluator in evaluators:
            for predicate in evaluator.predicates():
                self._index[predicate].append(evaluator)
        self._plans: dict[tuple[str, str, int | None, bool], Plan] = {}

    def plan(self, event: Event) -> Plan:
        """Return the plan of an event's key."""
        key = (event.service, event.level, event.status_code, event.response_time is None)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= self._bound:
                self._plans.clear()
            plan = self._plans[key] = self._make(event)
        return plan

    def _candidates(self, event: Event) -> Iterable[SpecEvaluator]:
        for service in (event.service, _ANY):
            for level in (event.level, _ANY):
                yield from self._index.get((service, level), ())

    def _make(self, event: Event) -> Plan:
        settled: list[tuple[SpecEvaluator, Group | None]] = []
        tried = []
        for each in self._candidates(event):
            if not each.match_by_key:
                tried.append(each)
            elif each.match.test(event):
                settled.append((each, each.group_of(event) if each.group_by_key else None))
        return Plan(is_error(event), tuple(settled), tuple(tried))
