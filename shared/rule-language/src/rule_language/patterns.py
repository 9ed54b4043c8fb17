"""Regular expressions: RE2 only, bounded, and many of them in one pass over a text."""

from typing import Any, Final

import re2

MAX_PATTERN: Final = 1_000
"""Characters of one regular expression."""
MAX_PROGRAM: Final = 2_000
"""RE2 instructions of one compiled pattern."""
MAX_SET: Final = 10_000
"""Patterns of one set."""
_SET_MEMORY: Final = 64 << 20
"""Bytes that RE2 may spend on one set, its lazily built automaton included."""
_ALWAYS: Final = ""
"""A pattern of ours that every text has: without it in the answer, RE2 gave up."""
_NONE: Final = frozenset[int]()


def options(memory: int) -> Any:  # noqa: ANN401 - untyped re2
    """Return what we ask of RE2: silence, bounded memory, and a yes or no instead of positions."""
    chosen = re2.Options()
    chosen.max_mem = memory
    chosen.log_errors = False
    chosen.never_capture = True
    return chosen


class PatternSet:
    """Patterns that are looked for in one pass, however many they are.

    Add them, `compile()` once, then ask. The answer has every pattern that is in the text, and
    never lacks one: should RE2 run out of memory, the answer is "all of them".
    """

    def __init__(self, *, max_memory: int = _SET_MEMORY) -> None:
        self._set = re2.Set.SearchSet(options(max_memory))
        self._known: dict[str, int] = {}
        self._all = frozenset[int]()
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
        self._set.Add(_ALWAYS)
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
        found = self._set.Match(encoded(text))
        if found is None:
            return self._all
        return self._all.intersection(found) if len(found) > 1 else _NONE


def encoded(text: str) -> bytes:
    """Return a text as RE2 wants it; half a surrogate pair becomes bytes that are no character."""
    return text.encode(errors="surrogatepass")
