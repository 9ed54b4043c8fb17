"""The functions of the language: what they take, and what they return."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rule_language.errors import refusal, suggestion
from rule_language.macros import MACROS
from rule_language.nodes import Call, Literal, Node
from rule_language.patterns import check_pattern
from rule_language.results import Nothing
from rule_language.schema import NUMERIC, Type
from rule_language.times import GETTERS, duration_of, timestamp_of, zone_of


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes (a method's target first) and returns."""

    parameters: tuple[frozenset[Type], ...]
    result: Type
    usage: str
    method: bool = True
    plain: bool = False
    """How it may be written: `target.function()`, or `function(target)`."""
    required: int = 0
    """Parameters that must be given; 0 for all."""

    def takes(self, types: Sequence[Type], *, as_method: bool) -> bool:
        return (
            (self.method if as_method else self.plain)
            and (self.required or len(self.parameters)) <= len(types) <= len(self.parameters)
            and all(
                found in allowed for found, allowed in zip(types, self.parameters, strict=False)
            )
        )


_TEXT: Final = frozenset({Type.STRING, Type.DYN})
_WORD: Final = frozenset({Type.STRING})
_SIZED: Final = frozenset({Type.STRING, Type.LIST, Type.MAP, Type.DYN})
_TEMPORAL: Final = frozenset({Type.TIMESTAMP, Type.DURATION, Type.DYN})
_NUMBER: Final = NUMERIC | _TEXT
_WRITTEN: Final = frozenset(set(Type) - {Type.NULL, Type.LIST, Type.MAP})


def _conversion(taken: frozenset[Type], result: Type, usage: str) -> Signature:
    return Signature((taken,), result, usage, method=False, plain=True)


def _of_text(result: Type, usage: str, *more: frozenset[Type]) -> Signature:
    return Signature((_TEXT, *more), result, usage)


SIGNATURES: Final[Mapping[str, Signature]] = {
    "startsWith": _of_text(Type.BOOL, 'service.startsWith("pay")', _TEXT),
    "endsWith": _of_text(Type.BOOL, 'host.endsWith(".eu")', _TEXT),
    "contains": _of_text(Type.BOOL, 'message.contains("refused")', _TEXT),
    "matches": Signature((_TEXT, _WORD), Type.BOOL, 'message.matches("time(d )?out")', plain=True),
    "size": Signature((_SIZED,), Type.INT, "size(message)", plain=True),
    "lowerAscii": _of_text(Type.STRING, "message.lowerAscii()"),
    "upperAscii": _of_text(Type.STRING, "message.upperAscii()"),
    "trim": _of_text(Type.STRING, "message.trim()"),
    "split": _of_text(Type.LIST, 'message.split(" ")', _TEXT),
    "int": _conversion(_NUMBER | {Type.TIMESTAMP}, Type.INT, "int(attributes.retries)"),
    "uint": _conversion(_NUMBER, Type.UINT, "uint(attributes.retries)"),
    "double": _conversion(_NUMBER, Type.DOUBLE, "double(attributes.seconds)"),
    "string": _conversion(_WRITTEN, Type.STRING, "string(statusCode)"),
    "bool": _conversion(_TEXT | {Type.BOOL}, Type.BOOL, "bool(attributes.cached)"),
    "dyn": _conversion(frozenset(Type), Type.DYN, "dyn(statusCode)"),
    "timestamp": _conversion(
        _TEXT | {Type.TIMESTAMP, Type.INT}, Type.TIMESTAMP, 'timestamp("2026-01-31T10:00:00Z")'
    ),
    "duration": _conversion(_TEXT | {Type.DURATION}, Type.DURATION, 'duration("5m")'),
    **{
        name: Signature(
            (_TEMPORAL, _WORD), Type.INT, f'timestamp.{name}("Europe/Berlin")', required=1
        )
        for name in GETTERS
    },
}


def check_call(node: Call, types: Sequence[Type]) -> Type:
    """Return the type of a call whose arguments (a method's target first) have these types.

    Raises:
        RuleLanguageError: no such function, wrong arguments, or a literal argument that the
            function cannot take (a pattern that RE2 refuses, a malformed time).
    """
    signature = SIGNATURES.get(node.function)
    if signature is None:
        what = f"unknown function '{node.function}'"
        raise refusal(node, what, hint=suggestion(node.function, {*SIGNATURES, *MACROS}))
    if not signature.takes(types, as_method=node.is_method):
        what = f"{node.function}() does not take {_described(node, types)}"
        raise refusal(node, what, hint=f"expected, say, {signature.usage}")
    if node.function in _READINGS:
        _check_reading(node)
    if node.function == "matches":
        check_pattern(node.arguments[1], literal(node.arguments[1], "the pattern of matches()"))
    if node.function in GETTERS and len(types) > 1:
        _check_zone(node.arguments[1])
    return signature.result


def _described(node: Call, types: Sequence[Type]) -> str:
    target = f" on {types[0]}" if node.is_method else ""
    arguments = types[1:] if node.is_method else types
    return f"({', '.join(arguments)}){target}"


_READINGS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "timestamp": ("time with an offset", timestamp_of),
    "duration": ("duration", duration_of),
}


def _check_reading(node: Call) -> None:
    """Judge the text of a time or a duration, where it is known."""
    kind, read = _READINGS[node.function]
    (argument,) = node.arguments
    if not isinstance(argument, Literal) or not isinstance(argument.value, str):
        return
    if isinstance(read(argument.value), Nothing):
        hint = f"expected, say, {SIGNATURES[node.function].usage}"
        raise refusal(argument, f"'{argument.value}' is no {kind}", hint=hint)


def _check_zone(node: Node) -> None:
    name = literal(node, "the time zone")
    if zone_of(name) is None:
        hint = "expected, say, 'Europe/Berlin' or '+01:00'"
        raise refusal(node, f"unknown time zone '{name}'", hint=hint)


def literal(node: Node, what: str) -> str:
    """Return the text of a literal.

    Raises:
        RuleLanguageError: the node is no string literal.
    """
    if isinstance(node, Literal) and isinstance(node.value, str):
        return node.value
    raise refusal(node, f"{what} must be a literal", hint="expected a string")
