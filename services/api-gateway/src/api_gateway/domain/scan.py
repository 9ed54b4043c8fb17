"""Finds its way through JSON that no decoder takes, so that neighbours of a bad event are kept.

It never recurses, so depth is no danger to it, and it gives up over `MAX_TOKENS` and `MAX_SCANNED`.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from api_gateway.domain.bounds import MAX_DEPTH
from api_gateway.domain.refusals import FieldError
from api_gateway.domain.values import check_value

MAX_TOKENS: Final = 1_000_000
MAX_SCANNED: Final = 8 * 1_048_576
"""Bytes; one text of escapes is one step, which nobody can interrupt."""
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]+|[\]}]+|,', re.DOTALL)
_OPENING: Final = b"[{"
_ARRAY: Final = re.compile(rb"\s*\[")
_MARKS: Final = b",{[\n"
_STRETCH: Final = 65_536
_EVENT_DEPTH: Final = MAX_DEPTH + 1
_MEMBER: Final = re.compile(rb'\s*"((?:[^"\\]++|\\.)*+)"\s*:', re.DOTALL)


class TooTangledError(ValueError):
    """The text is no JSON array, or has more tokens than we are willing to follow."""


def elements(body: bytes) -> list[bytes]:
    """Return the texts between the commas of an array, good or bad.

    What follows the array's end, or a bracket that closes nothing, is a text of its own.

    Raises:
        TooTangledError: it does not begin as an array, or is too long a tangle.
    """
    opening = _ARRAY.match(body)
    if opening is None:
        msg = "is no JSON array"
        raise TooTangledError(msg)
    if len(body) > MAX_SCANNED:
        msg = f"is malformed, and too long to look for what is not (over {MAX_SCANNED} bytes)"
        raise TooTangledError(msg)
    start = opening.end()
    found: list[bytes] = []
    for position, end in _separators(body, start):
        found.append(body[start:position])
        start = end
    found.append(body[start:])
    return [text for text in (text.strip() for text in found) if text]


def _separators(body: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Yield where the array's own commas, and the bracket that ends it, begin and end."""
    depth = 0
    for count, token in enumerate(_TOKEN.finditer(body, start)):
        if count > MAX_TOKENS:
            msg = f"is malformed, and too long to look for what is not (over {MAX_TOKENS} tokens)"
            raise TooTangledError(msg)
        text = token.group()
        if text[0] in _OPENING:
            depth += len(text)
        elif text[:1] == b",":
            if depth == 0:
                yield token.span()
        elif text[:1] != b'"':
            if len(text) > depth:
                # One of these brackets ends the array; what is left of them closes nothing.
                end = token.start() + depth
                yield end, end + 1
            depth = max(0, depth - len(text))


def explain(text: bytes) -> FieldError:
    """Return why no decoder took this event, naming the field where one can be told."""
    deep = _too_deep(text)
    if deep is not None:
        return deep
    try:
        # Python's own decoder takes more than JSON: NaN, control characters, bad UTF-8. What
        # it took and JSON does not have is then found in the value.
        document = json.loads(text.decode("utf-8", "surrogateescape"), strict=False)
        check_value(document, "", -1)
    except FieldError as exc:
        return exc
    except ValueError as exc:
        return FieldError("", f"is malformed JSON: {_position(exc)}")
    return FieldError("", "is malformed JSON: control characters in a text must be escaped")


def _position(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (character {error.pos})"
    return "a number has too many digits"


def _too_deep(text: bytes) -> FieldError | None:
    """Return the refusal of an event that is nested too deeply, naming its top-level member."""
    depth = 0
    member = b""
    for token in _TOKEN.finditer(text):
        piece = token.group()
        if depth == 1 and piece[:1] in b'",' and piece != b",":
            named = _MEMBER.match(text, token.start())
            member = named.group(1) if named else member
        elif piece[:1] in (b"[", b"{"):
            depth += len(piece)
        elif piece[:1] in (b"]", b"}"):
            depth -= len(piece)
        if depth > _EVENT_DEPTH:
            pointer = "/" + member.decode("utf-8", "replace") if member else ""
            return FieldError(pointer, f"is nested more than {MAX_DEPTH} deep")
    return None


def holds_more_values(body: bytes, limit: int) -> bool:
    """Tell, quickly, whether a body may hold more than `limit` JSON values.

    It counts what parts values, in texts too, and stops once the rest cannot matter.
    """
    parts = 0
    for start in range(0, len(body), _STRETCH):
        if parts + len(body) - start <= limit:
            break
        stretch = body[start : start + _STRETCH]
        parts += len(stretch) - len(stretch.translate(None, _MARKS))
    return parts > limit
