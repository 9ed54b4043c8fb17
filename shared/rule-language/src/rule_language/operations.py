"""What the operators do with values at run time.

Whatever cannot be answered (a missing field, a text where a number is needed, a division by zero)
raises `UndecidedError`; the logic above turns it into "does not match".
"""

import operator
from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeGuard

from rule_language.literals import INT64, UINT64
from rule_language.schema import Timestamp, Type

Apply: TypeAlias = Callable[[Any, Any], Any]

NUMBERS: Final = frozenset({int, float})
"""Exact classes: a bool is no number here."""
ORDERED: Final = frozenset({str, bool, Timestamp})
MAX_TEXT: Final = 1 << 19
"""Characters of a concatenation; more is an attack, not a message."""
MAX_ITEMS: Final = 10_000
"""Elements of two lists that are joined."""


def is_number(value: Any) -> TypeGuard[float]:  # noqa: ANN401 - any value of an event
    return value.__class__ in NUMBERS


_JOINED: Final[dict[type, int]] = {str: MAX_TEXT, list: MAX_ITEMS}


class UndecidedError(Exception):
    """The expression has no value for this event or window."""


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


def unequal(left: Any, right: Any) -> bool:  # noqa: ANN401 - any value of an event
    return not equal(left, right)


def _ordering(compare: Apply) -> Apply:
    def apply(left: Any, right: Any) -> bool:  # noqa: ANN401 - any value of an event
        kind = left.__class__
        comparable = (
            right.__class__ in NUMBERS
            if kind in NUMBERS
            else kind is right.__class__ and kind in ORDERED
        )
        if not comparable:
            raise UndecidedError
        return bool(compare(left, right))

    return apply


COMPARISONS: Final[dict[str, Apply]] = {
    "==": equal,
    "!=": unequal,
    "<": _ordering(operator.lt),
    "<=": _ordering(operator.le),
    ">": _ordering(operator.gt),
    ">=": _ordering(operator.ge),
}


def _truncated(left: int, right: int) -> int:
    """Divide as the standard does, towards zero."""
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _divide(left: float, right: float) -> float:
    if isinstance(left, int) and isinstance(right, int):
        return _truncated(left, right)
    return left / right


def _modulo(left: float, right: float) -> int:
    if isinstance(left, int) and isinstance(right, int):
        quotient = _truncated(left, right)
        if quotient in INT64:
            return left - right * quotient
    raise UndecidedError


_ARITHMETIC: Final[dict[str, Apply]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _modulo,
}


def arithmetic(symbol: str, result: Type) -> Apply:
    """Return the operator for operands whose result has this static type."""
    compute = operator.truediv if (symbol, result) == ("/", Type.DOUBLE) else _ARITHMETIC[symbol]
    bounds = UINT64 if result is Type.UINT else INT64

    def apply(left: Any, right: Any) -> Any:  # noqa: ANN401 - any value of an event
        if left.__class__ not in NUMBERS or right.__class__ not in NUMBERS:
            if symbol == "+":
                return _concatenated(left, right)
            raise UndecidedError
        try:
            found = compute(left, right)
        except (ZeroDivisionError, OverflowError):
            raise UndecidedError from None
        if found.__class__ is int and found not in bounds:
            raise UndecidedError
        return found

    return apply


def _concatenated(left: Any, right: Any) -> Any:  # noqa: ANN401 - any value of an event
    bound = _JOINED.get(left.__class__)
    if bound is None or left.__class__ is not right.__class__ or len(left) + len(right) > bound:
        raise UndecidedError
    return left + right


def negated(value: Any) -> float:  # noqa: ANN401 - any value of an event
    if not is_number(value) or value == INT64.start:
        raise UndecidedError
    return -value


def member(value: Any, container: Any) -> bool:  # noqa: ANN401 - any value of an event
    """Tell whether a list has an equal element, or a map the key."""
    if isinstance(container, list):
        return any(equal(value, item) for item in container)
    if isinstance(container, dict):
        return isinstance(value, str) and value in container
    raise UndecidedError


def element(container: Any, key: Any) -> Any:  # noqa: ANN401 - any value of an event
    """Return what a map has under a key, or a list at an index."""
    if isinstance(container, dict) and isinstance(key, str) and key in container:
        return container[key]
    if isinstance(container, list) and is_number(key) and key in range(len(container)):
        return container[int(key)]
    raise UndecidedError


def field(container: Any, name: str) -> Any:  # noqa: ANN401 - any value of an event
    if isinstance(container, dict) and name in container:
        return container[name]
    raise UndecidedError


def has_field(container: Any, name: str) -> bool:  # noqa: ANN401 - any value of an event
    if isinstance(container, dict):
        return name in container
    raise UndecidedError


def size(value: Any) -> int:  # noqa: ANN401 - any value of an event
    if isinstance(value, str | list | dict):
        return len(value)
    raise UndecidedError


def on_texts(test: Callable[[str, str], bool]) -> Apply:
    """Lift a test of two texts to any two values."""

    def apply(left: Any, right: Any) -> bool:  # noqa: ANN401 - any value of an event
        if isinstance(left, str) and isinstance(right, str):
            return test(left, right)
        raise UndecidedError

    return apply


TEXT_TESTS: Final[dict[str, Apply]] = {
    "startsWith": on_texts(str.startswith),
    "endsWith": on_texts(str.endswith),
    "contains": on_texts(str.__contains__),
}
