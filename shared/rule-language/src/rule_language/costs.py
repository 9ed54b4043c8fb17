"""What the macros of an expression cost, in steps: one takes about a tenth of a microsecond.

Measured, and rounded up: what is counted is the time that an expression takes at worst, but for
patterns that are made to be slow, which cost no more in a macro than elsewhere.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from rule_language.analysis import constants_of
from rule_language.conversions import CONVERSIONS
from rule_language.nodes import (
    Binary,
    Call,
    Entries,
    Has,
    Index,
    Items,
    Literal,
    Macro,
    Node,
    Select,
    Unary,
    walk,
)
from rule_language.times import GETTERS

_CALLS: Final[Mapping[str, int]] = {
    "size": 1,
    "trim": 8,
    **dict.fromkeys(("startsWith", "endsWith", "bool", "lowerAscii", "upperAscii"), 6),
    **dict.fromkeys(("contains", "int", "uint"), 10),
    "matches": 16,
    **dict.fromkeys(GETTERS, 16),
    **dict.fromkeys(("split", "double", "timestamp"), 24),
    "string": 40,
    "duration": 64,
}
_OTHERS: Final[Mapping[type[Node], int]] = {Unary: 1, Select: 1, Index: 1, Has: 1, Macro: 3}
_COMPARED: Final = 1
"""A comparison with a constant."""
_COMPUTED: Final = 7
"""Any other operation on two values,"""
_WRITTEN: Final = 3
"""for each member of a list or map that is written in it,"""


class Cost(NamedTuple):
    """What macros take."""

    element: int = 1
    """Each element, at most."""
    once: int = 0
    """Each evaluation besides."""


def cost_of(root: Node) -> Cost:
    """Return what the macros of an expression cost."""
    macros = [node for node in walk(root) if isinstance(node, Macro)]
    bodies = (sum(map(_spent, (each.body, each.test or each.variable))) for each in macros)
    return Cost(1 + max(bodies), _spent(root)) if macros else Cost()


def _spent(node: Node) -> int:
    """Return what a node takes with all below it, but for the bodies of macros."""
    return own(node) + sum(map(_spent, read(node)))


def read(node: Node) -> tuple[Node, ...]:
    """Return what a node is computed of, but for the body of a macro, and known lists."""
    if isinstance(node, Macro):
        return (node.over,)
    if isinstance(node, Binary) and node.operator == "in" and _is_plain(node):
        return (node.left,)
    return node.children


def own(node: Node) -> int:
    """Return what a node takes without those below it."""
    if isinstance(node, Call):
        return 0 if _is_known(node) else _CALLS.get(node.function, 0)
    if isinstance(node, Binary):
        return _COMPARED if _is_plain(node) else _COMPUTED + _WRITTEN * _written(node)
    if isinstance(node, Items | Entries):
        return 1 + len(node.children)
    return _OTHERS.get(node.__class__, 0)


def _is_known(node: Call) -> bool:
    """Tell whether what a conversion yields is known when the expression is compiled."""
    return node.function in CONVERSIONS and isinstance(node.arguments[0], Literal)


def _is_plain(node: Binary) -> bool:
    """Tell whether a value is compared with constants, in no time."""
    if node.operator == "in":
        return constants_of(node.right) is not None
    constant = isinstance(node.left, Literal) or isinstance(node.right, Literal)
    return constant and node.operator not in {"+", "-", "*", "/", "%"}


def _written(node: Node) -> int:
    """Return how many members the lists and maps have that are written in an operand."""
    parts = (each for each in node.children if isinstance(each, Items | Entries))
    return sum(len(each.children) + _written(each) for each in parts)
