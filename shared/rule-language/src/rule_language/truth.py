"""The code of yes and no.

The logic has three values: true, false and undecided. Asking only "is it surely true?" (or, below
a `!`, "is it surely false?") lets each branch answer with one test:

    surely true  (a && b) = surely true a  and surely true b
    surely false (a && b) = surely false a or  surely false b

and so on for `||`, `!` and `?:`. Where the value itself is needed, or the reason why there is
none, `answer` yields all three.
"""

import ast
from collections.abc import Iterable
from typing import Final

from rule_language import code
from rule_language.analysis import membership
from rule_language.emitter import Absence, Emitter, Term
from rule_language.nodes import Binary, Call, Conditional, Logical, Macro, Node, Unary
from rule_language.schema import Type
from rule_language.scope import NOTES, settle
from rule_language.values import term_of


class Program(Emitter):
    """Generates the code of one checked tree."""

    def term(self, node: Node) -> Term:
        return term_of(self, node)

    def answer(self, node: Node) -> ast.expr:
        """Return code that yields True, False, or None for undecided."""
        if isinstance(node, Logical):
            return self._chain(node)
        if isinstance(node, Unary) and node.operator == "!":
            first, again = self.bind(self.answer(node.operand))
            return code.choose(
                code.compare(first, "is", code.NONE), code.NONE, code.negation(again)
            )
        if isinstance(node, Conditional) and self.types[node] is Type.BOOL:
            first, again = self.bind(self.answer(node.condition))
            otherwise = code.choose(
                code.compare(again, "is", code.FALSE), self.answer(node.otherwise), code.NONE
            )
            return code.choose(
                code.compare(first, "is", code.TRUE), self.answer(node.then), otherwise
            )
        return self.typed(node, Type.BOOL).otherwise(code.NONE)

    def _chain(self, node: Logical) -> ast.expr:
        decisive = code.constant(node.operator == "||")
        neutral = code.constant(node.operator != "||")
        parts = [self.bind(self.answer(operand)) for operand in node.operands]
        decided = code.either(code.compare(first, "is", decisive) for first, _ in parts)
        all_neutral = code.both(code.compare(again, "is", neutral) for _, again in parts)
        found = code.choose(decided, decisive, code.choose(all_neutral, neutral, code.NONE))
        if not self.explain:
            return found
        notes = code.name(NOTES)
        return self.call(settle, notes, code.call(code.name("len"), notes), found)

    def surely(self, node: Node, *, wanted: bool) -> ast.expr:
        """Return the test of whether the node's value is `wanted`."""
        among = self._among(node, wanted=wanted)
        if among is not None:
            return among
        if isinstance(node, Unary) and node.operator == "!":
            return self.surely(node.operand, wanted=not wanted)
        if isinstance(node, Logical):
            parts = [self.surely(part, wanted=wanted) for part in sorted(node.operands, key=_cost)]
            return (code.both if (node.operator == "&&") is wanted else code.either)(parts)
        if isinstance(node, Conditional):
            return self._branch(node, wanted=wanted)
        guards, result = self.typed(node, Type.BOOL)
        return code.both([*guards, result if wanted else code.negation(result)])

    def all_surely(self, nodes: Iterable[Node]) -> ast.expr:
        """Return the test of whether all nodes are true."""
        return code.both([self.surely(node, wanted=True) for node in sorted(nodes, key=_cost)])

    def _branch(self, node: Conditional, *, wanted: bool) -> ast.expr:
        first, again = self.bind(self.answer(node.condition))
        then = [code.compare(first, "is", code.TRUE), self.surely(node.then, wanted=wanted)]
        otherwise = [
            code.compare(again, "is", code.FALSE),
            self.surely(node.otherwise, wanted=wanted),
        ]
        return code.either([code.both(then), code.both(otherwise)])

    def _among(self, node: Node, *, wanted: bool) -> ast.expr | None:
        """Return the test of a value against literals, which nearly every rule has."""
        if isinstance(node, Binary) and node.operator == "!=":
            node, wanted = Binary(node.at, "==", node.left, node.right), not wanted
        found = membership(node)
        if found is None or self.types[found.operand] in _UNHASHABLE:
            return None
        kind, values = found.constants
        operator, constant = "in", code.constant(values)
        if len(values) == 1:
            operator, constant = "==", code.constant(next(iter(values)))
        simple = kind is Type.STRING and operator == "=="
        if self.types[found.operand] is not Type.DYN or (wanted and simple):
            return self._plainly(found.operand, operator, constant, wanted=wanted)
        if wanted:
            guards, result = self.typed(found.operand, kind)
            return code.both([*guards, code.compare(result, operator, constant)])
        guards, result = self.present(found.operand)
        first, again = self.bind(result)
        inside = code.both([self.is_a(first, kind), code.compare(again, operator, constant)])
        return code.both([*guards, code.negation(inside)])

    def _plainly(
        self, operand: Node, operator: str, constant: ast.expr, *, wanted: bool
    ) -> ast.expr:
        """Return a test that needs no type; what is absent (None) is among no constants."""
        term = self.term(operand)
        if wanted and term.absence is not Absence.NOTHING:
            return code.both([*term.guards, code.compare(term.result, operator, constant)])
        guards, result = self.ensured(term, operand)
        asked = operator if wanted else _OPPOSITES[operator]
        return code.both([*guards, code.compare(result, asked, constant)])


_OPPOSITES: Final = {"==": "!=", "in": "not in"}
_UNHASHABLE: Final = frozenset({Type.LIST, Type.MAP})
"""Python looks for none of these in a set, not even in an empty one."""


def _cost(node: Node) -> int:
    """Rank operands: order changes no answer, so macros and patterns are tried last."""
    if isinstance(node, Macro):
        return 3
    if isinstance(node, Call) and node.function == "matches":
        return 2
    if isinstance(node, Logical | Unary):
        return max(map(_cost, node.children))
    return 1 if isinstance(node, Call | Conditional) else 0
