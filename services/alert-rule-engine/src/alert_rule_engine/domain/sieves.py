"""Which of many events match which of some specs, where only a look at each event tells.

Specs are tried in chunks, and a chunk that stays the same while other rules change is not built
again. Most are put into one generated function, which walks over the events once; it is built from
syntax trees of our own and of the rule language, so that no text of a user is ever compiled as
Python. Those that search the message for a pattern are found by one look for all the patterns.
"""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, Protocol, cast
from zlib import crc32

from alert_contracts.events import Event
from alert_rule_engine.domain.evaluators import SpecEvaluator
from alert_rule_engine.domain.specs import match_of
from alert_rule_engine.domain.tallies import Tallies
from rule_language import PatternSet

CHUNK: Final = 64
PATTERNS: Final = 2_048
"""One look takes as long for so many patterns as for one."""
MANY: Final = 32
"""Specs that search for a part of a text; fewer are tried faster one by one."""
_REMEMBERED: Final = 1_024
"""Generated functions, and sets of patterns, that are kept: a change costs what it changes."""
_NAME: Final = "sift"
_SEARCH: Final = ".matches("
_SEARCHED: Final = "message"
Sift = Callable[..., None]
"""Takes events, and for each match the function that takes an event which fulfils it."""


class Sieve(Protocol):
    """Some specs, tried together."""

    def collect(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Let each spec count the events that it matches."""
        ...


class CodeSieve:
    """Tries specs in one generated function."""

    def __init__(self, evaluators: Sequence[SpecEvaluator]) -> None:
        self._evaluators = evaluators
        specs = [each.spec for each in evaluators]
        self._sift = _generated(tuple((spec.match, spec.tenant) for spec in specs))

    def collect(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Let each spec count the events that it matches."""
        hits: list[list[Event]] = [[] for _ in self._evaluators]
        self._sift(events, *[found.append for found in hits])
        for each, found in zip(self._evaluators, hits, strict=True):
            if found:
                each.collect(found, tallies)


class PatternSieve:
    """Tries specs only on events in whose message there is the pattern that they search for."""

    def __init__(self, evaluators: Sequence[SpecEvaluator]) -> None:
        patterns = [each.match.patterns[_SEARCHED] for each in evaluators]
        self._patterns, indices = _pattern_set(tuple(patterns))
        self._searching: dict[int, list[SpecEvaluator]] = defaultdict(list)
        for index, each in zip(indices, evaluators, strict=True):
            self._searching[index].append(each)

    def collect(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Let each spec count the events that it matches."""
        hits: dict[SpecEvaluator, list[Event]] = defaultdict(list)
        match = self._patterns.match
        for event in events:
            for index in match(event.message):
                for each in self._searching[index]:
                    if each.match.test(event):
                        hits[each].append(event)
        for each, found in hits.items():
            each.collect(found, tallies)


def sieves_of(evaluators: Sequence[SpecEvaluator]) -> list[Sieve]:
    """Return the sieves of some specs."""
    searching = [each for each in evaluators if _SEARCHED in each.match.patterns]
    if len(searching) < MANY:
        searching = [each for each in searching if _SEARCH in each.spec.match]
    found = set(searching)
    plain = [each for each in evaluators if each not in found]
    codes = [CodeSieve(chunk) for chunk in _chunks(plain, CHUNK)]
    return [*codes, *(PatternSieve(chunk) for chunk in _chunks(searching, PATTERNS))]


def _chunks(evaluators: Sequence[SpecEvaluator], size: int) -> Iterable[list[SpecEvaluator]]:
    """Part specs by hash, so that one more, or one less, changes one chunk."""
    number = 1 << max(0, (2 * len(evaluators) // size).bit_length() - 1)
    chunks: dict[int, list[SpecEvaluator]] = defaultdict(list)
    for each in sorted(evaluators, key=lambda each: each.spec.id):
        chunks[crc32(each.spec.id.encode()) % number].append(each)
    return chunks.values()


@lru_cache(_REMEMBERED)
def _pattern_set(patterns: tuple[str, ...]) -> tuple[PatternSet, list[int]]:
    """Return a set of patterns, and the index of each."""
    found = PatternSet()
    indices = [found.add(pattern) for pattern in patterns]
    found.compile()
    return found, indices


@lru_cache(_REMEMBERED)
def _generated(matches: tuple[tuple[str, str], ...]) -> Sift:
    """Return `def sift(events, h0, h1, ...)`: for each event, call `hN` if match N holds.

    `matches`: text and tenant of each.
    """
    names: dict[str, Any] = {}
    tests: list[ast.stmt] = []
    takers = [f"h{number}" for number in range(len(matches))]
    for number, (text, tenant) in enumerate(matches):
        inline = match_of(text, tenant).inline("event", prefix=f"m{number}_")
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
