"""Turn a value into one of another type, as the standard says; and functions of texts."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from rule_language.results import (
    INT64,
    MISMATCH,
    OVERFLOW,
    TOO_LARGE,
    UINT64,
    UNREADABLE,
    Duration,
    Timestamp,
    Uint,
)
from rule_language.times import (
    SECOND,
    TIMESTAMPS,
    duration_of,
    text_of_duration,
    text_of_timestamp,
    timestamp_of,
)

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_DOUBLE: Final = re.compile(
    r"[+-]?(?:(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?|inf|infinity|nan)",
    re.ASCII | re.IGNORECASE,
)
"""Digits are never given back, so that a long text that is no number takes no longer than one."""
_BOOLS: Final = {
    **dict.fromkeys(("1", "t", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "false", "FALSE", "False"), False),
}
_LARGE_EXPONENT: Final = 6
_SMALL_EXPONENT: Final = -4
LONG: Final = 100
"""Characters of a text that is searched for from which on Python may search cleverly,"""
_LARGE: Final = 2_500
"""and of the text that is searched."""
MAX_PARTS: Final = 10_000
"""Texts that `split` yields."""
Convert = Callable[[Any], Any]


def _integer(bounds: range, kind: Callable[[int], Any]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:  # noqa: ANN401 - a number
        if value.__class__ is float and not isfinite(value):
            return OVERFLOW
        found = int(value)
        return kind(found) if found in bounds else OVERFLOW

    return convert


def _parsed_integer(bounds: range, kind: Callable[[int], Any]) -> Convert:
    within = _integer(bounds, kind)
    return lambda text: within(text) if _INTEGER.fullmatch(text) else UNREADABLE


def _double(value: Any) -> Any:  # noqa: ANN401 - a number
    try:
        return float(value)
    except OverflowError:
        return OVERFLOW


def text_of_double(value: float) -> str:
    """Return the shortest text that names the double, as the reference implementations do."""
    if not isfinite(value):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[str(value)]
    number = Decimal(repr(value)).normalize()
    exponent = number.adjusted() if value else 0
    if _SMALL_EXPONENT <= exponent < _LARGE_EXPONENT:
        return f"{number:f}"
    sign, digits, _ = number.as_tuple()
    mantissa = "".join(map(str, digits))
    point = f"{mantissa[0]}.{mantissa[1:]}" if len(mantissa) > 1 else mantissa
    return f"{'-' * sign}{point}e{'-' if exponent < 0 else '+'}{abs(exponent):02}"


def _digits(value: int) -> Any:  # noqa: ANN401 - a text
    return str(value) if -UINT64.stop < value < UINT64.stop else OVERFLOW


def _same(value: Any) -> Any:  # noqa: ANN401 - any value of an event
    return value


def _seconds(value: int) -> Any:  # noqa: ANN401 - a time
    return Timestamp(value * SECOND) if value * SECOND in TIMESTAMPS else OVERFLOW


_FORMS: Final[Mapping[str, Mapping[type, Convert]]] = {
    "int": {
        **dict.fromkeys((int, float, Uint), _integer(INT64, int)),
        str: _parsed_integer(INT64, int),
        Timestamp: lambda value: value // SECOND,
    },
    "uint": {
        **dict.fromkeys((int, float, Uint), _integer(UINT64, Uint)),
        str: _parsed_integer(UINT64, Uint),
    },
    "double": {
        **dict.fromkeys((int, float, Uint), _double),
        str: lambda text: float(text) if _DOUBLE.fullmatch(text) else UNREADABLE,
    },
    "string": {
        **dict.fromkeys((int, Uint), _digits),
        str: _same,
        float: text_of_double,
        bool: lambda value: "true" if value else "false",
        Timestamp: text_of_timestamp,
        Duration: text_of_duration,
    },
    "bool": {bool: _same, str: lambda text: _BOOLS.get(text, UNREADABLE)},
    "timestamp": {Timestamp: _same, str: timestamp_of, int: _seconds},
    "duration": {Duration: _same, str: duration_of},
}


def _conversion(name: str) -> Convert:
    find = _FORMS[name].get

    def convert(value: Any) -> Any:  # noqa: ANN401 - any value of an event
        form = find(value.__class__)
        return MISMATCH if form is None else form(value)

    return convert


CONVERSIONS: Final = {**{name: _conversion(name) for name in _FORMS}, "dyn": _same}


def scalar_text(value: Any) -> str | None:  # noqa: ANN401 - any value of an event
    """Return a scalar as one text, the same for 5 and 5.0; None for what is no scalar."""
    if value.__class__ is float:
        if not isfinite(value):
            return None
        return str(int(value)) if value.is_integer() and int(value) in INT64 else repr(value)
    text = CONVERSIONS["string"](value)
    return text if isinstance(text, str) else None


def size(value: Any) -> Any:  # noqa: ANN401 - any value of an event
    return len(value) if value.__class__ in (str, list, dict) else MISMATCH


_HALVES: Final = "surrogatepass"
"""A text may have half of a surrogate pair."""


def lower(text: str) -> str:
    # Of bytes, Python changes ASCII letters only.
    if text.isascii():
        return text.lower()
    return text.encode("utf-8", _HALVES).lower().decode("utf-8", _HALVES)


def upper(text: str) -> str:
    if text.isascii():
        return text.upper()
    return text.encode("utf-8", _HALVES).upper().decode("utf-8", _HALVES)


_BLANKS: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's White_Space, which is a little less than what Python strips."""


def trim(text: str) -> str:
    return text.strip(_BLANKS[:6] if text.isascii() else _BLANKS)


def holds(text: str, part: str) -> bool:
    """Tell whether a part is in a text, in a time that grows with the text alone.

    Python's own search tries a long part at each place of a short text; where the text is long
    enough, it does not. So a short one is made longer.
    """
    room = max(_LARGE, 3 * len(part) + 16)
    if len(part) < LONG or len(text) >= room:
        return part in text
    found = text.ljust(room, "\0").find(part)
    return 0 <= found <= len(text) - len(part)


def split(text: str, separator: str) -> Any:  # noqa: ANN401 - a list of texts
    """Return the parts between the separators; of an empty one, the characters."""
    if len(separator) >= LONG:
        return TOO_LARGE
    if not separator:
        return list(text) if len(text) <= MAX_PARTS else TOO_LARGE
    parts = text.split(separator, MAX_PARTS)
    return parts if len(parts) <= MAX_PARTS else TOO_LARGE
