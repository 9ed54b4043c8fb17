"""The syntax tree: small frozen nodes, each of which knows where it stands in the source.

Nodes are compared by identity, so that facts about one node (its type) can be kept beside the tree.
"""

from collections.abc import Iterator, Sequence
from operator import is_not
from typing import Any

import msgspec

from rule_language.errors import Position


class Node(msgspec.Struct, frozen=True, eq=False):
    """What all nodes have in common."""

    at: Position

    @property
    def line(self) -> int:
        return self.at.line

    @property
    def column(self) -> int:
        return self.at.column

    @property
    def children(self) -> tuple["Node", ...]:
        """The operands, from left to right."""
        return ()


class Literal(Node, frozen=True, eq=False):
    """A constant; `kind` tells int from uint, which Python cannot."""

    value: str | float | bool | None
    kind: str


class Name(Node, frozen=True, eq=False):
    """A variable of the schema or of a macro."""

    name: str


class Items(Node, frozen=True, eq=False):
    """A list literal."""

    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


class Entries(Node, frozen=True, eq=False):
    """A map literal."""

    keys: tuple[Node, ...]
    values: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return (*self.keys, *self.values)


class Select(Node, frozen=True, eq=False):
    """`operand.field`."""

    operand: Node
    field: str

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


class Index(Node, frozen=True, eq=False):
    """`operand[key]`."""

    operand: Node
    key: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand, self.key)


class Has(Node, frozen=True, eq=False):
    """`has(operand)`."""

    operand: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


class Macro(Node, frozen=True, eq=False):
    """`over.kind(variable, body)`: the body is judged for each element of a list, key of a map.

    Only `map` may have a test beside its body: it leaves elements out.
    """

    kind: str
    over: Node
    variable: Name
    test: Node | None
    body: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return tuple(each for each in (self.over, self.test, self.body) if each is not None)


class Call(Node, frozen=True, eq=False):
    """`function(arguments)`, or `target.function(arguments)` with the target as first argument."""

    function: str
    arguments: tuple[Node, ...]
    is_method: bool

    @property
    def children(self) -> tuple[Node, ...]:
        return self.arguments


class Unary(Node, frozen=True, eq=False):
    """`!operand` or `-operand`."""

    operator: str
    operand: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


class Binary(Node, frozen=True, eq=False):
    """A comparison, a membership test or arithmetic; it stands where its operator stands."""

    operator: str
    left: Node
    right: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)


class Logical(Node, frozen=True, eq=False):
    """A chain of `&&` or of `||`, kept flat."""

    operator: str
    operands: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.operands


class Conditional(Node, frozen=True, eq=False):
    """`condition ? then : otherwise`."""

    condition: Node
    then: Node
    otherwise: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.condition, self.then, self.otherwise)


def walk(root: Node) -> Iterator[Node]:
    """Yield every node of a tree."""
    yield root
    for child in root.children:
        yield from walk(child)


def canonical(node: Node) -> str:
    """Return a text that only trees of one meaning share, wherever they stand in a source."""
    return f"{node.__class__.__name__}({','.join(map(_part, msgspec.structs.astuple(node)[1:]))})"


def _part(value: object) -> str:
    if isinstance(value, Node):
        return canonical(value)
    if isinstance(value, tuple):
        return f"[{','.join(map(_part, value))}]"
    return repr(value)


def filled(node: Node, texts: Sequence[str]) -> Node:
    """Return the tree with each text literal, a number, replaced by the text of that number."""
    if isinstance(node, Literal):
        return Literal(node.at, texts[int(str(node.value))], node.kind) if _is_text(node) else node
    parts = msgspec.structs.astuple(node)
    made = [_filled(part, texts) for part in parts]
    return node.__class__(*made) if any(map(is_not, made, parts)) else node


def _is_text(node: Literal) -> bool:
    return node.kind == "string"


def _filled(part: Any, texts: Sequence[str]) -> Any:  # noqa: ANN401 - a node's field
    if isinstance(part, Node):
        return filled(part, texts)
    if part.__class__ is tuple:
        made = tuple([_filled(each, texts) for each in part])
        return made if any(map(is_not, made, part)) else part
    return part
