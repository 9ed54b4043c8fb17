"""The one error that a rule's author sees: what is wrong, and where."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from alert_contracts.spelling import nearest


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
    names = sorted(known)
    meant = nearest(name, names)
    if meant:
        return f"did you mean '{owner}{meant}'?"
    return f"known are {', '.join(f'{owner}{each}' for each in names)}"
