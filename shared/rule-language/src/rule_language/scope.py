"""What a generated function is made with: its names, its constants, and its way to say why not."""

import ast
from typing import Any, Final, NamedTuple

from rule_language import code
from rule_language.checker import Checked
from rule_language.loops import Budget
from rule_language.nodes import Node
from rule_language.results import ABSENT, UNDECIDED

NOTES: Final = "notes"
"""The parameter that takes the reasons, in a function that explains itself."""


_SILENT: Final = frozenset({ABSENT.reason, UNDECIDED.reason})


class Code(NamedTuple):
    """A value as Python code: it may be asked for only where all guards, in order, hold."""

    guards: list[ast.expr]
    result: ast.expr

    def otherwise(self, fallback: ast.expr) -> ast.expr:
        """Return the result as one expression, or the fallback where a guard fails."""
        return code.choose(code.both(self.guards), self.result, fallback)


class Note(NamedTuple):
    """Why a figure could not be had, and where in the source."""

    reason: str
    line: int
    column: int


def note(notes: list[Note], reason: str, line: int, column: int) -> None:
    """Note a mistake. What is merely absent is none, and what is in a macro notes itself."""
    if reason not in _SILENT:
        notes.append(Note(reason, line, column))


def settle(notes: list[Note], before: int, answer: bool | None) -> bool | None:  # noqa: FBT001 - an answer
    """Forget the mistakes that an answer did not depend on."""
    if answer is not None:
        del notes[before:]
    return answer


class Scope:
    """The names of one generated expression.

    Every name that it makes begins with its prefix, or with `rl_` for what all expressions share.
    """

    def __init__(
        self,
        checked: Checked,
        subject: str,
        prefix: str = "v",
        budget: Budget | None = None,
        *,
        explain: bool = False,
    ) -> None:
        self.types = checked.types
        self.fields = checked.fields
        self.schema = checked.schema
        self.locals = checked.locals
        self.looking = checked.looking
        self._metered = checked.metered
        self.constants: dict[str, object] = {}
        self.explain = explain
        self.subject = subject
        self.elements: list[str] = []
        """The variables of the macros that we are in."""
        self._prefix = prefix
        self._count = 0
        self._budget = budget or Budget()

    def fresh(self) -> str:
        self._count += 1
        return f"{self._prefix}{self._count}"

    def element(self, node: Node) -> str:
        """Return the variable that holds the element of a macro."""
        return f"{self._prefix}{self.locals[node]}"

    def bind(self, value: ast.expr) -> tuple[ast.expr, ast.expr]:
        """Return the code for the first use of a value, which names it, and for all others."""
        if isinstance(value, ast.Name | ast.Constant):
            return value, value
        name = self.fresh()
        return code.assign(name, value), code.name(name)

    def shared(self, value: Any, name: str) -> ast.expr:  # noqa: ANN401 - what a name stands for
        """Return the name of something that is the same for all expressions."""
        self.constants[f"rl_{name}"] = value
        return code.name(f"rl_{name}")

    @property
    def budget(self) -> ast.expr:
        """The name of what counts the steps."""
        name = f"{self._prefix}0c"
        self.constants[name] = self._budget
        return code.name(name)

    def renewed(self, expression: ast.expr, otherwise: ast.expr = code.FALSE) -> ast.expr:
        """Return the whole expression, with a budget of its own each time if it needs one.

        `otherwise`: what it comes to where no steps are left.
        """
        if not self._metered:
            return expression
        return code.choose(code.method(self.budget, "renew"), expression, otherwise)

    def held(self, value: object) -> ast.expr:
        """Return the name of a constant of this expression alone."""
        name = f"{self.fresh()}c"
        self.constants[name] = value
        return code.name(name)

    def call(self, function: Any, *arguments: ast.expr) -> ast.expr:  # noqa: ANN401 - a helper
        return code.call(self.shared(function, function.__name__), *arguments)

    @property
    def absent(self) -> ast.expr:
        return self.shared(ABSENT, "ABSENT")

    def guard(self, test: ast.expr, node: Node, reason: ast.expr) -> ast.expr:
        """Return a test that notes the reason where it fails, if reasons are asked for."""
        if not self.explain:
            return test
        place = (code.constant(node.line), code.constant(node.column))
        return code.either([test, self.call(note, code.name(NOTES), reason, *place)])
