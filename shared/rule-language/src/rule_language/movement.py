"""Which way the answer of a condition can move while its window fills.

Yes counts as more than no: a condition that moves up can become true, one that moves down can
become false again. So `errors > 5` moves up, `errors < 5` down, and `max - min` up, too.
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

from rule_language.checker import Checked
from rule_language.nodes import (
    Binary,
    Call,
    Conditional,
    Has,
    Literal,
    Logical,
    Name,
    Node,
    Select,
    Unary,
    walk,
)
from rule_language.schema import PREVIOUS, Type

_NEVER_NEGATIVE: Final = frozenset(
    {"count", "total", "errors", "rate", "distinct", "minCount", "factor"}
)
_CASTS: Final = frozenset({"double", "int", "dyn"})


class Moves(NamedTuple):
    """Where a number, or an answer, can go while events are added to a window."""

    up: bool = False
    down: bool = False
    sways: bool = False
    """It follows something that goes both ways by itself, such as an average or a ratio."""

    @property
    def only_down(self) -> bool:
        return self.down and not (self.up or self.sways)

    @property
    def reversed(self) -> "Moves":
        return Moves(self.down, self.up, self.sways)

    @property
    def unsure(self) -> "Moves":
        """What becomes of it in an expression of which the direction is not known."""
        moved = self.up or self.down
        return Moves(moved, moved, self.sways)


_STILL: Final = Moves()
_SWAYS: Final = Moves(sways=True)
_FIGURES: Final[Mapping[str, Moves]] = {
    **dict.fromkeys(("count", "total", "errors", "rate", "max", "distinct"), Moves(up=True)),
    "min": Moves(down=True),
    "sum": Moves(up=True, sways=True),
    **dict.fromkeys(("avg", "p50", "p90", "p95", "p99"), _SWAYS),
}
"""All else, and the window before, stays."""


def moves(checked: Checked, never_negative: AbstractSet[str]) -> Moves:
    """Return which way the tree can move.

    `never_negative`: the names of the rule's figures and numbers that are known to be so.
    """
    return _Observer(checked, never_negative | _NEVER_NEGATIVE).of(checked.root)


class _Observer:
    """What is known of the nodes of one tree."""

    def __init__(self, checked: Checked, never_negative: AbstractSet[str]) -> None:
        self._checked = checked
        self._never_negative = never_negative

    def of(self, node: Node) -> Moves:
        return _BY_KIND.get(node.__class__, _Observer.unknown)(self, node)

    def unknown(self, node: Node) -> Moves:
        read = [each for each in walk(node) if each in self._checked.fields]
        return _all(map(self.figure, read)).unsure

    def figure(self, node: Node) -> Moves:
        name = self._checked.fields.get(node)
        if name is None:
            return self.unknown(node)
        if name == "sum" and name in self._never_negative:
            return Moves(up=True)
        return _FIGURES.get(name, _STILL)

    def has(self, node: Has) -> Moves:
        """Figures come, and stay."""
        return Moves(up=self.unknown(node) != _STILL)

    def unary(self, node: Unary) -> Moves:
        return self.of(node.operand).reversed

    def logical(self, node: Logical) -> Moves:
        return _all(map(self.of, node.operands))

    def conditional(self, node: Conditional) -> Moves:
        """Take a choice of answers for `test && then || !test && otherwise`."""
        test, then, otherwise = map(self.of, node.children)
        if self._checked.types[node] is not Type.BOOL:
            return _all((then, otherwise, _STILL if test == _STILL else _SWAYS))
        yes, no = _answer(node.then), _answer(node.otherwise)
        helps = _STILL if yes is False or no is True else test
        harms = _STILL if no is False or yes is True else test.reversed
        return _all((then, otherwise, helps, harms))

    def binary(self, node: Binary) -> Moves:
        return _BY_OPERATOR.get(node.operator, _Observer.unknown)(self, node)

    def plus(self, node: Binary) -> Moves:
        return _together(self.of(node.left), self.of(node.right))

    def minus(self, node: Binary) -> Moves:
        return _together(self.of(node.left), self.of(node.right).reversed)

    def less(self, node: Binary) -> Moves:
        return self.minus(node).reversed

    def times(self, node: Binary) -> Moves:
        return _together(self._scaled(node.left, node.right), self._scaled(node.right, node.left))

    def over(self, node: Binary) -> Moves:
        above, below = self.of(node.left), self.of(node.right)
        if below == _STILL:
            return self._scaled(node.left, node.right)
        if above != _STILL:
            return _SWAYS
        found = self._scaled(node.right, node.left).reversed
        return found if self._is_never_negative(node.right) else found.unsure

    def _scaled(self, node: Node, by: Node) -> Moves:
        found = self.of(node)
        return found if self._is_never_negative(by) else found.unsure

    def same(self, node: Binary) -> Moves:
        """Of what grows from nought, `== 0` can only be lost."""
        apart = self.minus(node)
        grows = apart == Moves(up=True) and self._is_never_negative(node.left)
        if grows and isinstance(node.right, Literal) and node.right.value == 0:
            return apart.reversed
        return apart.unsure

    def other(self, node: Binary) -> Moves:
        return self.same(node).reversed

    def call(self, node: Call) -> Moves:
        cast = node.function in _CASTS and len(node.arguments) == 1
        return self.of(node.arguments[0]) if cast else self.unknown(node)

    def _is_never_negative(self, node: Node) -> bool:
        if isinstance(node, Literal):
            return isinstance(node.value, int | float) and node.value >= 0
        if node in self._checked.fields:
            return self._checked.fields[node].removeprefix(PREVIOUS) in self._never_negative
        sure = isinstance(node, Binary) and node.operator in ("+", "*", "/")
        sure |= isinstance(node, Call) and node.function in _CASTS
        return sure and all(map(self._is_never_negative, node.children))


_Find = Callable[[_Observer, Any], Moves]
_BY_KIND: Final[Mapping[type[Node], _Find]] = {
    Name: _Observer.figure,
    Select: _Observer.figure,
    Has: _Observer.has,
    Unary: _Observer.unary,
    Logical: _Observer.logical,
    Conditional: _Observer.conditional,
    Binary: _Observer.binary,
    Call: _Observer.call,
}
_BY_OPERATOR: Final[Mapping[str, _Find]] = {
    "+": _Observer.plus,
    "-": _Observer.minus,
    "*": _Observer.times,
    "/": _Observer.over,
    ">": _Observer.minus,
    ">=": _Observer.minus,
    "<": _Observer.less,
    "<=": _Observer.less,
    "==": _Observer.same,
    "!=": _Observer.other,
}


def _all(parts: Iterable[Moves]) -> Moves:
    """Return the moves of an answer that follows several."""
    up, down, sways = (any(each) for each in zip(_STILL, *parts, strict=True))
    return Moves(up, down, sways)


def _together(one: Moves, other: Moves) -> Moves:
    """Return the moves of a sum: of opposite ones nobody knows which is the faster."""
    against = (one.up and other.down) or (one.down and other.up)
    return _SWAYS if against else _all((one, other))


def _answer(node: Node) -> bool | None:
    return node.value if isinstance(node, Literal) and isinstance(node.value, bool) else None
