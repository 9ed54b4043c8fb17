"""The functions of the language: their signatures, and the patterns that they take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import re2

from rule_language.errors import nearest, refusal
from rule_language.nodes import Call, Literal, Node
from rule_language.schema import Timestamp, Type

MAX_PATTERN: Final = 1_000
"""Characters of one regular expression."""
MAX_PROGRAM: Final = 2_000
"""RE2 instructions of one compiled pattern; with it, matching can never run out of memory."""
_MAX_MEMORY: Final = 1 << 20
"""Bytes that RE2 may spend on one pattern, its lazily built automaton included."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes and returns; `forms` tells how it may be written."""

    parameters: tuple[frozenset[Type], ...]
    result: Type
    usage: str
    method: bool = True
    plain: bool = False


_TEXT: Final = frozenset({Type.STRING, Type.DYN})
_SIZED: Final = frozenset({Type.STRING, Type.LIST, Type.MAP, Type.DYN})
_TEXT_TEST: Final = (_TEXT, _TEXT)

SIGNATURES: Final = {
    "startsWith": Signature(_TEXT_TEST, Type.BOOL, 'service.startsWith("pay")'),
    "endsWith": Signature(_TEXT_TEST, Type.BOOL, 'host.endsWith(".eu")'),
    "contains": Signature(_TEXT_TEST, Type.BOOL, 'message.contains("refused")'),
    "matches": Signature(
        (_TEXT, frozenset({Type.STRING})), Type.BOOL, 'message.matches("time(d )?out")', plain=True
    ),
    "size": Signature((_SIZED,), Type.INT, "size(message)", plain=True),
    "timestamp": Signature(
        (frozenset({Type.STRING}),),
        Type.TIMESTAMP,
        'timestamp("2026-01-31T10:00:00Z")',
        method=False,
        plain=True,
    ),
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
        hint = nearest(node.function, {*SIGNATURES, "has"})
        raise refusal(node, what, hint=hint)
    fits = (
        (signature.method if node.is_method else signature.plain)
        and len(types) == len(signature.parameters)
        and all(
            found in allowed for found, allowed in zip(types, signature.parameters, strict=True)
        )
    )
    if not fits:
        what = f"{node.function}() does not take {_described(node, types)}"
        raise refusal(node, what, hint=f"expected, say, {signature.usage}")
    if node.function == "matches":
        searcher(node.arguments[1])
    if node.function == "timestamp":
        parse_time(node.arguments[0])
    return signature.result


def _described(node: Call, types: Sequence[Type]) -> str:
    target = f" on {types[0]}" if node.is_method else ""
    arguments = types[1:] if node.is_method else types
    return f"({', '.join(arguments)}){target}"


def searcher(node: Node) -> Callable[[str], bool]:
    """Return a test of whether the literal pattern is found anywhere in a text.

    Raises:
        RuleLanguageError: it is no literal, RE2 refuses it, or it is too large.
    """
    pattern = _literal(node, "the pattern of matches()")
    if len(pattern) > MAX_PATTERN:
        what = f"the pattern has {len(pattern)} characters, more than {MAX_PATTERN},"
        raise refusal(node, what)
    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    options.never_capture = True
    try:
        size = re2.compile(pattern, options).programsize
    except re2.error as error:
        reason = error.args[0].decode(errors="replace")
        raise refusal(node, "RE2 refuses the pattern", hint=reason) from None
    if size > MAX_PROGRAM:
        what = f"the pattern needs {size} RE2 instructions, more than {MAX_PROGRAM},"
        raise refusal(node, what)
    if pattern.replace(" ", "").isalnum():
        return lambda text: pattern in text
    return _search(pattern, options)


def _search(pattern: str, options: Any) -> Callable[[str], bool]:  # noqa: ANN401 - untyped re2
    """Use a set of one: RE2's cheapest form of a yes or no, which looks for no positions."""
    patterns = re2.Set.SearchSet(options)
    patterns.Add(pattern)
    patterns.Compile()
    find = patterns.Match

    def test(text: str) -> bool:
        try:
            return find(text) is not None
        except UnicodeEncodeError:  # half a surrogate pair is in no text that matches
            return False

    return test


def parse_time(node: Node) -> Timestamp:
    """Return the time that an RFC 3339 literal names, in epoch milliseconds.

    Raises:
        RuleLanguageError: it is no literal, or no such time with an offset.
    """
    text = _literal(node, "the argument of timestamp()")
    try:
        moment = datetime.fromisoformat(text)
        return Timestamp((moment - _EPOCH) // timedelta(milliseconds=1))
    except (ValueError, TypeError, OverflowError):
        what = f"'{text}' is no time with an offset"
        usage = SIGNATURES["timestamp"].usage
        raise refusal(node, what, hint=f"expected, say, {usage}") from None


def _literal(node: Node, what: str) -> str:
    if isinstance(node, Literal) and isinstance(node.value, str):
        return node.value
    raise refusal(node, f"{what} must be a literal", hint="expected a string")
