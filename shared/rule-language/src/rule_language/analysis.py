"""What can be told of a tree without running it, so that the engine can index."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import re2

from rule_language.checker import Checked
from rule_language.nodes import Binary, Call, Items, Literal, Logical, Name, Node, walk
from rule_language.patterns import MAX_PATTERN
from rule_language.pieces import telling_piece
from rule_language.schema import Type

INDEXED: Final = frozenset({"service", "level", "tenant", "host"})
"""Fields whose equalities are worth an index."""
_KINDS: Final = {str: Type.STRING, int: Type.DOUBLE, float: Type.DOUBLE}
_PATTERNS: Final = {
    "contains": "{}",
    "startsWith": r"\A(?:{})",
    "endsWith": r"(?:{})\z",
}


class Constants(NamedTuple):
    """The values of a list of literals that have one type; a double stands for any number."""

    type: Type
    values: frozenset[str | float | bool | None]


class Membership(NamedTuple):
    """An operand that must have one of some values."""

    operand: Node
    constants: Constants


def constants_of(node: Node) -> Constants | None:
    """Return the values of a list of texts, or of numbers, or of one such literal."""
    items = node.items if isinstance(node, Items) else (node,)
    values = [item.value for item in items if isinstance(item, Literal)]
    kinds = {_KINDS.get(value.__class__) for value in values}
    (kind,) = kinds if len(kinds) == 1 else (None,)
    if not items:
        return Constants(Type.STRING, frozenset())
    return Constants(kind, frozenset(values)) if kind and len(values) == len(items) else None


def membership(node: Node) -> Membership | None:
    """Return what must be one of which texts or numbers, where that is all that the node says.

    That is `x == "a"`, `x in ["a", "b"]`, and a chain of such on the same variable with `||`.
    """
    if isinstance(node, Logical):
        return _united(node)
    if not isinstance(node, Binary):
        return None
    if node.operator == "in" and isinstance(node.right, Items):
        return _member(node.left, constants_of(node.right))
    if node.operator != "==":
        return None
    for operand, literal in ((node.left, node.right), (node.right, node.left)):
        if isinstance(literal, Literal):
            return _member(operand, constants_of(literal))
    return None


def _member(operand: Node, constants: Constants | None) -> Membership | None:
    return None if constants is None else Membership(operand, constants)


def _united(node: Logical) -> Membership | None:
    parts = [membership(part) for part in node.operands]
    found = [part for part in parts if part is not None and isinstance(part.operand, Name)]
    names = {part.operand.name for part in found if isinstance(part.operand, Name)}
    kinds = {part.constants.type for part in found}
    if node.operator == "&&" or len(found) < len(parts) or len(names) > 1 or len(kinds) > 1:
        return None
    values = frozenset[str | float | bool | None]().union(
        *(part.constants.values for part in found)
    )
    return Membership(found[0].operand, Constants(found[0].constants.type, values))


def conjuncts(node: Node) -> Iterator[Node]:
    """Yield the parts that must all hold for the tree to be true."""
    if isinstance(node, Logical) and node.operator == "&&":
        for operand in node.operands:
            yield from conjuncts(operand)
    else:
        yield node


def compared(checked: Checked, name: str) -> Iterator[Literal]:
    """Yield the literals that `==`, `!=` and `in` compare a variable with."""
    for node in walk(checked.root):
        if isinstance(node, Binary) and node.operator in ("==", "!=", "in"):
            for one, other in ((node.left, node.right), (node.right, node.left)):
                if checked.fields.get(one) == name:
                    items = other.items if isinstance(other, Items) else (other,)
                    yield from (item for item in items if isinstance(item, Literal))


def demanded(checked: Checked, part: Node) -> tuple[str, frozenset[str]] | None:
    """Return the indexed field and its texts, where a part says that it must have one of them."""
    found = membership(part)
    name = checked.fields.get(found.operand) if found else None
    if found is None or name is None or name not in INDEXED:
        return None
    return name, frozenset(str(value) for value in found.constants.values)


def equalities(checked: Checked) -> dict[str, frozenset[str]]:
    """Return, by field, the texts of which it must have one wherever the tree is true."""
    necessary: dict[str, frozenset[str]] = {}
    for part in conjuncts(checked.root):
        found = demanded(checked, part)
        if found is not None:
            necessary[found[0]] = necessary.get(*found) & found[1]
    return necessary


def rest(checked: Checked, given: frozenset[str]) -> list[Node]:
    """Return the parts that must hold beyond the equalities of the given fields."""
    return [
        part
        for part in conjuncts(checked.root)
        if (found := demanded(checked, part)) is None or found[0] not in given
    ]


def patterns(checked: Checked) -> dict[str, str]:
    """Return, by field, a pattern that is in its text wherever the tree is true."""
    necessary: dict[str, str] = {}
    for part in conjuncts(checked.root):
        found = _pattern(checked, part)
        if found is not None and len(found[1]) <= MAX_PATTERN:
            necessary.setdefault(*found)
    return necessary


def _pattern(checked: Checked, node: Node) -> tuple[str, str] | None:
    """Return the field and the pattern that must be in it; of a chain of `||`, any of theirs."""
    if isinstance(node, Logical) and node.operator == "||":
        parts = [_pattern(checked, operand) for operand in node.operands]
        found = [part for part in parts if part is not None]
        if len(found) < len(parts) or len({field for field, _ in found}) > 1:
            return None
        return found[0][0], "|".join(f"(?:{pattern})" for _, pattern in found)
    if not isinstance(node, Call) or node.function not in {"matches", *_PATTERNS}:
        return None
    target, argument = node.arguments
    if target not in checked.fields or not isinstance(argument, Literal):
        return None
    text = str(argument.value)
    if node.function == "matches":
        known = telling_piece(text)
    else:
        known = _PATTERNS[node.function].format(re2.escape(text))
    return None if known is None else (checked.fields[target], known)
