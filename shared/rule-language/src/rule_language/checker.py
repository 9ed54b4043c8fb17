"""Type-check a tree against a schema, before the rule is stored.

Two rules are wider than the standard's, on purpose: numbers of different types compare by value,
and an int that meets a double in arithmetic becomes one (`errors * 100 / total`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import singledispatchmethod
from typing import Final

from rule_language.errors import nearest, refusal
from rule_language.functions import check_call
from rule_language.nodes import (
    Binary,
    Call,
    Conditional,
    Index,
    Items,
    Literal,
    Logical,
    Name,
    Node,
    Select,
    Unary,
)
from rule_language.schema import NUMERIC, Schema, Type

MAX_PATTERNS: Final = 20
"""Regular expressions in one expression: each may come to hold a mebibyte."""

_CONTAINERS: Final = frozenset({Type.LIST, Type.MAP, Type.DYN})
_ORDERED: Final = frozenset({Type.BOOL, Type.STRING, Type.TIMESTAMP})
_MAYBE_BOOL: Final = frozenset({Type.BOOL, Type.DYN})
_MAYBE_TEXT: Final = frozenset({Type.STRING, Type.DYN})


@dataclass(frozen=True, slots=True)
class Checked:
    """A tree that fits its schema, and the type of each of its nodes."""

    root: Node
    types: Mapping[Node, Type]
    schema: Schema


def check(root: Node, schema: Schema, *, expected: frozenset[Type], purpose: str) -> Checked:
    """Return the tree with its types.

    Raises:
        RuleLanguageError: a name is unknown, operands do not fit, or the whole is none of the
            `expected` types; the error says what was expected.
    """
    types: dict[Node, Type] = {}
    found = _Checker(schema, types).visit(root)
    if found not in expected:
        what = f"{purpose} must be {_either(expected - {Type.DYN})}, but this is {found}"
        raise refusal(root, what)
    patterns = [node for node in types if isinstance(node, Call) and node.function == "matches"]
    if len(patterns) > MAX_PATTERNS:
        raise refusal(patterns[MAX_PATTERNS], f"more than {MAX_PATTERNS} patterns")
    return Checked(root, types, schema)


class _Checker:
    """One walk over one tree, children first."""

    def __init__(self, schema: Schema, types: dict[Node, Type]) -> None:
        self._schema = schema
        self._types = types

    def visit(self, node: Node) -> Type:
        found = self._types[node] = self._type(node)
        return found

    @singledispatchmethod
    def _type(self, node: Literal) -> Type:
        return Type(node.kind)

    @_type.register
    def _(self, node: Name) -> Type:
        variable = self._schema.variables.get(node.name)
        if variable is None:
            raise refusal(
                node,
                f"unknown name '{node.name}'",
                hint=nearest(node.name, self._schema.variables),
            )
        return variable.type

    @_type.register
    def _(self, node: Items) -> Type:
        for item in node.items:
            self.visit(item)
        return Type.LIST

    @_type.register
    def _(self, node: Select) -> Type:
        owner = self.visit(node.operand)
        if owner not in (Type.MAP, Type.DYN):
            what = f"{owner} has no field '{node.field}'"
            raise refusal(node, what, hint="expected a map")
        return Type.DYN

    @_type.register
    def _(self, node: Index) -> Type:
        owner, key = self.visit(node.operand), self.visit(node.key)
        self._require(node.operand, owner, _CONTAINERS, "only a list or a map has elements")
        if owner is Type.MAP:
            self._require(node.key, key, _MAYBE_TEXT, "this map is indexed by string")
        if owner is Type.LIST:
            self._require(node.key, key, NUMERIC | {Type.DYN}, "a list is indexed by int")
        return Type.DYN

    @_type.register
    def _(self, node: Call) -> Type:
        if node.function == "has" and not node.is_method:
            return self._has(node)
        return check_call(node, [self.visit(argument) for argument in node.arguments])

    def _has(self, node: Call) -> Type:
        if len(node.arguments) == 1 and isinstance(node.arguments[0], Name | Select):
            self.visit(node.arguments[0])
            return Type.BOOL
        hint = "expected a field, as in has(host) or has(attributes.region)"
        raise refusal(node, "has() cannot judge this", hint=hint)

    @_type.register
    def _(self, node: Unary) -> Type:
        found = self.visit(node.operand)
        if node.operator == "!":
            self._require(node.operand, found, _MAYBE_BOOL, "'!' needs a bool")
            return Type.BOOL
        allowed = frozenset({Type.INT, Type.DOUBLE, Type.DYN})
        self._require(node.operand, found, allowed, "'-' needs an int or a double")
        return found

    @_type.register
    def _(self, node: Logical) -> Type:
        for operand in node.operands:
            found = self.visit(operand)
            self._require(operand, found, _MAYBE_BOOL, f"'{node.operator}' needs a bool")
        return Type.BOOL

    @_type.register
    def _(self, node: Conditional) -> Type:
        condition = self.visit(node.condition)
        self._require(node.condition, condition, _MAYBE_BOOL, "'?' needs a bool before it")
        then, otherwise = self.visit(node.then), self.visit(node.otherwise)
        found = _common(then, otherwise)
        if found is None:
            what = f"the branches of '?' must have one type, not {then} and {otherwise}"
            raise refusal(node.otherwise, what)
        return found

    @_type.register
    def _(self, node: Binary) -> Type:
        left, right = self.visit(node.left), self.visit(node.right)
        if node.operator == "in":
            return self._membership(node, left, right)
        judge = _OPERATORS[node.operator]
        found = judge(left, right)
        if found is None:
            raise self._mismatch(node, left, right)
        return found

    def _membership(self, node: Binary, left: Type, right: Type) -> Type:
        self._require(node.right, right, _CONTAINERS, "'in' needs a list or a map after it")
        if right is Type.MAP:
            self._require(node.left, left, _MAYBE_TEXT, "this map has string keys")
        for item in node.right.items if isinstance(node.right, Items) else ():
            kind = self._types[item]
            if not _comparable(left, kind):
                what = f"{left} is never in a list with {kind}"
                raise refusal(item, what, hint=f"expected {left}")
        return Type.BOOL

    def _mismatch(self, node: Binary, left: Type, right: Type) -> Exception:
        what = f"no operator '{node.operator}' for {left} and {right}"
        hint = _expectation(node.operator, left)
        if Type.NULL in (left, right) and node.operator in ("==", "!="):
            hint = "expected has(...), which tells whether a field is there"
        return refusal(node, what, hint=hint)

    def _require(self, node: Node, found: Type, allowed: frozenset[Type], what: str) -> None:
        if found not in allowed:
            raise refusal(node, f"{what}, not {found},")


def _comparable(left: Type, right: Type) -> bool:
    """Tell whether `==` can ever hold; a timestamp is no value that an attribute has."""
    if left is right or {left, right} <= NUMERIC:
        return True
    return Type.DYN in (left, right) and Type.TIMESTAMP not in (left, right)


def _equality(left: Type, right: Type) -> Type | None:
    return Type.BOOL if _comparable(left, right) else None


def _ordering(left: Type, right: Type) -> Type | None:
    ordered = {left, right} <= NUMERIC | _ORDERED | {Type.DYN}
    return Type.BOOL if ordered and _comparable(left, right) else None


def _addition(left: Type, right: Type) -> Type | None:
    for joined in (Type.STRING, Type.LIST):
        if joined in (left, right) and {left, right} <= {joined, Type.DYN}:
            return joined
    return _arithmetic(left, right)


def _arithmetic(left: Type, right: Type) -> Type | None:
    both = {left, right}
    if len(both) == 1 and both <= NUMERIC | {Type.DYN}:
        return left
    if Type.DOUBLE in both and both <= NUMERIC | {Type.DYN}:
        return Type.DOUBLE
    return Type.DYN if both == {Type.INT, Type.DYN} else None


def _modulo(left: Type, right: Type) -> Type | None:
    return None if Type.DOUBLE in (left, right) else _arithmetic(left, right)


def _common(left: Type, right: Type) -> Type | None:
    if left is right:
        return left
    if Type.DYN in (left, right):
        return Type.DYN
    return Type.DOUBLE if {left, right} <= NUMERIC else None


_OPERATORS: Final[Mapping[str, Callable[[Type, Type], Type | None]]] = {
    **dict.fromkeys(("==", "!="), _equality),
    **dict.fromkeys(("<", "<=", ">", ">="), _ordering),
    "+": _addition,
    **dict.fromkeys(("-", "*", "/"), _arithmetic),
    "%": _modulo,
}


def _expectation(operator: str, left: Type) -> str:
    if operator == "%":
        return "expected int on both sides"
    if operator in ("-", "*", "/") or left in NUMERIC:
        return "expected numbers on both sides"
    if operator not in ("==", "!=", "+") and left not in _ORDERED | {Type.DYN}:
        return "expected numbers or strings"
    return f"expected {left} on the right"


def _either(types: frozenset[Type]) -> str:
    return " or ".join(sorted(types))
