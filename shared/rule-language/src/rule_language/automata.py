"""How large the automaton of a regular expression can become.

RE2 builds its states as texts ask for them, and keeps them as long as they have room. One that has
room for all takes nanoseconds for a character; one that has not builds a state for each, which
takes microseconds. So we build it first, to see.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import accumulate
from operator import xor
from typing import Final

from rule_language.regexes import BEGIN, Choice, Regex, Repeat, Set, read

_STATE: Final = 64
"""Bytes of a state, without"""
_MOVE: Final = 8
"""those of each way out of it, and"""
_PLACE: Final = 4
"""of each place in the pattern at which a text may be."""
_Piece = tuple[bool, int, int]
"""Whether it may be empty, and, as bits, the places at which it begins and ends."""


@lru_cache(maxsize=4_096)
def fits(pattern: str, memory: int) -> bool:
    """Tell whether all states of a pattern that RE2 has taken have room in so many bytes."""
    places = _Places(read(pattern))
    kinds = places.kinds()
    seen: set[int] = set()
    waiting = [0, places.first & places.begin]
    while waiting:
        state = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        memory -= _STATE + _MOVE * len(kinds) + _PLACE * state.bit_count()
        if memory < 0:
            return False
        after = places.after(state)
        waiting += [after & mask for mask in kinds]
    return True


class _Places:
    """The places of a pattern: each stands for a character, and has those that may follow."""

    def __init__(self, root: Regex) -> None:
        self._sets: dict[Set, int] = defaultdict(int)
        self._follow: list[int] = []
        _, self.first, _ = self._add(root)

    def after(self, state: int) -> int:
        """Return where a text may be with its next character; it may begin anywhere."""
        found = self.first
        for place in _bits(state):
            found |= self._follow[place]
        return found

    @property
    def begin(self) -> int:
        """The places that take what is before the first character."""
        return self._sets.get(BEGIN, 0)

    def kinds(self) -> set[int]:
        """Return, for each kind of character, the places that take it."""
        edges: dict[int, int] = defaultdict(int)
        for each, mask in self._sets.items():
            for low, high in each.ranges:
                edges[low] ^= mask
                edges[high + 1] ^= mask
        return set(accumulate((edges[edge] for edge in sorted(edges)), xor))

    def _add(self, node: Regex) -> _Piece:
        if isinstance(node, Set):
            self._follow.append(0)
            place = 1 << (len(self._follow) - 1)
            self._sets[node] |= place
            return False, place, place
        if isinstance(node, Choice):
            empty, first, last = False, 0, 0
            for piece in map(self._add, node.parts):
                empty, first, last = empty or piece[0], first | piece[1], last | piece[2]
            return empty, first, last
        if isinstance(node, Repeat):
            return self._repeat(node)
        return self._chained(map(self._add, node.parts))

    def _chained(self, pieces: Iterable[_Piece]) -> _Piece:
        empty, first, last = True, 0, 0
        for piece in pieces:
            self._join(last, piece[1])
            first |= piece[1] if empty else 0
            last = piece[2] | (last if piece[0] else 0)
            empty = empty and piece[0]
        return empty, first, last

    def _repeat(self, node: Repeat) -> _Piece:
        """Repeat as RE2 does: `x{1,3}` is `x(x(x)?)?`."""
        number = max(1, node.least) if node.most is None else node.most
        copies = [self._add(node.part) for _ in range(number)]
        if node.most is None:
            self._join(copies[-1][2], copies[-1][1])
        rest = (True, 0, 0)
        for each in reversed(copies[node.least :]):
            rest = (True, *self._chained((each, rest))[1:])
        return self._chained((*copies[: node.least], rest))

    def _join(self, last: int, first: int) -> None:
        for place in _bits(last):
            self._follow[place] |= first


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
