"""When a rule may fire: `activeTime`, in the words of Alertmanager."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.alias_generators import to_camel

from alert_contracts import time_intervals
from alert_contracts.rules import TimeInterval, TimeRange
from api_gateway.domain.refusals import step
from api_gateway.domain.rule_document import Problem, Sent, TimeIntervalDocument, is_wrong

_DAY: Final = 86_400_000
_LEAP_YEAR: Final = range(730 * _DAY, 1096 * _DAY, _DAY)
"""The days of 1972: whatever date there is, is among them."""
_INTERVALS: Final = TypeAdapter(list[TimeIntervalDocument])


def interval_of(document: TimeIntervalDocument) -> TimeInterval:
    """Return the interval that a document describes."""
    return TimeInterval(
        times=tuple(TimeRange(each.start_time, each.end_time) for each in document.times),
        weekdays=tuple(document.weekdays),
        days_of_month=tuple(document.days_of_month),
        months=tuple(document.months),
        years=tuple(document.years),
        location=document.location,
    )


def check(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    """Find what is wrong with intervals whose fields are each of their kind."""
    given = sent.get("activeTime")
    if given is None or is_wrong(wrong, "/activeTime"):
        return
    intervals = [interval_of(each) for each in _INTERVALS.validate_python(given)]
    found = time_intervals.problems(intervals)
    for path, reason in found or _never(intervals):
        yield Problem("/activeTime" + "".join(_steps(given, path)), reason)


def _never(intervals: Sequence[TimeInterval]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Find days of the month that none of the months has, such as 30 February."""
    for index, interval in enumerate(intervals):
        days = TimeInterval(days_of_month=interval.days_of_month, months=interval.months)
        if not any(time_intervals.holds([days], at) for at in _LEAP_YEAR):
            yield (
                (index, "days_of_month"),
                "none of its months has such a day, so it would never hold",
            )


def _steps(node: Any, path: tuple[str | int, ...]) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Yield the steps of a pointer, with the members' names as they were written."""
    for part in path:
        name = to_camel(part) if isinstance(part, str) and part not in node else part
        yield step(name)
        node = node[name]
