"""What alerts want to show, which records hold it, and the samples that those records give.

State refers to records of `log-events` and holds none of their events. When an alert is to be
told, the records are read again, and the events that its rule counted are found in them.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final, NamedTuple, Protocol

from alert_contracts.alerts import MAX_SAMPLES, Sample
from alert_contracts.events import Event, is_error
from alert_rule_engine.domain.endless import ENDLESS
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.sampling import (
    LEAST_SAMPLES,
    Sighting,
    Telling,
    choose,
    events_of,
    spread,
)
from alert_rule_engine.domain.weighing import News, Scale, Weight

LOOK_STEPS: Final = 20_000
"""Steps of macros for one record: milliseconds. What they do not reach is not shown."""
FEW: Final = 3
"""Of the records that are not the most telling ones, one in so many is looked through for what
tells why an alert fires, should those have too little of it."""
MAX_MARKS: Final = 16
"""Groups to look for in a record by their texts; with more it is as cheap to unpack all of it."""
Reference = tuple[int, int]
"""Source partition and offset of a record of `log-events`."""
Weighed = tuple[Weight, Sighting]
_NO_WEIGHT: Final = Weight()


class Selector(Protocol):
    """Which events a pane spec counts, and in which group."""

    def allow(self, steps: int) -> None:
        """Let the macros of its expressions take so many steps, or nothing matches any more."""
        ...

    def matches(self, event: Event) -> bool:
        """Tell whether the event counts."""
        ...

    def group_of(self, event: Event) -> Group:
        """Return the event's group."""
        ...

    def number(self, event: Event) -> float | None:
        """Return the event's value as a number; None if it has none."""
        ...

    def text(self, event: Event) -> str | None:
        """Return the event's value as a text; None if it has none."""
        ...

    def marks(self, group: Group) -> tuple[str, ...]:
        """Return texts that each event which counts in a group has in its fields."""
        ...


class Question(NamedTuple):
    """What one alert wants to show: events of a group in the window [start, end)."""

    spec: str
    group: Group
    start: int
    end: int
    first: Reference | None = None
    crossing: Reference | None = None
    last: Reference | None = None
    others: tuple[Reference, ...] = ()
    needed: int | None = None
    """The how manieth of the crossing record's events in one pane it was that crossed; None: not
    known, the last one that tells most is shown."""
    scale: Scale | None = None
    """Weighs its events, where some tell more than others."""
    news: News | None = None
    """Weighs them instead, where it is their values that are news."""
    reached: int = 0
    """Event time that the rows which crossed had reached: in their pane, or its end."""
    pane: int = ENDLESS
    """Length of a pane."""

    def telling(self) -> list[Reference]:
        """Return the records whose events have a part of their own, the most telling first."""
        found = (self.crossing, self.first, self.last)
        return [reference for reference in found if reference is not None]


def in_turn(asked: Sequence[Sequence[Reference]]) -> list[Reference]:
    """Return the records of several questions, each once: first the first one of each question."""
    ranks = range(max(map(len, asked), default=0))
    return list(dict.fromkeys(each[rank] for rank in ranks for each in asked if rank < len(each)))


def admitted(event: Event | None, selector: Selector) -> dict[str, str]:
    """Return the value that the lists of a MATCH let pass, of the event that crossed."""
    text = None if event is None else selector.text(event)
    return {} if text is None else {"value": text}


@dataclass(slots=True)
class _Finding:
    """What was found for one question."""

    question: Question
    sightings: dict[int, list[Sighting]] = field(default_factory=lambda: defaultdict(list))
    """By how many parts of the condition they weigh for."""
    crossing: Weighed | None = None
    """Of its record, also where that has nothing of the window that is shown by now."""
    read: set[Reference] = field(default_factory=set)

    def add(self, reference: Reference, sightings: Sequence[Sighting], selector: Selector) -> None:
        """Take what one record has of the group, in the order of its lines."""
        asked = self.question
        mine = [each for each in sightings if asked.start <= each.at < asked.end]
        weighed = _weighed(mine, asked, selector)
        if reference == asked.crossing and sightings:
            others = [(_NO_WEIGHT, each) for each in sightings]
            self.crossing = _crossing(asked, weighed or others, selector)
        if not mine:
            return
        self.read.add(reference)
        alike: dict[int, list[Sighting]] = defaultdict(list)
        for weight, each in weighed:
            alike[weight.parts].append(each)
        for parts, some in alike.items():
            self.sightings[parts] += spread(sorted(some), MAX_SAMPLES)
        if reference == asked.crossing and self.crossing is not None:
            weight, crossing = self.crossing
            self.sightings[weight.parts].append(crossing)

    def lacking(self, seen: frozenset[Reference]) -> list[Reference]:
        """Return as many of its other records as events are lacking: each holds one at least."""
        others = [each for each in self.question.others if each not in seen]
        found = {each.place for some in self.sightings.values() for each in some}
        wanted = max(0, MAX_SAMPLES - len(found))
        return spread(others, max(wanted, -(-len(others) // FEW)) if self._misses() else wanted)

    def _misses(self) -> bool:
        """Tell whether too few of its events tell why the alert fires."""
        told = {each.place for parts, some in self.sightings.items() if parts for each in some}
        return self.question.scale is not None and len(told) < LEAST_SAMPLES

    def samples(self) -> list[Sample]:
        if not self.sightings:
            return []
        asked, best = self.question, max(self.sightings)
        telling = self.sightings[best]
        first = min(telling) if asked.first in self.read else None
        last = max(telling) if asked.last in self.read else None
        return choose(self.sightings, Telling(first, self._crossed(best), last))

    def _crossed(self, best: int) -> Sighting | None:
        """Return the event that crossed, or the last that tells, if its record has none of them."""
        if self.crossing is None or self.question.crossing not in self.read:
            return None
        weight, crossing = self.crossing
        return max(self.sightings[best]) if weight.parts == 0 < best else crossing


def _weighed(sightings: Sequence[Sighting], asked: Question, selector: Selector) -> list[Weighed]:
    """Return what one record has of a group, with what each event weighs."""
    if asked.news is not None:
        texts = [selector.text(each.event) for each in sightings]
        beside = {text for text in texts if text is not None}
        weights = [asked.news.weigh(text, beside) for text in texts]
        return [*zip(weights, sightings, strict=True)]
    return [(_weight(each.event, asked.scale, selector), each) for each in sightings]


def _weight(event: Event, scale: Scale | None, selector: Selector) -> Weight:
    if scale is None:
        return _NO_WEIGHT
    return scale.weigh(selector.number(event), error=is_error(event))


def _crossing(asked: Question, sightings: Sequence[Weighed], selector: Selector) -> Weighed:
    if asked.news is not None:
        ordered = sorted(sightings, key=itemgetter(1))
        place = asked.news.crossing([selector.text(each.event) for _, each in ordered])
        if place is not None:
            return ordered[place]
    if asked.needed is not None:
        mine = _of_its_pane(asked, asked.needed, sightings)
        return mine[min(asked.needed, len(mine)) - 1]
    return max(reversed(sightings), key=itemgetter(0))


def _of_its_pane(asked: Question, needed: int, sightings: Sequence[Weighed]) -> Sequence[Weighed]:
    """Return the events of the pane that crossed; all, if that lies ahead of time: not known."""
    pane = asked.pane
    for start in ((asked.reached - 1) // pane * pane, asked.reached // pane * pane):
        mine = [each for each in sightings if start <= each[1].at < start + pane]
        if len(mine) >= needed:
            return mine
    return sightings


class Search:
    """Looks through records, one after the other, for what some questions ask."""

    def __init__(
        self, questions: Sequence[Question], selector_of: Callable[[str], Selector | None]
    ) -> None:
        """`selector_of`: of a pane spec; None if no rule reads it any more."""
        self._selector_of = selector_of
        self._findings = [_Finding(question) for question in questions]
        self._asking: dict[Reference, dict[str, list[_Finding]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for finding in self._findings:
            asked = finding.question
            for reference in {*asked.telling(), *asked.others}:
                self._asking[reference][asked.spec].append(finding)

    def telling(self) -> list[Reference]:
        """Return the records to be looked through first."""
        return in_turn([finding.question.telling() for finding in self._findings])

    def lacking(self, seen: Collection[Reference]) -> list[Reference]:
        """Return records not `seen` yet, for questions that have not enough to show."""
        known = frozenset(seen)
        return in_turn([finding.lacking(known) for finding in self._findings])

    def look(self, reference: Reference, value: bytes) -> None:
        """Look through one record."""
        asking = [
            (selector, findings)
            for spec, findings in self._asking.get(reference, {}).items()
            if (selector := self._selector_of(spec)) is not None
        ]
        marks = {
            selector.marks(finding.question.group)
            for selector, findings in asking
            for finding in findings
        }
        some = all(marks) and len(marks) <= MAX_MARKS
        events = events_of(value, marks if some else None)
        for selector, findings in asking:
            _look(reference, events, selector, findings)

    def crossings(self) -> list[Event | None]:
        """Return the event that crossed, for each question; None where it could not be read."""
        return [finding.crossing and finding.crossing[1].event for finding in self._findings]

    def samples(self) -> list[list[Sample]]:
        """Return the samples of each question, as far as its records were looked through."""
        return [finding.samples() for finding in self._findings]


def _look(
    reference: Reference,
    events: Sequence[tuple[int, Event]],
    selector: Selector,
    findings: list[_Finding],
) -> None:
    selector.allow(LOOK_STEPS)
    found: dict[Group, list[Sighting]] = {finding.question.group: [] for finding in findings}
    for line, event in events:
        if selector.matches(event):
            sightings = found.get(selector.group_of(event))
            if sightings is not None:
                sightings.append(Sighting(event.timestamp, *reference, line, event))
    for finding in findings:
        finding.add(reference, found[finding.question.group], selector)
