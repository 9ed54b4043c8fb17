"""The code of comparisons, membership and arithmetic."""

import ast
from typing import Final

from rule_language import code
from rule_language.analysis import constants_of
from rule_language.emitter import MISMATCHED, Absence, Emitter, Term
from rule_language.lists import contained, same
from rule_language.nodes import Binary, Literal, Node
from rule_language.operations import ARITHMETIC, equal, member, ordered, ratio
from rule_language.overloads import ORDERED
from rule_language.results import INT64, OVERFLOW, ZERO
from rule_language.schema import NUMERIC, Type
from rule_language.scope import Code

_EQUALITIES: Final = frozenset({"==", "!="})
_ORDERINGS: Final = frozenset({"<", "<=", ">", ">="})
_TEXTS: Final = frozenset({Type.STRING, Type.DYN})
_HELPERS: Final = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "%": "modulo",
}


def binary(emitter: Emitter, node: Binary) -> Term:
    """Return the code of a binary operator."""
    if node.operator in _EQUALITIES:
        return _equality(emitter, node)
    if node.operator in _ORDERINGS:
        return _ordering(emitter, node)
    if node.operator == "in":
        return _membership(emitter, node)
    return _arithmetic(emitter, node)


def _joined(left: Code, right: Code, result: ast.expr) -> Term:
    return Term([*left.guards, *right.guards], result)


def _equality(emitter: Emitter, node: Binary) -> Term:
    left, right = emitter.present(node.left), emitter.present(node.right)
    kinds = (emitter.types[node.left], emitter.types[node.right])
    if _same(*kinds):
        left = _looked_through(emitter, node, left)
        return _joined(left, right, code.compare(left.result, node.operator, right.result))
    if _is_identity(node, left.result, kinds):
        # Nothing else is None, True or False in Python.
        wanted = "is" if node.operator == "==" else "is not"
        return _joined(left, right, code.compare(left.result, wanted, right.result))
    if NUMERIC.intersection(kinds):
        number, other = (left, right) if kinds[0] in NUMERIC else (right, left)
        first, again = emitter.bind(other.result)
        is_number = emitter.is_a(first, Type.DOUBLE)
        found = code.both([is_number, code.compare(again, "==", number.result)])
    else:
        left = _equal(emitter, node, left, right)
        found, right = left.result, Code([], left.result)
    return _joined(left, right, found if node.operator == "==" else code.negation(found))


def _equal(emitter: Emitter, node: Binary, left: Code, right: Code) -> Code:
    guards = [*left.guards, *right.guards]
    if node not in emitter.looking:
        return Code(guards, emitter.call(equal, left.result, right.result))
    found = emitter.call(same, emitter.budget, left.result, right.result)
    return emitter.ensured(Term(guards, found, Absence.NOTHING), node)


def _looked_through(emitter: Emitter, node: Binary, left: Code) -> Code:
    """In a macro, charge for a text that is compared with no literal."""
    kinds = {emitter.types[node.left], emitter.types[node.right]}
    constant = isinstance(node.left, Literal) or isinstance(node.right, Literal)
    return left if constant or not kinds <= _TEXTS else emitter.charged(left)


def _is_identity(node: Binary, left: ast.expr, kinds: tuple[Type, Type]) -> bool:
    """Tell whether a value is compared with null, true or false, which are one object each."""
    if Type.DYN not in kinds or isinstance(left, ast.Constant):
        return False
    return isinstance(node.right, Literal) and node.right.kind in ("null", "bool")


def _same(left: Type, right: Type) -> bool:
    """Tell whether Python's own `==` is the language's."""
    both = {left, right}
    return both <= NUMERIC or both == {Type.STRING, Type.DYN} or (left is right and left in ORDERED)


def _ordering(emitter: Emitter, node: Binary) -> Term:
    kinds = (emitter.types[node.left], emitter.types[node.right])
    known = next((kind for kind in kinds if kind is not Type.DYN), None)
    if known is not None:
        wanted = Type.DOUBLE if known in NUMERIC else known
        left, right = emitter.typed(node.left, wanted), emitter.typed(node.right, wanted)
        left = _looked_through(emitter, node, left)
        return _joined(left, right, code.compare(left.result, node.operator, right.result))
    left, right = emitter.present(node.left), emitter.present(node.right)
    left = _looked_through(emitter, node, left)
    (low, low_again), (high, high_again) = emitter.bind(left.result), emitter.bind(right.result)
    fits = emitter.guard(emitter.call(ordered, low, high), node, MISMATCHED)
    guards = [*left.guards, *right.guards, fits]
    return Term(guards, code.compare(low_again, node.operator, high_again))


def _membership(emitter: Emitter, node: Binary) -> Term:
    known = constants_of(node.right)
    kind = emitter.types[node.left]
    if known is not None and (kind is known.type or {kind, known.type} <= NUMERIC):
        left = emitter.present(node.left)
        return Term(left.guards, code.compare(left.result, "in", code.constant(known.values)))
    if known is not None and kind is Type.DYN:
        left = emitter.present(node.left)
        first, again = emitter.bind(left.result)
        inside = code.compare(again, "in", code.constant(known.values))
        return Term(left.guards, code.both([emitter.is_a(first, known.type), inside]))
    left, right = emitter.present(node.left), emitter.present(node.right)
    if node in emitter.looking:
        found = emitter.call(contained, emitter.budget, left.result, right.result)
    else:
        found = emitter.call(member, left.result, right.result)
    return Term([*left.guards, *right.guards], found, Absence.NOTHING)


def _arithmetic(emitter: Emitter, node: Binary) -> Term:
    kinds = {emitter.types[node.left], emitter.types[node.right]}
    if Type.DOUBLE in kinds and _floating(emitter, node.left) and _floating(emitter, node.right):
        return _of_doubles(emitter, node)
    if kinds == {Type.INT} and node.operator != "*" and _is_positive(node.right):
        return _of_ints(emitter, node)
    if node.operator == "/" and emitter.types[node] is Type.DOUBLE:
        left = emitter.typed(node.left, Type.DOUBLE)
        right = emitter.typed(node.right, Type.DOUBLE)
        helper = emitter.shared(ratio, "ratio")
    else:
        left, right = emitter.present(node.left), emitter.present(node.right)
        helper = emitter.shared(ARITHMETIC[node.operator], _HELPERS[node.operator])
    found = code.call(helper, left.result, right.result)
    term = Term([*left.guards, *right.guards], found, Absence.NOTHING)
    if kinds <= NUMERIC or not emitter.elements:
        return term
    return Term(*emitter.charged(emitter.ensured(term, node)))


def _floating(emitter: Emitter, node: Node) -> bool:
    """Tell whether an operand is a double, or a literal that is as good as one."""
    return emitter.types[node] is Type.DOUBLE or isinstance(node, Literal)


def _double(emitter: Emitter, node: Node) -> Code:
    if isinstance(node, Literal):
        return Code([], code.constant(float(node.value or 0)))
    value = emitter.present(node)
    if not emitter.schema.keyed:
        return value
    # Figures may be Python's ints, which no product of theirs keeps within a double.
    return Code(value.guards, code.call(code.name("float"), value.result))


def _of_doubles(emitter: Emitter, node: Binary) -> Term:
    left, right = _double(emitter, node.left), _double(emitter, node.right)
    guards, divisor = [*left.guards, *right.guards], right.result
    if node.operator == "/":
        first, divisor = emitter.bind(divisor)
        nonzero = code.compare(first, "!=", code.constant(0))
        guards.append(emitter.guard(nonzero, node, code.constant(ZERO.reason)))
    return Term(guards, code.compute(left.result, node.operator, divisor))


def _is_positive(node: Node) -> bool:
    return isinstance(node, Literal) and isinstance(node.value, int) and node.value > 0


def _of_ints(emitter: Emitter, node: Binary) -> Term:
    """Compute with a positive literal on the right, in place."""
    left, right = emitter.present(node.left), emitter.present(node.right)
    if node.operator in ("+", "-"):
        first, again = emitter.bind(code.compute(left.result, node.operator, right.result))
        bounds = code.constant(INT64.start), code.constant(INT64.stop - 1)
        fits = code.between(bounds[0], first, bounds[1])
        reason = code.constant(OVERFLOW.reason)
        return Term([*left.guards, emitter.guard(fits, node, reason)], again)
    operator = "//" if node.operator == "/" else "%"
    first, again = emitter.bind(left.result)
    mirrored = code.minus(code.compute(code.minus(again), operator, right.result))
    positive = code.compare(first, ">=", code.constant(0))
    found = code.choose(positive, code.compute(again, operator, right.result), mirrored)
    return Term(left.guards, found)
