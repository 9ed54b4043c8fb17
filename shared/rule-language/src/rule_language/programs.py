"""The kinds of compiled expression.

Its Python function is generated when it is first asked for: who only checks a rule never pays for
it.
"""

import ast
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isfinite
from typing import Any, ClassVar, Final

from alert_contracts.events import Event
from rule_language import analysis, code
from rule_language.checker import Checked
from rule_language.conversions import scalar_text
from rule_language.costs import cost_of
from rule_language.emitter import Absence
from rule_language.loops import Budget
from rule_language.movement import Moves, moves
from rule_language.nodes import canonical, walk
from rule_language.schema import PREVIOUS, Type
from rule_language.scope import NOTES, Note
from rule_language.truth import Program

_SUBJECT: Final = "subject"


@dataclass(frozen=True, slots=True)
class Inline:
    """A piece of a Python program that we built (no text of a user's is ever compiled)."""

    expression: ast.expr
    constants: Mapping[str, object]
    """What the names in it stand for: put them into the globals of the function."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """A condition that has no answer because of a mistake, such as a division by zero."""

    reason: str

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True)
class _Compiled:
    source: str
    variables: frozenset[str]
    """The names that the expression reads."""
    checked: Checked = field(compare=False, repr=False)

    @cached_property
    def budget(self) -> Budget | None:
        """The steps that it may take; None if it has no macros, and looks through no lists."""
        return Budget(cost_of(self.checked.root)) if self.checked.metered else None


@dataclass(frozen=True)
class Match(_Compiled):
    """Selects events."""

    equalities: Mapping[str, frozenset[str]]
    """Necessary: an event matches only if each of these fields has one of its texts.

    Fields are `service`, `level`, `host` and `tenant`; a field that is not here is free. An empty
    set means that nothing can match.
    """
    patterns: Mapping[str, str]
    """Necessary, too: an event matches only if each of these fields (`message`, `service`, ...) has
    a text in which RE2 finds the pattern. For a `PatternSet`; a field that is not here is free."""

    @cached_property
    def test(self) -> Callable[[Event], bool]:
        """Tell whether the event matches. Never raises: what cannot be decided does not match."""
        made = self.inline(_SUBJECT)
        function: Callable[[Event], bool] = code.built(
            code.function([_SUBJECT], made.expression), made.constants
        )
        return function

    def rest(self, given: frozenset[str]) -> str:
        """Return a text for what it asks of events of which the `equalities` of some fields hold.

        Two matches of one tenant with the same text ask the same. It is made once.
        """
        if given not in self._rests:
            parts = map(canonical, analysis.rest(self.checked, given))
            # Steps are counted apart.
            self._rests[given] = self.source if self.checked.metered else "&".join(parts)
        return self._rests[given]

    @cached_property
    def _rests(self) -> dict[frozenset[str], str]:
        return {}

    def inline(
        self, event: str = "event", *, prefix: str = "m", given: frozenset[str] = frozenset()
    ) -> Inline:
        """Return the test as an expression, to become part of a greater generated function.

        Of the fields `given`, the equalities are known to hold, and are not asked again.

        It is truthy for exactly the events that match, and never raises. `event` is the name of
        the local variable that holds the event. Of the names that the expression brings along,
        those that begin with `prefix` are its own, and those that begin with `rl_` are the same
        for all.
        """
        program = Program(self.checked, event, prefix, self.budget)
        test = program.all_surely(analysis.rest(self.checked, given))
        return Inline(program.renewed(test), program.constants)


@dataclass(frozen=True)
class Condition(_Compiled):
    """Judges a window. Names of the window before have a dot: `previous.count`."""

    def moves(self, never_negative: AbstractSet[str] = frozenset()) -> Moves:
        """Tell whether it can turn true, and false again, while the window fills.

        `never_negative`: of `sum`, `min`, `max`, `threshold` and so on those that are known to be
        so; a `sum` that may be negative goes both ways.
        """
        return moves(self.checked, never_negative)

    @property
    def compares(self) -> bool:
        """Tell whether it reads the window before."""
        return any(name.startswith(PREVIOUS) for name in self.variables)

    @property
    def parts(self) -> Iterator["Condition"]:
        """The conditions that must all hold for it to be true."""
        for part in analysis.conjuncts(self.checked.root):
            read = [self.checked.fields.get(node) for node in walk(part)]
            names = frozenset(name for name in read if name is not None)
            yield Condition(self.source, names, replace(self.checked, root=part))

    @cached_property
    def test(self) -> Callable[[Mapping[str, float]], bool]:
        """Tell whether the window's figures fulfil it. Never raises.

        Figures have flat names (`count`, `previous.count`); one that is missing (or None) decides
        nothing.
        """
        program = Program(self.checked, _SUBJECT, budget=self.budget)
        tree = program.renewed(program.surely(self.checked.root, wanted=True))
        function: Callable[[Mapping[str, float]], bool] = code.built(
            code.function([_SUBJECT], tree), program.constants
        )
        return function

    def judge(self, figures: Mapping[str, float]) -> bool | Undecided:
        """Tell whether the figures fulfil it, or why that cannot be told.

        A figure that is absent is no mistake: the condition is not true of it.
        """
        notes: list[Note] = []
        answer = self._answer(figures, notes)
        if answer is None and notes:
            first = notes[0]
            return Undecided(f"{first.reason} at line {first.line}, column {first.column}")
        return bool(answer)

    @cached_property
    def _answer(self) -> Callable[[Mapping[str, float], list[Note]], bool | None]:
        program = Program(self.checked, _SUBJECT, budget=self.budget, explain=True)
        tree = program.renewed(program.answer(self.checked.root))
        function: Callable[[Mapping[str, float], list[Note]], bool | None] = code.built(
            code.function([_SUBJECT, NOTES], tree), program.constants
        )
        return function


@dataclass(frozen=True)
class _Taken(_Compiled):
    """Takes something from an event; None where the event has no such thing."""

    kind: ClassVar[Type | None]
    """The type that it must have at run time; None for any."""
    ready: ClassVar[Type]
    """The static type of a field that is taken as it is."""

    @staticmethod
    @abstractmethod
    def finish(found: Any) -> Any:  # noqa: ANN401 - any value of an event
        """Return what was found in the form that is promised."""

    def _function(self) -> Callable[[Event], Any]:
        program, root = Program(self.checked, _SUBJECT, budget=self.budget), self.checked.root
        term = program.term(root)
        tree = term.result
        is_field = root in self.checked.fields and self.checked.types[root] is self.ready
        if not is_field or term.absence not in (Absence.NONE, Absence.NEVER):
            wanted = program.present(root) if self.kind is None else program.typed(root, self.kind)
            finished = wanted._replace(result=program.call(self.finish, wanted.result))
            tree = program.renewed(finished.otherwise(code.NONE), otherwise=code.NONE)
        function: Callable[[Event], Any] = code.built(
            code.function([_SUBJECT], tree), program.constants
        )
        return function


@dataclass(frozen=True)
class Value(_Taken):
    """Takes a number from an event."""

    kind = Type.DOUBLE
    ready = Type.DOUBLE

    @staticmethod
    def finish(found: Any) -> float | None:  # noqa: ANN401 - a number
        try:
            number = float(found)
        except OverflowError:
            return None
        return number if isfinite(number) else None

    @cached_property
    def of(self) -> Callable[[Event], float | None]:
        """Return the number; None where the event has none, or one that is not finite."""
        return self._function()


@dataclass(frozen=True)
class Scalar(_Taken):
    """Takes a scalar from an event, as a text: what distinct values and changes are told by."""

    kind = None
    ready = Type.STRING

    @staticmethod
    def finish(found: Any) -> str | None:  # noqa: ANN401 - any value of an event
        return scalar_text(found)

    @cached_property
    def of(self) -> Callable[[Event], str | None]:
        """Return the text of the scalar; None where the event has none, or a list, map or null.

        Equal numbers have one text, `5` for 5 and 5.0; it is `true` and `false` for bools.
        """
        return self._function()
