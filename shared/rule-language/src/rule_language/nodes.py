"""The syntax tree: small frozen nodes, each of which knows where it stands in the source.

Nodes are compared by identity, so that facts about one node (its type) can be kept beside the tree.
"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A constant; `kind` tells int from uint, which Python cannot."""

    value: str | float | bool | None
    kind: str
    line: int
    column: int

    @property
    def children(self) -> tuple["Node", ...]:
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A variable of the schema."""

    name: str
    line: int
    column: int

    @property
    def children(self) -> tuple["Node", ...]:
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """A list literal."""

    items: tuple["Node", ...]
    line: int
    column: int

    @property
    def children(self) -> tuple["Node", ...]:
        return self.items


@dataclass(frozen=True, slots=True, eq=False)
class Select:
    """`operand.field`."""

    operand: "Node"
    field: str
    line: int
    column: int

    @property
    def children(self) -> tuple["Node", ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """`operand[key]`."""

    operand: "Node"
    key: "Node"
    line: int
    column: int

    @property
    def children(self) -> tuple["Node", ...]:
        return (self.operand, self.key)


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """`function(arguments)`, or `target.function(arguments)` with the target as first argument."""

    function: str
    arguments: tuple["Node", ...]
    line: int
    column: int
    is_method: bool

    @property
    def children(self) -> tuple["Node", ...]:
        return self.arguments


@dataclass(frozen=True, slots=True, eq=False)
class Unary:
    """`!operand` or `-operand`."""

    operator: str
    operand: "Node"
    line: int
    column: int

    @property
    def children(self) -> tuple["Node", ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True, eq=False)
class Binary:
    """A comparison, a membership test or arithmetic; it stands where its operator stands."""

    operator: str
    left: "Node"
    right: "Node"
    line: int
    column: int

    @property
    def children(self) -> tuple["Node", ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True, eq=False)
class Logical:
    """A chain of `&&` or of `||`, kept flat."""

    operator: str
    operands: tuple["Node", ...]
    line: int
    column: int

    @property
    def children(self) -> tuple["Node", ...]:
        return self.operands


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """`condition ? then : otherwise`."""

    condition: "Node"
    then: "Node"
    otherwise: "Node"
    line: int
    column: int

    @property
    def children(self) -> tuple["Node", ...]:
        return (self.condition, self.then, self.otherwise)


Node: TypeAlias = (
    Literal | Name | Items | Select | Index | Call | Unary | Binary | Logical | Conditional
)
