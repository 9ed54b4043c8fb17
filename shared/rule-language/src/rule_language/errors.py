"""The one error that a rule's author sees: what is wrong, and where."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from alert_contracts.spelling import nearest

_CONTAINS: Final = 'expected, say, message.contains("refused")'
_MATCHES: Final = 'expected, say, message.matches("time(d )?out")'
_FOREIGN: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("=", "===", "is"), "expected '=='"),
        **dict.fromkeys(("<>", "!=="), "expected '!='"),
        **dict.fromkeys(("=>", ">=="), "expected '>='"),
        **dict.fromkeys(("=<", "<=="), "expected '<='"),
        **dict.fromkeys(("&", "and"), "expected '&&'"),
        **dict.fromkeys(("|", "or"), "expected '||'"),
        "not": "expected '!', as in !(level in [\"DEBUG\"])",
        **dict.fromkeys(("~", "=~", "!~", "matches"), _MATCHES),
        **dict.fromkeys(("like", "contains"), _CONTAINS),
    }
)
"""What people write who know other languages."""
_SIGN_OR_WORD: Final = re.compile(r"[=<>!~&|]+|\w+")
_NOT_BEFORE: Final = re.compile(r"\bnot\s+$", re.IGNORECASE)


class Position(NamedTuple):
    """A place in the source; both count from 1."""

    line: int
    column: int


class Placed(Protocol):
    """What has a place in the source: a node of the tree, or a bare position."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class RuleLanguageError(ValueError):
    """An expression that cannot be compiled.

    `str(error)` is the whole sentence, position included; `line` and `column` count characters
    from 1.
    """

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def refusal(where: Placed, what: str, *, hint: str = "") -> RuleLanguageError:
    """Return the error `what at line L, column C: hint`."""
    tail = f": {hint}" if hint else ""
    sentence = f"{what} at line {where.line}, column {where.column}{tail}"
    return RuleLanguageError(sentence, where.line, where.column)


def suggestion(name: str, known: Iterable[str], *, owner: str = "") -> str:
    """Return `did you mean 'x'?` for the known name nearest to `name`, or what is known.

    `owner` stands before each name: `previous.`.
    """
    if name.lower() in _FOREIGN:
        return _FOREIGN[name.lower()]
    names = sorted(known)
    meant = nearest(name, names)
    if meant:
        return f"did you mean '{owner}{meant}'?"
    return f"known are {', '.join(f'{owner}{each}' for each in names)}"


def translation(source: str, offset: int) -> str:
    """Return what is written instead of the word or sign at a place; empty if that is unknown."""
    if _NOT_BEFORE.search(source, 0, offset):
        return _FOREIGN["not"]
    there = (each for each in _SIGN_OR_WORD.finditer(source) if each.start() <= offset < each.end())
    return next((_FOREIGN.get(each[0].lower(), "") for each in there), "")
