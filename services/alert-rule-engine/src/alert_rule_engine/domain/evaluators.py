"""One pane spec with its functions: which events it counts, where, and what it keeps of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Final

from alert_contracts.events import Event, is_error_outcome
from alert_contracts.topics import STATE_PARTITIONS
from alert_rule_engine.domain.asks import ask_of
from alert_rule_engine.domain.distinct import hash_of
from alert_rule_engine.domain.partials import Group, slot_of, target_of
from alert_rule_engine.domain.readers import MAX_VALUE, TEXTS, GroupBy, Raw, text_of
from alert_rule_engine.domain.room import Room
from alert_rule_engine.domain.specs import NUMERIC, Kind, PaneSpec, match_of, scalar_of, value_of
from alert_rule_engine.domain.tallies import Home, Place, Tallies
from rule_language import Match, Scalar, Value

KEY_FIELDS: Final = frozenset({"service", "level", "statusCode", "tenant"})
"""What an event's key decides; `has(responseTime)` is told apart by key as well."""
TIME: Final = "responseTime"
_PRESENCE: Final = f"has({TIME})"
_ANY: Final[str | None] = None
_FEW: Final = 8
"""Events that are counted faster one by one."""
Predicate = tuple[str | None, str | None]


class SpecEvaluator:
    """One pane spec with its functions, and the places of the groups that it met."""

    __slots__ = (
        "_collect",
        "_group_by",
        "_homes",
        "_known",
        "_listed",
        "_places",
        "_term",
        "_value",
        "ask",
        "budgets",
        "by_key",
        "match",
        "room",
        "spec",
        "whole",
    )

    def __init__(
        self, spec: PaneSpec, match: Match, value: Value | None = None, term: Scalar | None = None
    ) -> None:
        """`value` gives the number of an event, `term` its text, where the spec asks for one."""
        self.spec = spec
        self.match = match
        self.ask = ask_of(match, spec.tenant)
        self.whole = _counted_by_key(spec) and _decided_by_key(match)
        """Events of one key (and with, or without, a responseTime) are all counted, in one place,
        or none is."""
        self.by_key = self.whole or match.variables <= KEY_FIELDS
        """The key decides whether events match."""
        self._value = value
        self._term = term
        asked = (match.budget, value.budget if value else None, term.budget if term else None)
        self.budgets = tuple(each for each in asked if each is not None)
        """Of its expressions that need one; specs with the same expression share it."""
        self._group_by = GroupBy(spec.group_by)
        self._homes = tuple(Home(spec, target) for target in range(STATE_PARTITIONS))
        self._places: dict[Group, Place] = {}
        self._known: dict[Raw, tuple[Place, bool]] = {}
        self.room = Room()
        """Where it counts the places that it remembers."""
        self._collect = _COLLECT[spec.kind]
        self._listed = spec.blacklist is not None or spec.whitelist is not None

    @property
    def numeric(self) -> bool:
        """Tell whether numbers are kept."""
        return self.spec.kind in NUMERIC

    def matches(self, event: Event) -> bool:
        """Tell whether an event is counted."""
        return self.match.test(event) and self._admits(event)

    def group_of(self, event: Event) -> Group:
        """Return the event's group, as bounded texts; a field that it lacks is the empty text."""
        return self._group_by.of(event)

    def number(self, event: Event) -> float | None:
        """Return the event's value as a number; None without one."""
        return None if self._value is None else self._value.of(event)

    def text(self, event: Event) -> str | None:
        """Return the event's value as a bounded text; None without a value."""
        found = None if self._term is None else self._term.of(event)
        return None if found is None else text_of(found)

    def marks(self, group: Group) -> tuple[str, ...]:
        """Return texts that each event which counts in a group has in its fields."""
        given = dict(zip(self.spec.group_by, group, strict=False))  # terms have one part more
        for name, demanded in self.match.equalities.items():
            if len(demanded) == 1:
                given.setdefault(name, *demanded)
        return tuple(given[name] for name in TEXTS if 0 < len(given.get(name, "")) <= MAX_VALUE)

    def allow(self, steps: int) -> None:
        """Let each of its expressions take so many steps from now on."""
        for each in self.budgets:
            each.refill(steps)

    def exhausted(self) -> bool:
        """Tell whether there are no steps left, so that what it counts is not to be believed."""
        return any(each.exhausted() for each in self.budgets)

    def cut_short(self) -> bool:
        """Tell whether an event had more elements than its expressions may look at."""
        return any(each.cut_short() for each in self.budgets)

    def place_of(self, event: Event) -> Place:
        """Return where an event is counted that is not counted by its value."""
        return self._find(self._group_by.raw(event))[0]

    def collect(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Count events that fulfil `match`."""
        if self._listed:
            events = list(filter(self._admits, events))
        self._collect(self, events, tallies)

    def places(self) -> int:
        """Return how many places are remembered."""
        return len(self._known)

    def forget(self) -> None:
        """Remember no place; not between `place_of` and the use of it."""
        self._places.clear()
        self._known.clear()

    def reads(self) -> frozenset[str]:
        """Return the names of an event's fields that are needed."""
        grouped = {name.partition(".")[0] for name in self.spec.group_by}
        taken = [each.variables for each in (self._value, self._term) if each is not None]
        return self.match.variables.union(grouped, *taken)

    def predicates(self) -> Sequence[Predicate]:
        """Return each (service, level) that the match demands; None demands nothing."""
        demanded = self.match.equalities
        services: Iterable[str | None] = demanded.get("service", (_ANY,))
        levels: Iterable[str | None] = demanded.get("level", (_ANY,))
        return list(product(services, levels))

    def _admits(self, event: Event) -> bool:
        """Tell whether the value is one that the rule's lists let pass; no value is not."""
        if not self._listed:
            return True
        allowed, denied = self.spec.blacklist, self.spec.whitelist
        text = self.text(event)
        return (
            text is not None
            and (allowed is None or text in allowed)
            and (denied is None or text not in denied)
        )

    def _find(self, raw: Raw, *more: str) -> tuple[Place, bool]:
        """Return the place of a group, to which `more` is added, and whether it is an error."""
        key = (*raw, *more)
        known = self._known.get(key)
        if known is None:
            group = self._group_by.group(raw)
            *_, level, status = raw
            self.room.taken += 1
            known = self._known[key] = self._place(group, more), is_error_outcome(level, status)
        return known

    def _place(self, group: Group, more: Group) -> Place:
        place = self._places.get(group + more)
        if place is None:
            slot = slot_of(self.spec.id, group if self.spec.spread else ())
            place = Place(self._homes[target_of(slot)], slot, group + more)
            self._places[group + more] = place
        return place

    def count(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Count events by group."""
        read, known = self._group_by.raw, self._known
        if len(events) > _FEW:
            counted: Iterable[tuple[Raw, int]] = Counter(map(read, events)).items()
        else:
            counted = [(read(event), 1) for event in events]
        for raw, number in counted:
            place, error = known.get(raw) or self._find(raw)
            tallies.counts[place] += number
            if error:
                tallies.errors[place] += number

    def numbers(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Count events by group, and keep their numbers."""
        self.count(events, tallies)
        read = self._value.of if self._value else _no_number
        for event in events:
            number = read(event)
            if number is not None:
                tallies.numbers[self.place_of(event)].append(number)

    def hashes(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Count events by group, and keep the hashes of their values."""
        self.count(events, tallies)
        for event in events:
            text = self.text(event)
            if text is not None:
                tallies.distinct[self.place_of(event)].add(hash_of(text))

    def terms(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Count events that have a value, by group and value."""
        for event in events:
            text = self.text(event)
            if text is not None:
                place, error = self._find(self._group_by.raw(event), text)
                tallies.counts[place] += 1
                if error:
                    tallies.errors[place] += 1

    def changes(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Count events that have a value by group, and keep their values."""
        valued = [(event, text) for event in events if (text := self.text(event)) is not None]
        self.count([event for event, _ in valued], tallies)
        for event, text in valued:
            tallies.changes[self.place_of(event)].append((event.timestamp, text))


def _no_number(_event: Event) -> None:
    return None


_COLLECT: Final[dict[Kind, Callable[[SpecEvaluator, Sequence[Event], Tallies], None]]] = {
    Kind.COUNT: SpecEvaluator.count,
    Kind.NUMBER: SpecEvaluator.numbers,
    Kind.SKETCH: SpecEvaluator.numbers,
    Kind.DISTINCT: SpecEvaluator.hashes,
    Kind.TERM: SpecEvaluator.terms,
    Kind.CHANGE: SpecEvaluator.changes,
}


def _decided_by_key(match: Match) -> bool:
    if TIME in match.variables and TIME in match.source.replace(_PRESENCE, ""):
        return False
    return match.variables <= KEY_FIELDS | {TIME}


def _counted_by_key(spec: PaneSpec) -> bool:
    kept = spec.kind is Kind.COUNT or (spec.kind in NUMERIC and spec.value == TIME)
    listed = spec.blacklist is not None or spec.whitelist is not None
    return kept and not listed and KEY_FIELDS.issuperset(spec.group_by)


def evaluator_of(spec: PaneSpec) -> SpecEvaluator:
    """Compile what a pane spec counts.

    Raises:
        RuleLanguageError: an expression is refused.
    """
    match = match_of(spec.match, spec.tenant)
    if spec.value is None:
        return SpecEvaluator(spec, match)
    if spec.kind in NUMERIC:
        return SpecEvaluator(spec, match, value=value_of(spec.value, spec.tenant))
    return SpecEvaluator(spec, match, term=scalar_of(spec.value, spec.tenant))
