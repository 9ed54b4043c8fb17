"""What compiles, but nobody means: told to who writes a rule. Stored ones are read as they are."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from alert_contracts.events import LEVELS, Event
from rule_language.checker import Checked
from rule_language.errors import RuleLanguageError, refusal
from rule_language.nodes import Binary, Call, Literal, Macro, Node, walk
from rule_language.programs import Match
from rule_language.schema import Type

_LEVEL: Final = "level"
_MIRRORED: Final = MappingProxyType({"<": ">", "<=": ">=", ">": "<", ">=": "<="})
_BY_WEIGHT: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_USUAL: Final = ("WARN", "ERROR", "FATAL")
_EVENTS: Final = [Event(timestamp=0, service="", message="", level=level) for level in LEVELS]
_BACKSPACE: Final = "\b"


def mistakes(checked: Checked) -> Iterator[RuleLanguageError]:
    """Yield what is wrong with an expression over one event, though it has a meaning."""
    for node in walk(checked.root):
        if isinstance(node, Binary) and node.operator in _MIRRORED:
            yield from _ordering(checked, node)
        if isinstance(node, Call) and node.function == "matches":
            yield from _pattern(node.arguments[1])
    yield from _impossible(checked, checked.root)


def _ordering(checked: Checked, node: Binary) -> Iterator[RuleLanguageError]:
    for operator, one, other in (
        (node.operator, node.left, node.right),
        (_MIRRORED[node.operator], node.right, node.left),
    ):
        if checked.fields.get(one) == _LEVEL:
            texts = ", ".join(f'"{level}"' for level in _levels(operator, other))
            what = f"'{node.operator}' orders levels by the alphabet"
            yield refusal(node, what, hint=f"expected level in [{texts}]")
            return


def _levels(operator: str, bound: Node) -> tuple[str, ...]:
    """Return the levels that are meant by a comparison, or some, if none can be."""
    named = str(bound.value).upper() if isinstance(bound, Literal) else ""
    if named not in _BY_WEIGHT:
        return _USUAL
    at = _BY_WEIGHT.index(named) + (operator in ("<=", ">"))
    return (_BY_WEIGHT[at:] if operator.startswith(">") else _BY_WEIGHT[:at]) or _USUAL


def _pattern(node: Node) -> Iterator[RuleLanguageError]:
    if isinstance(node, Literal) and _BACKSPACE in str(node.value):
        hint = r'for the edge of a word, put r before the text, as in r"\bfoo\b"'
        yield refusal(node, r"'\b' is a backspace in this text", hint=hint)


def _impossible(checked: Checked, node: Node) -> Iterator[RuleLanguageError]:
    """Yield what asks of the level alone, and is true of none; of what is nested, the whole."""
    if _asks_of_level(checked, node) and not any(map(_test(checked, node), _EVENTS)):
        known = ", ".join(sorted(filter(None, LEVELS)))
        yield refusal(node, "no event has a level of which this holds", hint=f"known are {known}")
        return
    for child in node.children:
        yield from _impossible(checked, child)


def _asks_of_level(checked: Checked, node: Node) -> bool:
    """Tell whether a call or a comparison depends on the level, and on nothing else.

    Comparisons of the level itself are left to `compared`.
    """
    if checked.types.get(node) is not Type.BOOL or not isinstance(node, Binary | Call | Macro):
        return False
    if isinstance(node, Binary) and _LEVEL in map(checked.fields.get, node.children):
        return False
    inside = list(walk(node))
    elements = {checked.locals[each] for each in inside if each in checked.locals}
    own = {checked.locals[each.variable] for each in inside if isinstance(each, Macro)}
    read = {checked.fields[each] for each in inside if each in checked.fields}
    return read == {_LEVEL} and elements <= own


def _test(checked: Checked, node: Node) -> Callable[[Event], bool]:
    part = replace(checked, root=node)
    return Match("", frozenset(), part, equalities={}, patterns={}).test
