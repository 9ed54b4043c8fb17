"""Closures for the shapes that nearly every rule has: one field against one constant.

Each answers exactly as the general form would; an absent field (None) is on neither side.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from rule_language.analysis import against_constant, membership
from rule_language.functions import searcher
from rule_language.nodes import Binary, Call, Index, Literal, Name, Node, Select
from rule_language.operations import NUMBERS
from rule_language.schema import NUMERIC, Schema, Type, Variable

Test: TypeAlias = Callable[[Any], bool]
_Read: TypeAlias = Callable[[Any], Any]

_NEGATED: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def shortcut(node: Node, schema: Schema, *, wanted: bool) -> Test | None:
    """Return the fast test of whether an event surely gives the node the value `wanted`.

    None where the node has no such shape.
    """
    if schema.subject != "event":
        return None
    found = membership(node)
    if found is not None:
        return _among(*found, schema, wanted=wanted)
    if isinstance(node, Binary):
        return _comparison(node, schema, wanted=wanted)
    if isinstance(node, Call) and node.function == "has":
        return _presence(node.arguments[0], schema, wanted=wanted)
    if isinstance(node, Call) and node.function in _TEXT_TESTS:
        return _text_test(node, schema, wanted=wanted)
    return None


def _among(node: Node, allowed: frozenset[str], schema: Schema, *, wanted: bool) -> Test | None:
    variable = _variable(node, schema)
    if variable is not None:
        return _field_among(variable.read, allowed, wanted=wanted)
    key = _attribute(node)
    return _attribute_among(key, allowed) if key is not None and wanted else None


def _field_among(read: _Read, allowed: frozenset[str], *, wanted: bool) -> Test:
    if not wanted:
        inside_or_absent = allowed | {None}
        return lambda event: read(event) not in inside_or_absent
    if len(allowed) == 1:
        (only,) = allowed
        return lambda event: read(event) == only
    return lambda event: read(event) in allowed


def _attribute_among(key: str, allowed: frozenset[str]) -> Test:
    def test(event: Any) -> bool:  # noqa: ANN401 - an event
        found = event.attributes.get(key)
        return found.__class__ is str and found in allowed

    return test


def _comparison(node: Binary, schema: Schema, *, wanted: bool) -> Test | None:
    compared = against_constant(node)
    if compared is None:
        return None
    operand, operator, literal = compared
    if operator == "!=" and isinstance(literal.value, str):
        return _among(operand, frozenset({literal.value}), schema, wanted=not wanted)
    if Type(literal.kind) not in NUMERIC:
        return None
    asked = operator if wanted else _NEGATED[operator]
    variable = _variable(operand, schema)
    if variable is not None:
        return _FIELD_LIMITS[asked](variable.read, literal.value)
    key = _attribute(operand)
    return (
        _ATTRIBUTE_LIMITS[asked](key, literal.value) if key and asked in _ATTRIBUTE_LIMITS else None
    )


_FIELD_LIMITS: Final[Mapping[str, Callable[[_Read, Any], Test]]] = {
    "==": lambda read, limit: lambda event: read(event) == limit,
    "!=": lambda read, limit: lambda event: (v := read(event)) is not None and v != limit,
    "<": lambda read, limit: lambda event: (v := read(event)) is not None and v < limit,
    "<=": lambda read, limit: lambda event: (v := read(event)) is not None and v <= limit,
    ">": lambda read, limit: lambda event: (v := read(event)) is not None and v > limit,
    ">=": lambda read, limit: lambda event: (v := read(event)) is not None and v >= limit,
}
_ATTRIBUTE_LIMITS: Final[Mapping[str, Callable[[str, Any], Test]]] = {
    "==": lambda key, limit: (
        lambda event: (v := event.attributes.get(key)).__class__ in NUMBERS and v == limit
    ),
    "<": lambda key, limit: (
        lambda event: (v := event.attributes.get(key)).__class__ in NUMBERS and v < limit
    ),
    "<=": lambda key, limit: (
        lambda event: (v := event.attributes.get(key)).__class__ in NUMBERS and v <= limit
    ),
    ">": lambda key, limit: (
        lambda event: (v := event.attributes.get(key)).__class__ in NUMBERS and v > limit
    ),
    ">=": lambda key, limit: (
        lambda event: (v := event.attributes.get(key)).__class__ in NUMBERS and v >= limit
    ),
}


def _presence(node: Node, schema: Schema, *, wanted: bool) -> Test | None:
    key = _attribute(node)
    if key is not None:
        if wanted:
            return lambda event: key in event.attributes
        return lambda event: key not in event.attributes
    variable = _variable(node, schema)
    if variable is None:
        return None
    read, absent = variable.read, variable.absent
    if wanted:
        return lambda event: read(event) != absent
    return lambda event: read(event) == absent


def _text_test(node: Call, schema: Schema, *, wanted: bool) -> Test | None:
    target, argument = node.arguments
    variable = _variable(target, schema)
    if variable is None or not isinstance(argument, Literal):
        return None
    read = variable.read
    if wanted and node.function in _QUICK_TEXT_TESTS:
        return _QUICK_TEXT_TESTS[node.function](read, argument.value)
    holds = _TEXT_TESTS[node.function](argument)

    def test(event: Any) -> bool:  # noqa: ANN401 - an event
        text = read(event)
        return text is not None and holds(text) is wanted

    return test


def _starts(argument: Literal) -> Callable[[str], bool]:
    prefix = str(argument.value)
    return lambda text: text.startswith(prefix)


def _ends(argument: Literal) -> Callable[[str], bool]:
    suffix = str(argument.value)
    return lambda text: text.endswith(suffix)


def _contains(argument: Literal) -> Callable[[str], bool]:
    part = str(argument.value)
    return lambda text: part in text


_TEXT_TESTS: Final[Mapping[str, Callable[[Literal], Callable[[str], bool]]]] = {
    "startsWith": _starts,
    "endsWith": _ends,
    "contains": _contains,
    "matches": searcher,
}


_QUICK_TEXT_TESTS: Final[Mapping[str, Callable[[_Read, Any], Test]]] = {
    "startsWith": lambda read, part: (
        lambda event: (text := read(event)) is not None and text.startswith(part)
    ),
    "endsWith": lambda read, part: (
        lambda event: (text := read(event)) is not None and text.endswith(part)
    ),
    "contains": lambda read, part: lambda event: (text := read(event)) is not None and part in text,
}
"""The same, asked the usual way round: one call less for each event."""


def _variable(node: Node, schema: Schema) -> Variable | None:
    """Return the variable that the node names, unless it is one of a type without shortcuts."""
    if not isinstance(node, Name):
        return None
    variable = schema.variables[node.name]
    return None if variable.type in (Type.MAP, Type.TIMESTAMP) else variable


def _attribute(node: Node) -> str | None:
    """Return the key, where the node is `attributes.key` or `attributes["key"]`."""
    owner = node.operand if isinstance(node, Select | Index) else None
    if not isinstance(owner, Name) or owner.name != "attributes":
        return None
    if isinstance(node, Select):
        return node.field
    key = node.key if isinstance(node, Index) else None
    return key.value if isinstance(key, Literal) and isinstance(key.value, str) else None
