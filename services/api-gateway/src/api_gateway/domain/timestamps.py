"""Timestamps as clients write them, in epoch milliseconds.

A number has no unit: it is read in the first of s, ms, us, ns in which it is of plausible size,
and refused where that lands beyond the year 2200.
"""

from datetime import UTC, datetime
from math import floor
from typing import Final

import msgspec

FUTURE_TOLERANCE: Final = 10 * 60 * 1000
"""Milliseconds by which an event may lie ahead of its arrival before it is clamped."""
LAST_NUMBER: Final = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp()) * 1000
SECONDS_BELOW: Final = 10**11
MILLISECONDS_BELOW: Final = 10**14
"""A number from `SECONDS_BELOW` on, and below this, is in milliseconds."""
_MICROSECONDS_BELOW: Final = 10**17
_HALF_MICROSECOND: Final = 0.0005


class TimestampError(ValueError):
    """No time can be read from it; the message says why."""


def from_datetime(moment: datetime) -> int:
    """Return epoch ms of an aware datetime; parts of a millisecond are cut off."""
    return floor(moment.timestamp()) * 1000 + moment.microsecond // 1000


def from_number(number: float) -> int:
    """Return epoch ms of a Unix time in s, ms, us or ns, told apart by size.

    Raises:
        TimestampError: it lies before 1970 or beyond the year 2200.
    """
    if number < 0:
        msg = "lies before 1970"
        raise TimestampError(msg)
    if number < SECONDS_BELOW:
        ms = int(number * 1000 + _HALF_MICROSECOND)
    elif number < MILLISECONDS_BELOW:
        ms = int(number)
    elif number < _MICROSECONDS_BELOW:
        ms = int(number // 1_000)
    else:
        ms = int(number // 1_000_000)
    if ms >= LAST_NUMBER:
        msg = "lies beyond the year 2200 in every unit (s, ms, us, ns) that fits its size"
        raise TimestampError(msg)
    return ms


def from_text(text: str) -> int:
    """Return epoch ms of an RFC 3339 date and time.

    Raises:
        TimestampError: it is none, or lies before 1970.
    """
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        msg = "is not an RFC 3339 date and time such as 2026-01-31T10:00:00.123Z"
        raise TimestampError(msg) from None
    if moment.tzinfo is None:
        msg = "has no offset from UTC: end it with Z or +01:00"
        raise TimestampError(msg)
    ms = from_datetime(moment)
    if ms < 0:
        msg = "lies before 1970"
        raise TimestampError(msg)
    return ms
