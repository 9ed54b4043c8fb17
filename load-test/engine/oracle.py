"""What every window's count and every alert must be: plain Python over what was put in the topic.

Independent of the engine: it knows neither partials nor panes, only events and questions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from engine.rulesets import ENDS, LOUD, WINDOW_MS, Question, rule_id
from engine.workload import Drawn, Record, Workload

MOST_WINDOWS = 8
"""That one rule fires in."""


class Cell(NamedTuple):
    """One window of one group of one rule, by the rule's number."""

    rule: int
    group: str
    start: int


class Fired(NamedTuple):
    """An alert, reduced to what all sides can say."""

    rule: str
    group: str
    start: int


def count(
    asked: Sequence[Question], workload: Workload, records: Iterable[Record]
) -> Counter[Cell]:
    """Count every event of the records under every question that it answers."""
    index = _Index(asked)
    answers = [[index.cells(event) for event in chunk] for chunk in workload.drawn]
    whole = [Counter(cell for cells in chunk for cell in cells) for chunk in answers]
    cells: Counter[Cell] = Counter()
    for record in records:
        start = record.second * 1000 // WINDOW_MS * WINDOW_MS
        # Events are at most 5 s before and 1 s after the record's second.
        if record.chunk >= 0 and start <= record.second * 1000 - 5000 < start + WINDOW_MS - 6000:
            for (rule, group), events in whole[record.chunk].items():
                cells[Cell(rule, group, start)] += events
        else:
            for time, event in workload.times(record):
                for rule, group in index.cells(event):
                    cells[Cell(rule, group, time // WINDOW_MS * WINDOW_MS)] += 1
    return cells


class _Index:
    """Spares asking about another service; each question is still asked in full."""

    def __init__(self, asked: Sequence[Question]) -> None:
        self._by_service: dict[str | None, list[tuple[int, Question]]] = defaultdict(list)
        for number, question in enumerate(asked):
            self._by_service[question.service].append((number, question))

    def cells(self, event: Drawn) -> list[tuple[int, str]]:
        """Return (rule, group) for each question that the event answers."""
        near = (*self._by_service[None], *self._by_service.get(event.service, ()))
        return [
            (number, event.host if question.by == "host" else event.service)
            for number, question in near
            if question.matches(event)
        ]


def thresholds(asked: Sequence[Question], cells: Mapping[Cell, int]) -> dict[int, int]:
    """Choose thresholds so that some ten rules fire, each in a fifth of its windows, at most eight.

    Rules that are left out never fire. An alert is a rare event, and has evidence to be fetched.
    """
    counts: dict[int, list[int]] = defaultdict(list)
    for cell, events in cells.items():
        counts[cell.rule].append(events)
    step = max(1, len(asked) // LOUD)
    loud = range(0, len(asked), step)
    chosen = {
        number: sorted(counts[number])[-1 - min(MOST_WINDOWS, len(counts[number]) // 5)]
        for number in loud
        if counts[number]
    }
    return {**chosen, asked.index(ENDS): 0}


def alerts(
    asked: Sequence[Question], limits: Mapping[int, int], cells: Mapping[Cell, int]
) -> set[Fired]:
    """Return every window that must cross."""
    return {
        Fired(rule_id(cell.rule, asked[cell.rule]), cell.group, cell.start)
        for cell, events in cells.items()
        if cell.rule in limits and events > limits[cell.rule]
    }


def difference(said: set[Fired], due: set[Fired], *, lasting: bool) -> list[str]:
    """Return a sentence for each alert that is missing or too many.

    `lasting`: the side opens one alert for a group that goes on over all windows that cross, so
    each (rule, group) must be there, and be said of a window that crosses.
    """
    missing = due - said
    if lasting:
        opened = {(alert.rule, alert.group) for alert in said}
        missing = {alert for alert in due if (alert.rule, alert.group) not in opened}
    return [
        *(f"missing: {alert}" for alert in sorted(missing)),
        *(f"not due: {alert}" for alert in sorted(said - due)),
    ]
