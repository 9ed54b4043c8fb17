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
from alert_contracts.events import Event
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.sampling import Sighting, Telling, choose, events_of, spread

LOOK_STEPS: Final = 20_000
"""Steps of macros for one record: milliseconds. What they do not reach is not shown."""
MAX_MARKS: Final = 16
"""Groups to look for in a record by their texts; with more it is as cheap to unpack all of it."""
Reference = tuple[int, int]
"""Source partition and offset of a record of `log-events`."""


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
    """The how manieth of the crossing record's events it was that crossed; None: not known, its
    last one is shown."""
    value: str | None = None
    """The value with which it crossed, where that is what the rule looks at."""
    peak: int = 0
    """1: it was the crossing record's largest number that crossed; -1: its smallest."""

    def telling(self) -> list[Reference]:
        """Return the records whose events have a part of their own, the most telling first."""
        found = (self.crossing, self.first, self.last)
        return [reference for reference in found if reference is not None]


def in_turn(asked: Sequence[Sequence[Reference]]) -> list[Reference]:
    """Return the records of several questions, each once: first the first one of each question."""
    ranks = range(max(map(len, asked), default=0))
    return list(dict.fromkeys(each[rank] for rank in ranks for each in asked if rank < len(each)))


def admitted(samples: Sequence[Sample], selector: Selector) -> dict[str, str]:
    """Return the value that the lists of a MATCH let pass, of the event that crossed."""
    for sample in samples:
        text = selector.text(sample.event) if sample.role == "crossing" else None
        if text is not None:
            return {"value": text}
    return {}


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

    def lacks(self) -> bool:
        """Tell whether it has fewer events than an alert shows."""
        return len({each[:4] for each in self.sightings}) < MAX_SAMPLES

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
    if asked.peak:
        numbered = [(selector.number(each.event), each) for each in sightings]
        known = [(number * asked.peak, each) for number, each in numbered if number is not None]
        return max(known, key=itemgetter(0), default=(0, sightings[-1]))[1]
    place = len(sightings) if asked.needed is None else min(asked.needed, len(sightings))
    return sightings[place - 1]


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

    def lacking(self, seen: Collection[Reference], *, step: int) -> list[Reference]:
        """Return other records for questions that have not enough to show, those `seen` left out.

        `step`: of those of a question one in so many.
        """
        lacking = [finding.question for finding in self._findings if finding.lacks()]
        others = in_turn([one.others[::step] for one in lacking])
        return [each for each in others if each not in seen]

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
