"""The three kinds of compiled expression, and the functions that compile them."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType
from typing import Any, Final

from alert_contracts.events import Event
from rule_language import analysis
from rule_language.checker import Checked, check
from rule_language.nodes import Name
from rule_language.operations import UndecidedError, is_number
from rule_language.parser import parse
from rule_language.schema import NUMERIC, WINDOW, Type, event_schema
from rule_language.truth import compile_test
from rule_language.values import Values

_BOOLEAN: Final = frozenset({Type.BOOL, Type.DYN})


@dataclass(frozen=True, slots=True)
class Inline:
    """A piece of a Python program that we built (no text of a user's is ever compiled)."""

    expression: ast.expr
    constants: Mapping[str, object]
    """What the names in it stand for: put them into the globals of the function."""


@dataclass(frozen=True, slots=True)
class Match:
    """Selects events."""

    source: str
    variables: frozenset[str]
    """The names that the expression reads."""
    equalities: Mapping[str, frozenset[str]]
    """Necessary: an event matches only if each of these fields has one of its texts.

    Fields are `service`, `level`, `host` and `tenant`; a field that is not here is free. An empty
    set means that nothing can match.
    """
    patterns: Mapping[str, str]
    """Necessary, too: an event matches only if each of these fields (`message`, `service`, ...) has
    a text in which RE2 finds the pattern. For a `PatternSet`; a field that is not here is free."""
    test: Callable[[Event], bool] = field(compare=False, repr=False)
    """Tell whether the event matches. Never raises: what cannot be decided does not match."""

    def inline(self, event: str = "event", *, prefix: str = "m") -> Inline:
        """Return the test as an expression, to become part of a greater generated function.

        It is truthy for exactly the events that match, and never raises. `event` is the name of
        the local variable that holds the event; every name that the expression brings along
        begins with `prefix`.
        """
        name = f"{prefix}_test"
        call = ast.Call(ast.Name(name, ast.Load()), [ast.Name(event, ast.Load())], [])
        return Inline(ast.fix_missing_locations(call), {name: self.test})


@dataclass(frozen=True, slots=True)
class Condition:
    """Judges a window."""

    source: str
    variables: frozenset[str]
    """The names that the expression reads, `threshold` and `minCount` among them."""
    monotonic: bool
    """True if it can only turn from false to true while `count`, `total`, `errors`, `sum` and
    `max` grow, so that a rule may fire as it is crossed. `sum` grows only where no value is
    negative, which the caller knows."""
    test: Callable[[Mapping[str, float]], bool] = field(compare=False, repr=False)
    """Tell whether the window's figures fulfil it. Never raises: a figure that is missing (or
    None) decides nothing."""


@dataclass(frozen=True, slots=True)
class Value:
    """Takes a number from an event."""

    source: str
    variables: frozenset[str]
    of: Callable[[Event], float | None] = field(compare=False, repr=False)
    """Return the number; None where the event has none, or one that is not finite."""


def compile_match(source: str, *, tenant: str = "default") -> Match:
    """Compile the `match` of a rule that belongs to a tenant.

    Raises:
        RuleLanguageError: the expression cannot be compiled; the error says where and why.
    """
    schema = event_schema(tenant)
    checked = check(parse(source), schema, expected=_BOOLEAN, purpose="match")
    return Match(
        source=source,
        variables=analysis.variables(checked.root),
        equalities=MappingProxyType(dict(analysis.equalities(checked.root))),
        patterns=MappingProxyType(analysis.patterns(checked.root)),
        test=compile_test(checked),
    )


def compile_condition(source: str) -> Condition:
    """Compile the `condition` of a rule.

    Raises:
        RuleLanguageError: the expression cannot be compiled; the error says where and why.
    """
    checked = check(parse(source), WINDOW, expected=_BOOLEAN, purpose="condition")
    return Condition(
        source=source,
        variables=analysis.variables(checked.root),
        monotonic=analysis.monotonic(checked.root),
        test=compile_test(checked),
    )


def compile_value(source: str, *, tenant: str = "default") -> Value:
    """Compile the `value` of a rule that belongs to a tenant.

    Raises:
        RuleLanguageError: the expression cannot be compiled; the error says where and why.
    """
    schema = event_schema(tenant)
    checked = check(parse(source), schema, expected=NUMERIC | {Type.DYN}, purpose="value")
    return Value(source, analysis.variables(checked.root), _number(checked))


def _number(checked: Checked) -> Callable[[Event], float | None]:
    root = checked.root
    if isinstance(root, Name) and checked.types[root] is Type.DOUBLE:
        return checked.schema.variables[root.name].read
    value = Values(checked).of(root)

    def of(event: Any) -> float | None:  # noqa: ANN401 - an event
        try:
            found = value(event)
            if is_number(found) and isfinite(found):
                return float(found)
        except (UndecidedError, OverflowError):
            return None
        return None

    return of
