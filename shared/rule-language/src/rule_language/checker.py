"""Type-check a tree against a schema, before the rule is stored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rule_language import nodes
from rule_language.errors import refusal, suggestion
from rule_language.functions import SIGNATURES, check_call
from rule_language.overloads import OVERLOADS, common, comparable, expectation
from rule_language.schema import NUMERIC, TEMPORAL, Schema, Type

MAX_PATTERNS: Final = 20
"""Regular expressions in one expression: each may come to hold a mebibyte."""

_CONTAINERS: Final = frozenset({Type.LIST, Type.MAP, Type.DYN})
_KEYS: Final = frozenset({"string", "int", "uint"})
_MAYBE_BOOL: Final = frozenset({Type.BOOL, Type.DYN})
_MAYBE_TEXT: Final = frozenset({Type.STRING, Type.DYN})
_SIGNED: Final = frozenset({Type.INT, Type.DOUBLE, Type.DYN})


@dataclass(frozen=True, slots=True)
class Checked:
    """A tree that fits its schema, and what was found out about its nodes."""

    root: nodes.Node
    schema: Schema
    types: dict[nodes.Node, Type] = field(default_factory=dict)
    fields: dict[nodes.Node, str] = field(default_factory=dict)
    """The nodes that read a variable of the schema."""
    locals: dict[nodes.Node, str] = field(default_factory=dict)
    """The nodes that name the element of a macro; different elements have different names."""
    looking: set[nodes.Node] = field(default_factory=set)
    """The comparisons that may have to look through lists or maps of any length."""

    @property
    def metered(self) -> bool:
        """Tell whether it takes the longer, the more elements a list or map has."""
        return bool(self.locals or self.looking)


def check(root: nodes.Node, schema: Schema, *, expected: frozenset[Type], purpose: str) -> Checked:
    """Return the tree with its types.

    Raises:
        RuleLanguageError: a name is unknown, operands do not fit, or the whole is none of the
            `expected` types; the error says what was expected.
    """
    checked = Checked(root, schema)
    found = _Checker(checked).visit(root)
    if found not in expected:
        what = f"{purpose} must be {_either(expected - {Type.DYN})}, but this is {found}"
        raise refusal(root, what)
    patterns = [
        node
        for node in checked.types
        if isinstance(node, nodes.Call) and node.function == "matches"
    ]
    if len(patterns) > MAX_PATTERNS:
        raise refusal(patterns[MAX_PATTERNS], f"more than {MAX_PATTERNS} patterns")
    return checked


class _Checker:
    """One walk over one tree, children first."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked
        self._schema = checked.schema
        self._types = checked.types
        self._scope: dict[str, tuple[str, Type]] = {}
        self._elements = 0

    def visit(self, node: nodes.Node) -> Type:
        found = self._types[node] = _VISITS[node.__class__](self, node)
        return found

    def literal(self, node: nodes.Literal) -> Type:
        return Type(node.kind)

    def name(self, node: nodes.Name) -> Type:
        element = self._scope.get(node.name)
        if element is not None:
            self._checked.locals[node] = element[0]
            return element[1]
        variable = self._schema.variables.get(node.name)
        if variable is None:
            raise self._unknown(node)
        self._checked.fields[node] = node.name
        return variable.type

    def _unknown(self, node: nodes.Name) -> Exception:
        if self._schema.fields_of(node.name):
            what = f"'{node.name}' is a window, not a value,"
            return refusal(node, what, hint=f"expected, say, {node.name}.count")
        known = {*self._scope, *(name.partition(".")[0] for name in self._schema.variables)}
        return refusal(node, f"unknown name '{node.name}'", hint=suggestion(node.name, known))

    def items(self, node: nodes.Items) -> Type:
        for item in node.items:
            self.visit(item)
        return Type.LIST

    def entries(self, node: nodes.Entries) -> Type:
        seen = set()
        for key in node.keys:
            self.visit(key)
            if not isinstance(key, nodes.Literal) or key.kind not in _KEYS:
                hint = "expected a string or an int"
                raise refusal(key, "the key of a map must be a literal", hint=hint)
            if key.value in seen:
                raise refusal(key, f"the map has the key '{key.value}' already")
            seen.add(key.value)
        for value in node.values:
            self.visit(value)
        return Type.MAP

    def select(self, node: nodes.Select) -> Type:
        found = self._dotted(node)
        if found is not None:
            return found
        owner = self.visit(node.operand)
        if owner not in (Type.MAP, Type.DYN):
            what = f"{owner} has no field '{node.field}'"
            raise refusal(node, what, hint="expected a map")
        return Type.DYN

    def _dotted(self, node: nodes.Select) -> Type | None:
        """Return the type of a variable with a dot in its name, such as `previous.count`."""
        owner = node.operand
        if not isinstance(owner, nodes.Name) or owner.name in self._scope:
            return None
        fields = self._schema.fields_of(owner.name)
        if not fields:
            return None
        name = f"{owner.name}.{node.field}"
        if node.field not in fields:
            hint = suggestion(node.field, fields, owner=f"{owner.name}.")
            raise refusal(owner, f"unknown name '{name}'", hint=hint)
        self._checked.fields[node] = name
        return self._schema.variables[name].type

    def index(self, node: nodes.Index) -> Type:
        owner, key = self.visit(node.operand), self.visit(node.key)
        self._require(node.operand, owner, _CONTAINERS, "only a list or a map has elements")
        if node.operand in self._checked.fields:
            self._require(node.key, key, _MAYBE_TEXT, "this map is indexed by string")
        if owner is Type.LIST:
            self._require(node.key, key, NUMERIC | {Type.DYN}, "a list is indexed by int")
        return Type.DYN

    def has(self, node: nodes.Has) -> Type:
        self.visit(node.operand)
        if node.operand in self._checked.locals:
            hint = "expected a field, as in has(host) or has(attributes.region)"
            raise refusal(node, "has() cannot judge this", hint=hint)
        return Type.BOOL

    def macro(self, node: nodes.Macro) -> Type:
        over = self.visit(node.over)
        what = f"{node.kind}() needs a list or a map before it"
        self._require(node.over, over, _CONTAINERS, what)
        outer = self._scope
        self._elements += 1
        element = (
            f"x{self._elements}",
            Type.STRING if node.over in self._checked.fields else Type.DYN,
        )
        self._scope = {**outer, node.variable.name: element}
        self._checked.locals[node.variable] = element[0]
        for test in (node.test, node.body if node.kind != "map" else None):
            if test is not None:
                self._require(test, self.visit(test), _MAYBE_BOOL, f"{node.kind}() needs a bool")
        if node.kind == "map":
            self.visit(node.body)
        self._scope = outer
        return Type.LIST if node.kind in ("map", "filter") else Type.BOOL

    def call(self, node: nodes.Call) -> Type:
        name = node.function
        if name in self._schema.variables and name not in SIGNATURES and not node.is_method:
            raise refusal(node, f"'{name}' is no function", hint=f"it is only named: {name}")
        return check_call(node, [self.visit(argument) for argument in node.arguments])

    def unary(self, node: nodes.Unary) -> Type:
        found = self.visit(node.operand)
        if node.operator == "!":
            self._require(node.operand, found, _MAYBE_BOOL, "'!' needs a bool")
            return Type.BOOL
        self._require(node.operand, found, _SIGNED, "'-' needs an int or a double")
        return found

    def logical(self, node: nodes.Logical) -> Type:
        for operand in node.operands:
            found = self.visit(operand)
            self._require(operand, found, _MAYBE_BOOL, f"'{node.operator}' needs a bool")
        return Type.BOOL

    def conditional(self, node: nodes.Conditional) -> Type:
        condition = self.visit(node.condition)
        self._require(node.condition, condition, _MAYBE_BOOL, "'?' needs a bool before it")
        then, otherwise = self.visit(node.then), self.visit(node.otherwise)
        found = common(then, otherwise)
        if found is None:
            what = f"the branches of '?' must have one type, not {then} and {otherwise}"
            raise refusal(node.otherwise, what)
        return found

    def binary(self, node: nodes.Binary) -> Type:
        left, right = self.visit(node.left), self.visit(node.right)
        if self._looks(node):
            self._checked.looking.add(node)
        if node.operator == "in":
            return self._membership(node, left, right)
        found = OVERLOADS[node.operator](left, right)
        what = f"no operator '{node.operator}' for {left} and {right}"
        if found is None:
            raise refusal(node, what, hint=expectation(node.operator, left, right))
        for operand, other in ((node.left, right), (node.right, left)):
            if other in TEMPORAL and self._types[operand] is Type.DYN and self._read(operand):
                hint = f"an attribute is no {other}, expected {other}(...) around it"
                raise refusal(node, what, hint=hint)
        return found

    def _looks(self, node: nodes.Binary) -> bool:
        """Tell whether a comparison takes the longer, the more elements its operands have."""
        if node.operator == "in" and not isinstance(node.right, nodes.Items):
            return self._types[node.right] is not Type.MAP
        sized = node.operator in ("==", "!=", "in")
        return sized and not (self._is_small(node.left) or self._is_small(node.right))

    def _is_small(self, node: nodes.Node) -> bool:
        """Tell whether a value is none that has elements, or has no more than are written."""
        if isinstance(node, nodes.Items | nodes.Entries):
            return all(map(self._is_small, node.children))
        return self._types[node] not in _CONTAINERS

    def _read(self, node: nodes.Node) -> bool:
        """Tell whether the value comes out of the event, which holds no times."""
        while isinstance(node, nodes.Select | nodes.Index):
            node = node.operand
        return node in self._checked.fields

    def _membership(self, node: nodes.Binary, left: Type, right: Type) -> Type:
        self._require(node.right, right, _CONTAINERS, "'in' needs a list or a map after it")
        if node.right in self._checked.fields:
            self._require(node.left, left, _MAYBE_TEXT, "this map has string keys")
        for item in node.right.items if isinstance(node.right, nodes.Items) else ():
            kind = self._types[item]
            if not comparable(left, kind):
                what = f"{left} is never in a list with {kind}"
                raise refusal(item, what, hint=f"expected {left}")
        return Type.BOOL

    def _require(self, node: nodes.Node, found: Type, allowed: frozenset[Type], what: str) -> None:
        if found not in allowed:
            raise refusal(node, f"{what}, not {found},")


_VISITS: Final[Mapping[type[nodes.Node], Callable[[Any, Any], Type]]] = {
    nodes.Literal: _Checker.literal,
    nodes.Name: _Checker.name,
    nodes.Items: _Checker.items,
    nodes.Entries: _Checker.entries,
    nodes.Select: _Checker.select,
    nodes.Index: _Checker.index,
    nodes.Has: _Checker.has,
    nodes.Macro: _Checker.macro,
    nodes.Call: _Checker.call,
    nodes.Unary: _Checker.unary,
    nodes.Logical: _Checker.logical,
    nodes.Conditional: _Checker.conditional,
    nodes.Binary: _Checker.binary,
}


def _either(types: frozenset[Type]) -> str:
    return " or ".join(sorted(types))
