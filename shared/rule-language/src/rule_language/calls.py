"""The code of function calls."""

from collections.abc import Callable, Mapping
from typing import Final

from rule_language import code
from rule_language.conversions import CONVERSIONS, LONG, holds, lower, size, split, trim, upper
from rule_language.emitter import Absence, Emitter, Term
from rule_language.nodes import Call, Literal, Node
from rule_language.patterns import WORDS, searcher
from rule_language.schema import Type
from rule_language.scope import Code
from rule_language.times import GETTERS, getter, zone_of

_SIZED: Final = frozenset({Type.STRING, Type.LIST, Type.MAP})


def call(emitter: Emitter, node: Call) -> Term:
    """Return the code of a function call."""
    return _CALLS[node.function](emitter, node)


def _text(emitter: Emitter, node: Node) -> Code:
    return emitter.charged(emitter.typed(node, Type.STRING))


def _literal(node: Node) -> str:
    """Return the text of what the checker knows to be a string literal."""
    return str(node.value) if isinstance(node, Literal) else ""


def _prefix_test(emitter: Emitter, node: Call) -> Term:
    text, part = (_text(emitter, argument) for argument in node.arguments)
    name = node.function.lower()
    return Term([*text.guards, *part.guards], code.method(text.result, name, part.result))


def _contains(emitter: Emitter, node: Call) -> Term:
    text, part = (_text(emitter, argument) for argument in node.arguments)
    guards, sought = [*text.guards, *part.guards], node.arguments[1]
    if isinstance(sought, Literal) and len(_literal(sought)) < LONG:
        return Term(guards, code.compare(part.result, "in", text.result))
    return Term(guards, emitter.call(holds, text.result, part.result))


def _matches(emitter: Emitter, node: Call) -> Term:
    text, pattern = _text(emitter, node.arguments[0]), _literal(node.arguments[1])
    words = WORDS.fullmatch(pattern)
    if words:
        return Term(text.guards, code.compare(code.constant(words[1]), "in", text.result))
    return Term(text.guards, code.call(emitter.held(searcher(pattern)), text.result))


def _size(emitter: Emitter, node: Call) -> Term:
    guards, value = emitter.present(node.arguments[0])
    if emitter.types[node.arguments[0]] in _SIZED:
        return Term(guards, code.call(code.name("len"), value))
    return Term(guards, emitter.call(size, value), Absence.NOTHING)


def _of_text(function: Callable[[str], str]) -> Callable[[Emitter, Call], Term]:
    def emit(emitter: Emitter, node: Call) -> Term:
        guards, text = _text(emitter, node.arguments[0])
        return Term(guards, emitter.call(function, text))

    return emit


def _split(emitter: Emitter, node: Call) -> Term:
    text, separator = (_text(emitter, argument) for argument in node.arguments)
    found = emitter.call(split, text.result, separator.result)
    return Term([*text.guards, *separator.guards], found, Absence.NOTHING)


def _conversion(emitter: Emitter, node: Call) -> Term:
    (argument,) = node.arguments
    convert = CONVERSIONS[node.function]
    if isinstance(argument, Literal) and isinstance(argument.value, str):
        return Term([], emitter.held(convert(argument.value)), Absence.NOTHING)
    value = emitter.present(argument)
    if node.function == "dyn" or emitter.types[argument] is emitter.types[node]:
        return Term(*emitter.boxed(argument, value))
    value = emitter.charged(value)
    helper = emitter.shared(convert, f"to_{node.function}")
    return Term(value.guards, code.call(helper, value.result), Absence.NOTHING)


def _getter(emitter: Emitter, node: Call) -> Term:
    target, *zone = node.arguments
    guards, value = emitter.present(target)
    get = getter(node.function, zone_of(_literal(zone[0])) if zone else None)
    return Term(guards, code.call(emitter.held(get), value), Absence.NOTHING)


_CALLS: Final[Mapping[str, Callable[[Emitter, Call], Term]]] = {
    "startsWith": _prefix_test,
    "endsWith": _prefix_test,
    "contains": _contains,
    "matches": _matches,
    "size": _size,
    "lowerAscii": _of_text(lower),
    "upperAscii": _of_text(upper),
    "trim": _of_text(trim),
    "split": _split,
    **dict.fromkeys(CONVERSIONS, _conversion),
    **dict.fromkeys(GETTERS, _getter),
}
