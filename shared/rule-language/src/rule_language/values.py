"""The code of names, literals, fields, elements, macros and choices."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from rule_language import code, nodes
from rule_language.calls import call
from rule_language.emitter import MISMATCHED, Absence, Emitter, Term
from rule_language.loops import LOOPS
from rule_language.operations import element, negated
from rule_language.operators import binary
from rule_language.results import CONTAINERS, Timestamp, Uint
from rule_language.schema import Type, Variable
from rule_language.scope import NOTES
from rule_language.times import SECOND

_MILLISECOND: Final = SECOND // 1_000


def term_of(emitter: Emitter, node: nodes.Node) -> Term:
    """Return the code of a node."""
    return _TERMS[node.__class__](emitter, node)


def _literal(emitter: Emitter, node: nodes.Literal) -> Term:
    if node.kind == "uint":
        return Term([], emitter.held(Uint(int(node.value or 0))))
    return Term([], code.constant(node.value))


def _name(emitter: Emitter, node: nodes.Name) -> Term:
    if node in emitter.locals:
        return Term([], code.name(emitter.element(node)))
    return _field(emitter, emitter.schema.variables[emitter.fields[node]])


def _field(emitter: Emitter, variable: Variable) -> Term:
    if variable.constant is not None:
        return Term([], code.constant(variable.constant))
    subject = code.name(emitter.subject)
    if emitter.schema.keyed:
        figure = code.method(subject, "get", code.constant(variable.source))
        return Term([], figure, Absence.NONE)
    value = code.attribute(subject, variable.source)
    if variable.type is Type.TIMESTAMP:
        nanoseconds = code.compute(value, "*", code.constant(_MILLISECOND))
        return Term([], emitter.call(Timestamp, nanoseconds))
    return Term([], value, Absence.NONE if variable.optional else Absence.NEVER)


def _select(emitter: Emitter, node: nodes.Select) -> Term:
    if node in emitter.fields:
        return _field(emitter, emitter.schema.variables[emitter.fields[node]])
    return _lookup(emitter, node.operand, node.field)


def _lookup(emitter: Emitter, owner: nodes.Node, key: str) -> Term:
    guards, map_ = emitter.typed(owner, Type.MAP)
    return Term(guards, code.method(map_, "get", code.constant(key)), Absence.LOOKUP)


def _index(emitter: Emitter, node: nodes.Index) -> Term:
    if isinstance(node.key, nodes.Literal) and isinstance(node.key.value, str):
        return _lookup(emitter, node.operand, node.key.value)
    owner, key = emitter.present(node.operand), emitter.present(node.key)
    found = emitter.call(element, owner.result, key.result)
    return Term([*owner.guards, *key.guards], found, Absence.NOTHING)


def _has(emitter: Emitter, node: nodes.Has) -> Term:
    operand = node.operand
    if operand not in emitter.fields:
        assert isinstance(operand, nodes.Select)  # noqa: S101 - the parser lets nothing else through
        guards, owner = emitter.typed(operand.operand, Type.MAP)
        return Term(guards, code.compare(code.constant(operand.field), "in", owner))
    variable = emitter.schema.variables[emitter.fields[operand]]
    if not variable.optional and variable.absent is None:
        return Term([], code.TRUE)
    value = _field(emitter, variable).result
    if variable.absent is not None:
        return Term([], code.compare(value, "!=", code.constant(variable.absent)))
    return Term([], code.compare(value, "is not", code.NONE))


def _several(emitter: Emitter, nodes: tuple[nodes.Node, ...]) -> tuple[list[Any], list[Any]]:
    parts = [emitter.boxed(each, emitter.present(each)) for each in nodes]
    return [guard for part in parts for guard in part.guards], [part.result for part in parts]


def _items(emitter: Emitter, node: nodes.Items) -> Term:
    guards, items = _several(emitter, node.items)
    return Term(guards, code.sequence(items))


def _entries(emitter: Emitter, node: nodes.Entries) -> Term:
    guards, values = _several(emitter, node.values)
    keys = [emitter.present(key).result for key in node.keys]
    return Term(guards, code.mapping(keys, values))


def _unary(emitter: Emitter, node: nodes.Unary) -> Term:
    if node.operator == "!":
        return _decided(emitter, node)
    guards, operand = emitter.present(node.operand)
    if emitter.types[node] is Type.DOUBLE:
        return Term(guards, code.minus(operand))
    return Term(guards, emitter.call(negated, operand), Absence.NOTHING)


def _decided(emitter: Emitter, node: nodes.Node) -> Term:
    first, again = emitter.bind(emitter.answer(node))
    return Term([code.compare(first, "is not", code.NONE)], again)


def _conditional(emitter: Emitter, node: nodes.Conditional) -> Term:
    if emitter.types[node] is Type.BOOL:
        return _decided(emitter, node)
    first, again = emitter.bind(emitter.answer(node.condition))
    branch = code.choose(again, emitter.perhaps(node.then), emitter.perhaps(node.otherwise))
    known = code.compare(first, "is not", code.NONE)
    return Term([], code.choose(known, branch, emitter.absent), Absence.NOTHING)


def _macro(emitter: Emitter, node: nodes.Macro) -> Term:
    items = emitter.present(node.over)
    guards, over = items
    if emitter.types[node.over] is Type.DYN:
        first, over = emitter.bind(items.result)
        kinds = emitter.shared(CONTAINERS, "CONTAINERS")
        test = code.compare(code.kind(first), "in", kinds)
        guards = [*guards, emitter.guard(test, node.over, MISMATCHED)]
    if node.test is not None:
        kept = Term(guards, _loop(emitter, node, "filter", over, node.test), Absence.NOTHING)
        guards, over = emitter.ensured(kept, node)
    return Term(guards, _loop(emitter, node, node.kind, over, node.body), Absence.NOTHING)


def _loop(emitter: Emitter, node: nodes.Macro, kind: str, over: Any, body: nodes.Node) -> Any:  # noqa: ANN401 - code
    captured = [emitter.subject, *emitter.elements, *([NOTES] if emitter.explain else ())]
    element = emitter.element(node.variable)
    emitter.elements.append(element)
    emit = emitter.perhaps if kind == "map" else emitter.answer
    function = code.function([element], emit(body), captured)
    emitter.elements.pop()
    return emitter.call(LOOPS[kind], emitter.budget, over, function)


_TERMS: Final[Mapping[type[nodes.Node], Callable[[Emitter, Any], Term]]] = {
    nodes.Literal: _literal,
    nodes.Name: _name,
    nodes.Select: _select,
    nodes.Index: _index,
    nodes.Has: _has,
    nodes.Items: _items,
    nodes.Entries: _entries,
    nodes.Unary: _unary,
    nodes.Logical: _decided,
    nodes.Conditional: _conditional,
    nodes.Macro: _macro,
    nodes.Binary: binary,
    nodes.Call: call,
}
