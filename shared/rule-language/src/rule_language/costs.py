"""What the macros of an expression cost, in steps: one takes about a tenth of a microsecond.

Measured, and rounded up: what is counted is the time that an expression takes at worst, but for
patterns that are made to be slow, which cost no more in a macro than elsewhere.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from rule_language.analysis import constants_of
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
    **dict.fromkeys(("size",), 1),
    **dict.fromkeys(("lowerAscii", "upperAscii", "trim"), 3),
    **dict.fromkeys(("startsWith", "endsWith", "contains", "bool"), 6),
    **dict.fromkeys(("int", "uint", "double"), 7),
    "split": 8,
    "matches": 16,
    **dict.fromkeys(GETTERS, 16),
    "string": 16,
    "timestamp": 17,
    "duration": 24,
}
_OTHERS: Final[Mapping[type[Node], int]] = {Unary: 1, Select: 1, Index: 1, Has: 1, Macro: 3}
_COMPARED: Final = 1
"""A comparison with a constant."""
_COMPUTED: Final = 7
"""Any other operation on two values."""


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
    return _own(node) + sum(map(_spent, _read(node)))


def _read(node: Node) -> Iterator[Node]:
    yield from (node.over,) if isinstance(node, Macro) else node.children


def _own(node: Node) -> int:
    if isinstance(node, Call):
        return _CALLS.get(node.function, 0)
    if isinstance(node, Binary):
        constant = isinstance(node.left, Literal) or constants_of(node.right) is not None
        plain = constant and node.operator not in {"+", "-", "*", "/", "%"}
        return _COMPARED if plain else _COMPUTED
    if isinstance(node, Items | Entries):
        return 0 if constants_of(node) else 1 + len(node.children)
    return _OTHERS.get(node.__class__, 0)
