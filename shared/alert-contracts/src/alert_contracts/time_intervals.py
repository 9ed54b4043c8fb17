"""Whether a moment lies in a time interval, as Alertmanager decides it. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from msgspec.structs import replace

from alert_contracts.rules import TimeInterval, TimeRange
from alert_contracts.spelling import nearest

_TIME: Final = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)\Z")
_NUMBER: Final = re.compile(r"-?[0-9]{1,4}\Z")
_DAY_MINUTES: Final = 24 * 60
_LONGEST_MONTH: Final = 31
_SHOWN: Final = 40
_QUARTER: Final = 900_000
_WEEK: Final = 7 * 86_400_000
_MONDAY: Final = 4 * 86_400_000
"""The first of all weeks; in milliseconds since 1970, as are moments."""
_WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAY: Final[Mapping[str, int]] = MappingProxyType(
    {name: number for number, name in enumerate(_WEEKDAYS)}
)
_MONTH: Final[Mapping[str, int]] = MappingProxyType(
    {name: number for number, name in enumerate(_MONTHS, start=1)}
)
Span = tuple[int, int]


class Problem(NamedTuple):
    """What is wrong with a list of intervals, and where: index, field, index in it, its part."""

    path: tuple[str | int, ...]
    reason: str


class _Compiled(NamedTuple):
    """An interval in numbers; an empty field holds always."""

    zone: tzinfo
    times: tuple[Span, ...]
    """Minutes of the day, the end not among them."""
    weekdays: tuple[Span, ...]
    days: tuple[Span, ...]
    months: tuple[Span, ...]
    years: tuple[Span, ...]


def holds(intervals: Sequence[TimeInterval], at_ms: int) -> bool:
    """Tell whether the moment lies in one of the intervals; without any, every moment does.

    Raises:
        ValueError: one of them is no interval; `problems` tells what is wrong.
    """
    return not intervals or any(_contains(_compile(one), at_ms) for one in intervals)


@lru_cache(maxsize=256)
def longest_pause(intervals: tuple[TimeInterval, ...]) -> int:
    """Return the longest time of a week in which none holds, in milliseconds, rounded up.

    By weekdays and times of day alone: who is active one month of the year pauses for no year.

    Raises:
        ValueError: one of them is no interval.
    """
    weekly = [replace(one, days_of_month=(), months=(), years=()) for one in intervals]
    longest = pause = 0
    for at in range(_MONDAY, _MONDAY + 2 * _WEEK, _QUARTER):
        pause = 0 if holds(weekly, at) else pause + _QUARTER
        longest = max(longest, pause)
    return min(longest, _WEEK)


def problems(intervals: Sequence[TimeInterval]) -> list[Problem]:
    """Return everything that is wrong with the intervals."""
    return [
        Problem((index, *path), reason)
        for index, interval in enumerate(intervals)
        for path, reason in _problems(interval)
    ]


def _contains(interval: _Compiled, at_ms: int) -> bool:
    at = datetime.fromtimestamp(at_ms // 1000, interval.zone)
    minute = at.hour * 60 + at.minute
    return (
        _within(interval.years, at.year)
        and _within(interval.months, at.month)
        and _within(interval.weekdays, at.isoweekday() % 7)
        and (not interval.times or any(start <= minute < end for start, end in interval.times))
        and (not interval.days or any(_on(span, at) for span in interval.days))
    )


def _within(spans: tuple[Span, ...], number: int) -> bool:
    return not spans or any(first <= number <= last for first, last in spans)


def _on(span: Span, at: datetime) -> bool:
    """Tell whether the day lies in the span; a negative day counts from the month's end."""
    length = _days_in_month(at.year, at.month)
    first, last = (day if day > 0 else length + day + 1 for day in span)
    return first <= at.day <= last


def _days_in_month(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


@lru_cache(maxsize=1024)
def _compile(interval: TimeInterval) -> _Compiled:
    return _Compiled(
        zone=_zone(interval.location),
        times=tuple(map(_times, interval.times)),
        weekdays=tuple(map(_weekdays, interval.weekdays)),
        days=tuple(map(_days, interval.days_of_month)),
        months=tuple(map(_months, interval.months)),
        years=tuple(map(_years, interval.years)),
    )


def _problems(interval: TimeInterval) -> Iterator[Problem]:
    for index, span in enumerate(interval.times):
        yield from _refused(("times", index), partial(_times, span))
    for name, read in _FIELDS.items():
        for index, text in enumerate(getattr(interval, name)):
            yield from _refused((name, index), partial(read, text))
    yield from _refused(("location",), partial(_zone, interval.location))


def _refused(path: tuple[str | int, ...], read: Callable[[], object]) -> Iterator[Problem]:
    try:
        read()
    except ValueError as exc:
        yield Problem(path, str(exc))


def _times(span: TimeRange) -> Span:
    start, end = _minute(span.start_time), _minute(span.end_time)
    if start >= end:
        msg = f"ends at {span.end_time}, not after its start at {span.start_time}"
        raise ValueError(msg)
    return start, end


def _minute(text: str) -> int:
    match = _TIME.match(text)
    if match is None:
        msg = f"{text[:_SHOWN]!r} is no time of day such as 09:00, or 24:00"
        raise ValueError(msg)
    hour, minute = match.groups()
    return _DAY_MINUTES if hour is None else int(hour) * 60 + int(minute)


def _weekdays(text: str) -> Span:
    return _ordered(text, partial(_named, names=_WEEKDAY, what="day of the week"))


def _months(text: str) -> Span:
    def read(part: str) -> int:
        if _NUMBER.match(part):
            return _bounded(int(part), 1, len(_MONTHS), "month")
        return _named(part, names=_MONTH, what="month")

    return _ordered(text, read)


def _years(text: str) -> Span:
    return _ordered(text, lambda part: _bounded(_number(part, "year"), 1, 9999, "year"))


def _days(text: str) -> Span:
    def read(part: str) -> int:
        day = _number(part, "day of the month")
        _bounded(abs(day), 1, _LONGEST_MONTH, "day of the month")
        return day

    first, last = _parts(text, read)
    if first < 0 < last:
        msg = f"{text!r} begins from the month's end, so it must end there too"
        raise ValueError(msg)
    if _from_first(first) > _from_first(last):
        msg = f"{text!r} ends before it begins"
        raise ValueError(msg)
    return first, last


def _from_first(day: int) -> int:
    """Return a day as of the longest month, counted from its first day."""
    return day if day > 0 else _LONGEST_MONTH + day + 1


def _ordered(text: str, read: Callable[[str], int]) -> Span:
    first, last = _parts(text, read)
    if first > last:
        msg = f"{text!r} ends before it begins"
        raise ValueError(msg)
    return first, last


def _parts(text: str, read: Callable[[str], int]) -> Span:
    first, colon, last = text.strip().lower().partition(":")
    start = read(first)
    return start, read(last) if colon else start


def _number(text: str, what: str) -> int:
    if not _NUMBER.match(text):
        msg = f"{text[:_SHOWN]!r} is no {what}"
        raise ValueError(msg)
    return int(text)


def _bounded(number: int, low: int, high: int, what: str) -> int:
    if not low <= number <= high:
        msg = f"{number} is no {what}: they go from {low} to {high}"
        raise ValueError(msg)
    return number


def _named(text: str, *, names: Mapping[str, int], what: str) -> int:
    number = names.get(text)
    if number is None:
        raise ValueError(_unknown(text, names, what))
    return number


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # Which of them it is depends on what the name looks like: a directory, a path, nothing.
        raise ValueError(_unknown(name, _zones(), "time zone")) from None


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _unknown(text: str, names: Mapping[str, int] | frozenset[str], what: str) -> str:
    meant = nearest(text, names)
    hint = f"; did you mean {meant}?" if meant else ""
    return f"{text[:_SHOWN]!r} is no {what}{hint}"


_FIELDS: Final[Mapping[str, Callable[[str], Span]]] = MappingProxyType(
    {"weekdays": _weekdays, "days_of_month": _days, "months": _months, "years": _years}
)
