"""Which operand types an operator takes, and the type of its result.

Two rules are wider than the standard's, on purpose: numbers of different types compare by value,
and an int that meets a double in arithmetic becomes one (`errors * 100 / total`).
"""

from collections.abc import Callable, Mapping
from typing import Final

from rule_language.schema import NUMERIC, TEMPORAL, Type

ORDERED: Final = frozenset({Type.BOOL, Type.STRING, Type.TIMESTAMP, Type.DURATION})
_TIME: Final = Type.TIMESTAMP
_SPAN: Final = Type.DURATION


def comparable(left: Type, right: Type) -> bool:
    """Tell whether `==` can ever hold."""
    return left is right or {left, right} <= NUMERIC or Type.DYN in (left, right)


def _equality(left: Type, right: Type) -> Type | None:
    return Type.BOOL if comparable(left, right) else None


def _ordering(left: Type, right: Type) -> Type | None:
    ordered = {left, right} <= NUMERIC | ORDERED | {Type.DYN}
    return Type.BOOL if ordered and comparable(left, right) else None


_SUMS: Final = {
    (_TIME, _SPAN): _TIME,
    (_SPAN, _TIME): _TIME,
    (_SPAN, _SPAN): _SPAN,
    (_TIME, Type.DYN): _TIME,
    (Type.DYN, _TIME): _TIME,
    (_SPAN, Type.DYN): Type.DYN,
    (Type.DYN, _SPAN): Type.DYN,
}
_DIFFERENCES: Final = {
    (_TIME, _SPAN): _TIME,
    (_TIME, _TIME): _SPAN,
    (_SPAN, _SPAN): _SPAN,
    (_TIME, Type.DYN): Type.DYN,
    (Type.DYN, _TIME): _SPAN,
    (_SPAN, Type.DYN): _SPAN,
    (Type.DYN, _SPAN): Type.DYN,
}


def _addition(left: Type, right: Type) -> Type | None:
    for joined in (Type.STRING, Type.LIST):
        if joined in (left, right) and {left, right} <= {joined, Type.DYN}:
            return joined
    return _SUMS.get((left, right)) or _arithmetic(left, right)


def _subtraction(left: Type, right: Type) -> Type | None:
    return _DIFFERENCES.get((left, right)) or _arithmetic(left, right)


def _arithmetic(left: Type, right: Type) -> Type | None:
    both = {left, right}
    if len(both) == 1 and both <= NUMERIC | {Type.DYN}:
        return left
    if Type.DOUBLE in both and both <= NUMERIC | {Type.DYN}:
        return Type.DOUBLE
    return Type.DYN if Type.DYN in both and both <= NUMERIC | {Type.DYN} else None


def _modulo(left: Type, right: Type) -> Type | None:
    return None if Type.DOUBLE in (left, right) else _arithmetic(left, right)


def common(left: Type, right: Type) -> Type | None:
    """Return the type of what is either of two types."""
    if left is right:
        return left
    if Type.DYN in (left, right):
        return Type.DYN
    return Type.DOUBLE if {left, right} <= NUMERIC else None


OVERLOADS: Final[Mapping[str, Callable[[Type, Type], Type | None]]] = {
    **dict.fromkeys(("==", "!="), _equality),
    **dict.fromkeys(("<", "<=", ">", ">="), _ordering),
    "+": _addition,
    "-": _subtraction,
    **dict.fromkeys(("*", "/"), _arithmetic),
    "%": _modulo,
}


def expectation(operator: str, left: Type, right: Type) -> str:
    """Return what would have fitted."""
    if Type.NULL in (left, right) and operator in ("==", "!="):
        return "expected has(...), which tells whether a field is there"
    if operator == "%":
        return "expected int on both sides, which int(...) makes of other numbers"
    if left in TEMPORAL and operator in ("+", "-"):
        return 'expected, say, duration("5m") on the right'
    if operator in ("-", "*", "/") or left in NUMERIC:
        return "expected numbers on both sides"
    if operator not in ("==", "!=", "+") and left not in ORDERED | {Type.DYN}:
        return "expected numbers or strings"
    return f"expected {left} on the right"
