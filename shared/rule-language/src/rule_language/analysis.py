"""What can be told of a tree without running it, so that the engine can index and fire early."""

from collections.abc import Iterator, Mapping
from typing import Final

import re2

from rule_language.nodes import Binary, Call, Items, Literal, Logical, Name, Node

INDEXED: Final = frozenset({"service", "level", "tenant", "host"})
"""Fields whose equalities are worth an index."""
_GROWING: Final = frozenset({"count", "total", "errors", "sum", "max"})
_FIXED: Final = frozenset({"threshold", "minCount"})
_PATTERNS: Final = {
    "matches": "{}",
    "contains": "{}",
    "startsWith": r"\A(?:{})",
    "endsWith": r"(?:{})\z",
}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def walk(root: Node) -> Iterator[Node]:
    """Yield every node of a tree."""
    yield root
    for child in root.children:
        yield from walk(child)


def variables(root: Node) -> frozenset[str]:
    """Return the names that the tree reads."""
    return frozenset(node.name for node in walk(root) if isinstance(node, Name))


def against_constant(node: Binary) -> tuple[Node, str, Literal] | None:
    """Return a comparison as (operand, operator, literal), turned round where it must be."""
    if node.operator not in _MIRRORED:
        return None
    if isinstance(node.right, Literal):
        return node.left, node.operator, node.right
    if isinstance(node.left, Literal):
        return node.right, _MIRRORED[node.operator], node.left
    return None


def membership(node: Node) -> tuple[Node, frozenset[str]] | None:
    """Return what must be one of which texts, where that is all that the node says.

    That is `x == "a"`, `x in ["a", "b"]`, and a chain of such on the same variable with `||`.
    """
    if isinstance(node, Logical):
        return _united(node)
    if not isinstance(node, Binary):
        return None
    if node.operator == "in" and isinstance(node.right, Items):
        texts = [item.value for item in node.right.items if isinstance(item, Literal)]
        allowed = frozenset(text for text in texts if isinstance(text, str))
        complete = len(texts) == len(node.right.items) and all(isinstance(t, str) for t in texts)
        return (node.left, allowed) if complete else None
    compared = against_constant(node)
    if compared is None or compared[1] != "==" or not isinstance(compared[2].value, str):
        return None
    return compared[0], frozenset({compared[2].value})


def _united(node: Logical) -> tuple[Node, frozenset[str]] | None:
    parts = [membership(part) for part in node.operands]
    found = [part for part in parts if part is not None and isinstance(part[0], Name)]
    names = {part[0].name for part in found if isinstance(part[0], Name)}
    if node.operator == "&&" or len(found) < len(parts) or len(names) > 1:
        return None
    return found[0][0], frozenset[str]().union(*(allowed for _, allowed in found))


def equalities(root: Node) -> Mapping[str, frozenset[str]]:
    """Return, by field, the texts of which it must have one wherever the tree is true."""
    necessary: dict[str, frozenset[str]] = {}
    for part in _conjuncts(root):
        found = membership(part)
        if found is not None and isinstance(found[0], Name) and found[0].name in INDEXED:
            name, allowed = found[0].name, found[1]
            necessary[name] = necessary.get(name, allowed) & allowed
    return necessary


def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, Logical) and node.operator == "&&":
        for operand in node.operands:
            yield from _conjuncts(operand)
    else:
        yield node


def monotonic(node: Node) -> bool:
    """Tell whether the tree can only turn from false to true while a window fills.

    It can where it compares figures that only grow with bounds that stay, and joins that with
    `&&` and `||`.
    """
    if isinstance(node, Logical):
        return all(map(monotonic, node.operands))
    if variables(node) <= _FIXED:
        return True
    if not isinstance(node, Binary):
        return False
    low, high = node.left, node.right
    if node.operator in (">", ">="):
        low, high = high, low
    elif node.operator not in ("<", "<="):
        return False
    return isinstance(high, Name) and high.name in _GROWING and variables(low) <= _FIXED


def patterns(root: Node) -> dict[str, str]:
    """Return, by field, a pattern that is in its text wherever the tree is true."""
    necessary: dict[str, str] = {}
    for part in _conjuncts(root):
        found = _pattern(part)
        if found is not None:
            necessary.setdefault(*found)
    return necessary


def _pattern(node: Node) -> tuple[str, str] | None:
    if not isinstance(node, Call) or node.function not in _PATTERNS:
        return None
    target, argument = node.arguments
    if not isinstance(target, Name) or not isinstance(argument, Literal):
        return None
    text = str(argument.value)
    return target.name, _PATTERNS[node.function].format(
        text if node.function == "matches" else re2.escape(text)
    )
