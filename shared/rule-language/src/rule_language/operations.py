"""What the operators do with values whose types only run time knows.

Whatever has no answer (a text where a number is needed, a division by zero) yields a `Nothing`.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

from rule_language.results import (
    INT64,
    MISMATCH,
    NO_ELEMENT,
    NUMBERS,
    ORDERED,
    OVERFLOW,
    TOO_LARGE,
    UINT64,
    ZERO,
    Duration,
    Timestamp,
    Uint,
)
from rule_language.times import DURATIONS, TIMESTAMPS

Apply: TypeAlias = Callable[[Any, Any], Any]
_Table: TypeAlias = Mapping[tuple[type, type], Apply]

MAX_TEXT: Final = 1 << 19
"""Characters of a concatenation; more is an attack, not a message."""
MAX_ITEMS: Final = 10_000
"""Elements of two lists that are joined."""


_KEYS: Final = NUMBERS | {str}
"""What a map may be asked for; a map literal may have numbers as keys."""


def equal(left: Any, right: Any) -> bool:  # noqa: ANN401 - any value of an event
    """Tell whether two values are equal: numbers by value, all else only within one type."""
    kind = left.__class__
    if kind in NUMBERS and right.__class__ in NUMBERS:
        return bool(left == right)
    if kind is not right.__class__:
        return False
    if kind is list:
        return len(left) == len(right) and all(map(equal, left, right))
    if kind is dict:
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return bool(left == right)


def ordered(left: Any, right: Any) -> bool:  # noqa: ANN401 - any value of an event
    """Tell whether one of two values may be less than the other."""
    kind = left.__class__
    if kind in NUMBERS:
        return right.__class__ in NUMBERS
    return kind in ORDERED and kind is right.__class__


def _within(compute: Apply, bounds: range, kind: Callable[[int], Any]) -> Apply:
    def apply(left: Any, right: Any) -> Any:  # noqa: ANN401 - a number
        try:
            found = compute(left, right)
        except ZeroDivisionError:
            return ZERO
        return kind(found) if found in bounds else OVERFLOW

    return apply


def _floating(compute: Apply) -> Apply:
    def apply(left: Any, right: Any) -> Any:  # noqa: ANN401 - a number
        try:
            return compute(left, right)
        except ZeroDivisionError:
            return ZERO
        except OverflowError:  # an int that no double holds
            return OVERFLOW

    return apply


def _truncated(left: int, right: int) -> int:
    """Divide as the standard does, towards zero."""
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    quotient = _truncated(left, right)
    # The quotient that cannot be said takes the remainder with it, as in the standard.
    return left - right * quotient if quotient in INT64 else INT64.stop


def _joined(bound: int) -> Apply:
    def apply(left: Any, right: Any) -> Any:  # noqa: ANN401 - two texts or two lists
        return left + right if len(left) + len(right) <= bound else TOO_LARGE

    return apply


def _numbers(ints: Apply, uints: Apply, floats: Apply | None) -> dict[tuple[type, type], Apply]:
    table: dict[tuple[type, type], Apply] = {
        (int, int): _within(ints, INT64, int),
        (Uint, Uint): _within(uints, UINT64, Uint),
    }
    if floats is not None:
        mixed = _floating(floats)
        table |= dict.fromkeys(((float, float), (int, float), (float, int)), mixed)
        table |= dict.fromkeys(((Uint, float), (float, Uint)), mixed)
    return table


def _times(compute: Apply, *forms: tuple[type, type, type]) -> dict[tuple[type, type], Apply]:
    """Return the operator for (left, right, result)."""
    ranges: dict[type, range] = {Timestamp: TIMESTAMPS, Duration: DURATIONS}
    return {(left, right): _within(compute, ranges[kind], kind) for left, right, kind in forms}


_TABLES: Final[Mapping[str, _Table]] = {
    "+": {
        **_numbers(operator.add, operator.add, operator.add),
        **_times(
            operator.add,
            (Timestamp, Duration, Timestamp),
            (Duration, Timestamp, Timestamp),
            (Duration, Duration, Duration),
        ),
        (str, str): _joined(MAX_TEXT),
        (list, list): _joined(MAX_ITEMS),
    },
    "-": {
        **_numbers(operator.sub, operator.sub, operator.sub),
        **_times(
            operator.sub,
            (Timestamp, Duration, Timestamp),
            (Timestamp, Timestamp, Duration),
            (Duration, Duration, Duration),
        ),
    },
    "*": _numbers(operator.mul, operator.mul, operator.mul),
    "/": _numbers(_truncated, operator.floordiv, operator.truediv),
    "%": _numbers(_remainder, operator.mod, None),
}


def _arithmetic(symbol: str) -> Apply:
    find = _TABLES[symbol].get

    def apply(left: Any, right: Any) -> Any:  # noqa: ANN401 - any value of an event
        compute = find((left.__class__, right.__class__))
        return MISMATCH if compute is None else compute(left, right)

    return apply


ARITHMETIC: Final = {symbol: _arithmetic(symbol) for symbol in _TABLES}
ratio: Final = _floating(operator.truediv)


def negated(value: Any) -> Any:  # noqa: ANN401 - any value of an event
    if value.__class__ is float:
        return -value
    if value.__class__ is not int:
        return MISMATCH
    return -value if -value in INT64 else OVERFLOW


def member(value: Any, container: Any) -> Any:  # noqa: ANN401 - any value of an event
    """Tell whether a list has an equal element, or a map the key."""
    if container.__class__ is list:
        # Python's `in` says yes to more, but is fast in saying no.
        return value in container and any(equal(value, item) for item in container)
    if container.__class__ is dict:
        if value.__class__ in _KEYS:
            return value in container
        return False if value.__class__ is bool else MISMATCH
    return MISMATCH


def element(container: Any, key: Any) -> Any:  # noqa: ANN401 - any value of an event
    """Return what a map has under a key, or a list at an index."""
    if container.__class__ is dict:
        return container.get(key, NO_ELEMENT) if key.__class__ in _KEYS else NO_ELEMENT
    if container.__class__ is not list or key.__class__ not in NUMBERS:
        return MISMATCH
    return _at(container, cast("float", key))


def _at(items: list[Any], index: float) -> Any:  # noqa: ANN401 - any value of an event
    if 0 <= index < len(items) and int(index) == index:
        return items[int(index)]
    return NO_ELEMENT
