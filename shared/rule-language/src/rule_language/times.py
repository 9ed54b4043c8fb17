"""Times and durations: reading them, writing them, and taking them apart."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from rule_language.results import MISMATCH, OVERFLOW, UNREADABLE, Duration, Nothing, Timestamp

SECOND: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TIMESTAMPS: Final = range(-62_135_596_800 * SECOND, 253_402_300_800 * SECOND)
"""From year 1 to year 9999, as the standard has it."""
DURATIONS: Final = range(-(2**63), 2**63)
"""What arithmetic with durations may yield."""
_LONGEST: Final = 87_660_000 * 3_600 * SECOND
_UNITS: Final = {
    "h": 3_600 * SECOND,
    "m": 60 * SECOND,
    "s": SECOND,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
_PART: Final = r"(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:h|ms|m|s|us|ns)"
"""Digits are never given back, so that a long text that is none takes no longer than one."""
MAX_UNITS: Final = 8
"""Parts of a duration."""
_DURATION: Final = re.compile(rf"[+-]?(?:0|(?:{_PART}){{1,{MAX_UNITS}}})", re.ASCII)
_PARTS: Final = re.compile(r"([0-9]*)\.?([0-9]*)(h|ms|m|s|us|ns)", re.ASCII)
_TIMESTAMP: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]++))?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_OFFSET: Final = re.compile(r"([+-]?)([0-9]{2}):([0-9]{2})", re.ASCII)
_MAX_DIGITS: Final = 20
"""Digits of a part of a duration; more are out of range anyway."""


def timestamp_of(text: str) -> Timestamp | Nothing:
    """Return the time that an RFC 3339 text names."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return UNREADABLE
    day, clock, fraction, offset = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{offset.upper()}")
    except ValueError:
        return UNREADABLE
    nanoseconds = int((fraction or "0")[:9].ljust(9, "0"))
    value = (moment - _EPOCH) // timedelta(seconds=1) * SECOND + nanoseconds
    return Timestamp(value) if value in TIMESTAMPS else OVERFLOW


def duration_of(text: str) -> Duration | Nothing:
    """Return the duration that a text such as `1h30m` or `-1.5s` names."""
    if _DURATION.fullmatch(text) is None:
        return UNREADABLE
    total = 0
    for whole, fraction, unit in _PARTS.findall(text):
        if len(whole) > _MAX_DIGITS:
            return OVERFLOW
        size = _UNITS[unit]
        total += int(whole or "0") * size + int(fraction[:9].ljust(9, "0")) * size // SECOND
    value = -total if text.startswith("-") else total
    return Duration(value) if abs(value) <= _LONGEST else OVERFLOW


@lru_cache(maxsize=1_024)
def zone_of(name: str) -> tzinfo | None:
    """Return the time zone of a name or an offset, such as `Europe/Berlin` or `-08:00`."""
    found = _OFFSET.fullmatch(name)
    try:
        if found is None:
            return ZoneInfo(name)
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-offset if found[1] == "-" else offset)
    except (KeyError, ValueError, OSError):
        return None


def text_of_timestamp(value: Timestamp) -> str:
    """Return a time as RFC 3339, in UTC."""
    seconds, rest = divmod(int(value), SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment.replace(tzinfo=None).isoformat()}{_fraction(rest)}Z"


def text_of_duration(value: Duration) -> str:
    """Return a duration in seconds."""
    seconds, rest = divmod(abs(int(value)), SECOND)
    return f"{'-' if value < 0 else ''}{seconds}{_fraction(rest)}s"


def _fraction(nanoseconds: int) -> str:
    """Return as many groups of three digits as are needed."""
    digits = f"{nanoseconds:09}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f".{digits}" if digits else ""


def _truncated(value: int, size: int) -> int:
    return value // size if value >= 0 else -(-value // size)


_OF_TIME: Final[Mapping[str, Callable[[datetime], int]]] = {
    "getFullYear": lambda moment: moment.year,
    "getMonth": lambda moment: moment.month - 1,
    "getDate": lambda moment: moment.day,
    "getDayOfMonth": lambda moment: moment.day - 1,
    "getDayOfWeek": lambda moment: moment.isoweekday() % 7,
    "getDayOfYear": lambda moment: moment.timetuple().tm_yday - 1,
    "getHours": lambda moment: moment.hour,
    "getMinutes": lambda moment: moment.minute,
    "getSeconds": lambda moment: moment.second,
    "getMilliseconds": lambda moment: moment.microsecond // 1_000,
}
_OF_DURATION: Final[Mapping[str, Callable[[int], int]]] = {
    "getHours": lambda value: _truncated(value, 3_600 * SECOND),
    "getMinutes": lambda value: _truncated(value, 60 * SECOND),
    "getSeconds": lambda value: _truncated(value, SECOND),
    "getMilliseconds": lambda value: (
        _truncated(value, 1_000_000) - _truncated(value, SECOND) * 1_000
    ),
}
GETTERS: Final = tuple(_OF_TIME)


def getter(name: str, zone: tzinfo | None) -> Callable[[Any], Any]:
    """Return the function that takes one part out of a time (in a zone) or of a duration."""
    of_time, of_duration = _OF_TIME[name], _OF_DURATION.get(name)

    def get(value: Any) -> Any:  # noqa: ANN401 - any value of an event
        if value.__class__ is Timestamp:
            moment = _EPOCH + timedelta(microseconds=value // 1_000)
            try:
                return of_time(moment if zone is None else moment.astimezone(zone))
            except OverflowError:  # year 0 or 10 000, there
                return OVERFLOW
        if value.__class__ is Duration and of_duration is not None and zone is None:
            return of_duration(value)
        return MISMATCH

    return get
