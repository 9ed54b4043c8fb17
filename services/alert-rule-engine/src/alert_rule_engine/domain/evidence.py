"""What alerts want to show, which records hold it, and the samples that those records give.

State refers to records of `log-events` and holds none of their events. When an alert is to be
told, the records are read again, and the events that its rule counted are found in them.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, Protocol

from alert_contracts.alerts import MAX_SAMPLES, Sample
from alert_contracts.events import Event
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.sampling import Sighting, Telling, choose, events_of, spread

Reference = tuple[int, int]
"""Source partition and offset of a record of `log-events`."""


class Selector(Protocol):
    """Which events a pane spec counts, and in which group."""

    def matches(self, event: Event) -> bool:
        """Tell whether the event counts."""
        ...

    def group_of(self, event: Event) -> Group:
        """Return the event's group."""
        ...

    def text(self, event: Event) -> str | None:
        """Return the event's value as a text; None if it has none."""
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
    """The how manieth of the crossing record's events it was that crossed; None: not known, its
    last one is shown."""
    value: str | None = None
    """The value with which it crossed, where that is what the rule looks at."""

    def references(self) -> Iterator[Reference]:
        """Yield the records, the most telling first."""
        for reference in (self.crossing, self.first, self.last, *self.others):
            if reference is not None:
                yield reference


def needed(added: int, holds: Callable[[int], bool]) -> int:
    """Return the smallest number of events, up to `added`, with which a condition holds.

    It holds with all of them, and once it holds it does so with more.
    """
    return 1 + bisect_left(range(1, added), True, key=holds)  # noqa: FBT003


def wanted(questions: Sequence[Question], most: int) -> list[Reference]:
    """Return the records to be read, at most so many: first the most telling one of each."""
    asked = [list(question.references()) for question in questions]
    ranks = range(max(map(len, asked), default=0))
    ordered = (each[rank] for rank in ranks for each in asked if rank < len(each))
    return list(islice(dict.fromkeys(ordered), most))


@dataclass(slots=True)
class _Finding:
    """What was found for one question."""

    question: Question
    sightings: list[Sighting] = field(default_factory=list)
    crossing: Sighting | None = None
    read: set[Reference] = field(default_factory=set)

    def add(self, reference: Reference, sightings: Sequence[Sighting], selector: Selector) -> None:
        """Take what one record has of the group, in the order of its lines."""
        asked = self.question
        mine = [each for each in sightings if asked.start <= each.at < asked.end]
        if not mine:
            return
        self.read.add(reference)
        self.sightings += spread(sorted(mine), MAX_SAMPLES)
        if reference == asked.crossing:
            self.crossing = _crossing(asked, mine, selector)
            self.sightings.append(self.crossing)

    def samples(self) -> list[Sample]:
        if not self.sightings:
            return []
        asked = self.question
        first = min(self.sightings) if asked.first in self.read else None
        last = max(self.sightings) if asked.last in self.read else None
        return choose(self.sightings, Telling(first, self.crossing, last))


def _crossing(asked: Question, sightings: Sequence[Sighting], selector: Selector) -> Sighting:
    if asked.value is not None:
        shown = [each for each in sightings if selector.text(each.event) == asked.value]
        sightings = shown or sightings
    place = len(sightings) if asked.needed is None else min(asked.needed, len(sightings))
    return sightings[place - 1]


def answer(
    questions: Sequence[Question],
    records: Mapping[Reference, bytes],
    selectors: Mapping[str, Selector],
) -> list[list[Sample]]:
    """Return the samples of each question, as far as its records were read."""
    findings = [_Finding(question) for question in questions]
    asking: dict[Reference, dict[str, list[_Finding]]] = defaultdict(lambda: defaultdict(list))
    for finding in findings:
        for reference in set(finding.question.references()):
            if reference in records and finding.question.spec in selectors:
                asking[reference][finding.question.spec].append(finding)
    for reference, specs in asking.items():
        events = events_of(records[reference])
        for spec, mine in specs.items():
            _look(reference, events, selectors[spec], mine)
    return [finding.samples() for finding in findings]


def _look(
    reference: Reference, events: Sequence[Event], selector: Selector, findings: list[_Finding]
) -> None:
    found: dict[Group, list[Sighting]] = {finding.question.group: [] for finding in findings}
    for index, event in enumerate(events):
        if selector.matches(event):
            sightings = found.get(selector.group_of(event))
            if sightings is not None:
                sightings.append(Sighting(event.timestamp, *reference, index, event))
    for finding in findings:
        finding.add(reference, found[finding.question.group], selector)
