"""The values that Python lacks: times, unsigned numbers, and "no value", with its reason."""

from typing import Final

INT64: Final = range(-(2**63), 2**63)
UINT64: Final = range(2**64)


class Uint(int):
    """An unsigned number, which arithmetic never mixes with a signed one."""

    __slots__ = ()


class Timestamp(int):
    """Epoch nanoseconds as a value of their own: equal to no number that an event holds."""

    __slots__ = ()


class Duration(int):
    """Nanoseconds between two times."""

    __slots__ = ()


class Nothing:
    """What an expression yields that has no value, and why; the standard calls it an error."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


ABSENT: Final = Nothing("a field is absent")
MISMATCH: Final = Nothing("the operand has a type that does not fit")
OVERFLOW: Final = Nothing("the result is out of range")
ZERO: Final = Nothing("division by zero")
NO_ELEMENT: Final = Nothing("there is no such element")
TOO_LARGE: Final = Nothing("the result is too large")
TOO_MUCH: Final = Nothing("it takes too many steps")
UNREADABLE: Final = Nothing("the text is not written as it must be")
UNDECIDED: Final = Nothing("the test of an element has no answer")

NUMBERS: Final = frozenset({int, float, Uint})
"""Exact classes: a bool is no number here."""
ORDERED: Final = frozenset({str, bool, Timestamp, Duration})
CONTAINERS: Final = frozenset[type]({list, dict})
