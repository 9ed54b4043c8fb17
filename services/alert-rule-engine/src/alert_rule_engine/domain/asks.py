"""What matches ask of an event whose service and level are those that they demand.

Rules are often written once for each service. Such rules ask the same of the events of theirs, so
they share one question, its generated code, and one look at an event.

Code is built from syntax trees of our own and of the rule language: no text of a user is ever
compiled as Python.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, cast

from alert_contracts.events import Event
from rule_language import Match, code

PLACED: Final = frozenset({"service", "level"})
"""Fields by whose equalities specs are indexed."""
_REMEMBERED: Final = 4_096
"""Generated functions that are kept: a change costs what it changes."""
_NAME: Final = "sift"
Sift = Callable[..., None]
"""Takes events, and for each question the function that takes an event which fulfils it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question; two are equal if they are the same question."""

    text: str
    tenant: str
    match: Match = field(compare=False, repr=False)
    """One of those that ask it."""


def ask_of(match: Match, tenant: str) -> Ask:
    """Return what a match asks beyond service and level."""
    return Ask(match.rest(PLACED), tenant, match)


@lru_cache(_REMEMBERED)
def test_of(ask: Ask) -> Callable[[Event], bool]:
    """Return the test of an event that has one of the services, and levels, that are demanded."""
    inline = ask.match.inline("event", given=PLACED)
    made = code.built(code.function(["event"], inline.expression), inline.constants)
    return cast("Callable[[Event], bool]", made)


@lru_cache(_REMEMBERED)
def sift_of(asks: tuple[Ask, ...]) -> Sift:
    """Return `def sift(events, h0, h1, ...)`: for each event, call `hN` if ask N is fulfilled."""
    names: dict[str, Any] = {}
    tests: list[ast.stmt] = []
    takers = [f"h{number}" for number in range(len(asks))]
    for number, ask in enumerate(asks):
        inline = ask.match.inline("event", prefix=f"m{number}_", given=PLACED)
        names.update(inline.constants)
        call = ast.Call(_load(takers[number]), [_load("event")], [])
        tests.append(ast.If(inline.expression, [ast.Expr(call)], []))
    loop = ast.For(ast.Name("event", ast.Store()), _load("events"), tests, [])
    arguments = ast.arguments(
        [], [ast.arg("events"), *map(ast.arg, takers)], None, [], [], None, []
    )
    body = ast.FunctionDef(_NAME, arguments, [loop], [], None, None)
    module = ast.fix_missing_locations(ast.Module([body], []))
    exec(compile(module, "<rules>", "exec"), names)  # noqa: S102 - of trees that we built
    return cast("Sift", names[_NAME])


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())
