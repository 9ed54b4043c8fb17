"""Generate the Python code of values.

Nothing raises: a value comes with guards, and where a guard fails, the expression has no value.
Each operand is evaluated at most once.
"""

import ast
from abc import abstractmethod
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, NamedTuple, cast

from rule_language import code
from rule_language.loops import afford
from rule_language.nodes import Node
from rule_language.results import MISMATCH, NUMBERS, Duration, Nothing, Timestamp
from rule_language.schema import NUMERIC, Type
from rule_language.scope import Code, Scope

_CLASSES: Final[Mapping[Type, tuple[str, Any]]] = {
    Type.STRING: ("str", str),
    Type.BOOL: ("bool", bool),
    Type.LIST: ("list", list),
    Type.MAP: ("dict", dict),
    Type.TIMESTAMP: ("Timestamp", Timestamp),
    Type.DURATION: ("Duration", Duration),
}
MISMATCHED: Final = code.constant(MISMATCH.reason)


class Absence(Enum):
    """How a result says that there is none, after its guards held."""

    NEVER = "there is one"
    NONE = "it is None"
    LOOKUP = "it is `map.get(key)`, where None may be a value, too"
    NOTHING = "it is a Nothing"


class Term(NamedTuple):
    """The code of a node, before the question whether it is absent."""

    guards: list[ast.expr]
    result: ast.expr
    absence: Absence = Absence.NEVER


class Emitter(Scope):
    """Generates code for the nodes of one checked tree."""

    @abstractmethod
    def answer(self, node: Node) -> ast.expr:
        """Return code that yields True, False, or None for undecided."""

    @abstractmethod
    def term(self, node: Node) -> Term:
        """Return the code of a node."""

    def present(self, node: Node) -> Code:
        """Return the code of a node, guarded against its absence."""
        return self.ensured(self.term(node), node)

    def ensured(self, term: Term, node: Node) -> Code:
        guards, result, absence = term
        if absence is Absence.NEVER:
            return Code(guards, result)
        if absence is Absence.LOOKUP:
            lookup = cast("ast.Call", result)
            result = code.call(lookup.func, *lookup.args, self.absent)
        first, again = self.bind(result)
        if absence is Absence.NONE:
            return Code([*guards, code.compare(first, "is not", code.NONE)], again)
        if absence is Absence.LOOKUP:
            return Code([*guards, code.compare(first, "is not", self.absent)], again)
        test = code.compare(code.kind(first), "is not", self.shared(Nothing, "Nothing"))
        return Code([*guards, self.guard(test, node, code.attribute(again, "reason"))], again)

    def typed(self, node: Node, wanted: Type) -> Code:
        """Return the code of a node, guarded so that it has a type; any number is a double."""
        static = self.types[node]
        if static is wanted or (wanted is Type.DOUBLE and static in NUMERIC):
            return self.present(node)
        term = self.term(node)
        first, again = self.bind(term.result)
        test = self.is_a(first, wanted)
        return Code([*term.guards, self.guard(test, node, MISMATCHED)], again)

    def is_a(self, value: ast.expr, wanted: Type) -> ast.expr:
        """Return the test of whether a value has a type."""
        if wanted is Type.DOUBLE:
            return code.compare(code.kind(value), "in", self.shared(NUMBERS, "NUMBERS"))
        name, kind = _CLASSES[wanted]
        known = self.shared(kind, name) if kind.__module__ != "builtins" else code.name(name)
        return code.compare(code.kind(value), "is", known)

    def charged(self, value: Code) -> Code:
        """Inside a macro, make a value cost what it takes to look through it."""
        if not self.elements:
            return value
        first, again = self.bind(value.result)
        return Code([*value.guards, self.call(afford, self.budget, first)], again)

    def boxed(self, node: Node, value: Code) -> Code:
        """Make a figure a double, before it goes where its static type is forgotten."""
        if self.schema.keyed and node in self.fields:
            return Code(value.guards, code.call(code.name("float"), value.result))
        return value

    def perhaps(self, node: Node) -> ast.expr:
        """Return the value as one expression: a Nothing where there is none."""
        return self.boxed(node, self.present(node)).otherwise(self.absent)
