"""Regular expressions: RE2 only, bounded, and many of them in one pass over a text."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import re2

from rule_language.automata import fits
from rule_language.errors import refusal
from rule_language.nodes import Node

MAX_PATTERN: Final = 1_000
"""Characters of one regular expression."""
MAX_PROGRAM: Final = 2_000
"""RE2 instructions of one compiled pattern; with it, matching can never run out of memory."""
_MEMORY: Final = 1 << 20
"""Bytes that RE2 may spend on one pattern, its lazily built automaton included."""
MAX_AUTOMATON: Final = _MEMORY // 2
"""Bytes, as we reckon them, that this automaton may need at most."""
_SMALL: Final = 16
"""Instructions of a program that has room for its automaton, whatever it is."""
WORDS: Final = re.compile(r"(?:\.\*\??)*([\w ]{1,99}?)(?:\.\*\??)*")
"""Words that may stand anywhere in a text, which Python finds faster."""
_PLAIN: Final = re.compile(r"(?:[^\\.+*?()\[\]{}]|\\[^\w])*", re.ASCII)
"""Texts side by side, whose automaton is as small as they are."""
MAX_GROUPS: Final = 64
"""Opening brackets of a pattern."""
MAX_SET: Final = 10_000
"""Patterns of one set."""
_SET_MEMORY: Final = 64 << 20
"""Bytes that RE2 may spend on one set, its lazily built automaton included."""
_ALWAYS: Final = ""
"""A pattern of ours that every text has: without it in the answer, RE2 gave up."""
_NONE: Final = frozenset[int]()


def _options(memory: int) -> Any:  # noqa: ANN401 - untyped re2
    """Return what we ask of RE2: silence, bounded memory, and a yes or no instead of positions."""
    chosen = re2.Options()
    chosen.max_mem = memory
    chosen.log_errors = False
    chosen.never_capture = True
    return chosen


def check_pattern(node: Node, pattern: str) -> None:
    """Judge the pattern that a node holds.

    Raises:
        RuleLanguageError: RE2 refuses it, or it is too large.
    """
    if len(pattern) > MAX_PATTERN:
        what = f"the pattern has {len(pattern)} characters, more than {MAX_PATTERN},"
        raise refusal(node, what)
    try:
        size = re2.compile(pattern, _options(_MEMORY)).programsize
    except re2.error as error:
        reason = error.args[0].decode(errors="replace")
        raise refusal(node, "RE2 refuses the pattern", hint=reason) from None
    if size > MAX_PROGRAM:
        what = f"the pattern needs {size} RE2 instructions, more than {MAX_PROGRAM},"
        raise refusal(node, what)
    if size > _SMALL and not _PLAIN.fullmatch(pattern):
        _check_automaton(node, pattern)


def _check_automaton(node: Node, pattern: str) -> None:
    """Refuse what would have RE2 build a state for each character, in microseconds."""
    if pattern.count("(") > MAX_GROUPS:
        raise refusal(node, f"the pattern has more than {MAX_GROUPS} groups")
    if not fits(pattern, MAX_AUTOMATON):
        hint = "expected shorter repetitions, or endless ones, as in .* instead of .{0,100}"
        raise refusal(node, "RE2 lacks room for all states of the pattern", hint=hint)


@lru_cache(maxsize=4_096)
def searcher(pattern: str) -> Callable[[str], bool]:
    """Return a test of whether a pattern that was checked is found anywhere in a text.

    It is a set of one: RE2's cheapest form of a yes or no, which looks for no positions.
    """
    patterns = re2.Set.SearchSet(_options(_MEMORY))
    patterns.Add(pattern)
    patterns.Compile()
    find = patterns.Match
    return lambda text: find(_encoded(text)) is not None


class PatternSet:
    """Patterns that are looked for in one pass, however many they are.

    Add them, `compile()` once, then ask. The answer has every pattern that is in the text, and
    never lacks one: should RE2 run out of memory, the answer is "all of them".
    """

    def __init__(self, *, max_memory: int = _SET_MEMORY) -> None:
        self._set = re2.Set.SearchSet(_options(max_memory))
        self._known: dict[str, int] = {}
        self._all = frozenset[int]()
        self._everything: list[int] = []
        self._compiled = False

    def __len__(self) -> int:
        return len(self._known)

    def add(self, pattern: str) -> int:
        """Add a pattern that a `Match` names and return its index; equal patterns share one.

        Raises:
            ValueError: the set is full or compiled already, or RE2 refuses the pattern.
        """
        index = self._known.get(pattern)
        if index is not None:
            return index
        if self._compiled or len(self._known) >= MAX_SET:
            msg = f"a set is compiled once, with at most {MAX_SET} patterns"
            raise ValueError(msg)
        try:
            index = int(self._set.Add(pattern))
        except re2.error as error:
            raise ValueError(str(error)) from None
        self._known[pattern] = index
        return index

    def compile(self) -> bool:
        """Make the set ready; False if it needs more memory than it may have.

        A set that was refused answers "all of them".
        """
        self._all = frozenset(self._known.values())
        self._everything = [*self._all, int(self._set.Add(_ALWAYS))]
        self._compiled = True
        try:
            self._set.Compile()
        except re2.error:
            self._set = None
        return self._set is not None

    def match(self, text: str) -> frozenset[int]:
        """Return the indices of the patterns that are found anywhere in the text."""
        if self._set is None:
            return self._all
        # Nothing at all, not even our own pattern: RE2 gave up on this text.
        found = self._set.Match(_encoded(text)) or self._everything
        return self._all.intersection(found) if len(found) > 1 else _NONE


def _encoded(text: str) -> bytes:
    """Return a text as RE2 wants it; half a surrogate pair becomes bytes that are no character."""
    return text.encode(errors="surrogatepass")
