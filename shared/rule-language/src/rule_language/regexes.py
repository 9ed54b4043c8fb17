"""Read a regular expression that RE2 has taken, to judge the automaton that it makes of it.

Roughly where that does not matter: classes of Unicode are any character, and flags hold throughout.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]
_LAST: Final = 0x10FFFF
_ANY: Final = ((0, _LAST),)
_DIGIT: Final = ((48, 57),)
_SPACE: Final = ((9, 13), (32, 32))
_WORD: Final = ((48, 57), (65, 90), (95, 95), (97, 122))
_POSIX: Final[Mapping[str, Ranges]] = {
    "digit": _DIGIT,
    "space": _SPACE,
    "word": _WORD,
    "alpha": ((65, 90), (97, 122)),
    "upper": ((65, 90),),
    "lower": ((97, 122),),
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
_CONTROLS: Final = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_REPEAT: Final = re.compile(r"(?:([*+?])|\{([0-9]+)(,)?([0-9]*)\})\??")
_GROUP: Final = re.compile(r"\(\?(?:P?<[^>]+>|[a-zA-Z-]*:)|\((?!\?)")
_FLAGS: Final = re.compile(r"\(\?([a-zA-Z-]*)")
_SWITCH: Final = re.compile(r"\(\?[a-zA-Z-]+\)")
_QUOTED: Final = re.compile(r"\\Q(.*?)(?:\\E|\Z)|\\.", re.DOTALL)
_NAMED: Final = re.compile(r"\[:(\^?)([a-z]+):\]")
_UNICODE: Final = re.compile(r"\\[pP](?:\{[^}]*\}|.)")
_CODE: Final = re.compile(r"\\(?:x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|([0-7]{1,3}))")


class Set(NamedTuple):
    """One character of some."""

    ranges: Ranges


BEGIN: Final = Set(((_LAST + 1, _LAST + 1),))
"""What is before the first character,"""
_END: Final = Set(((_LAST + 2, _LAST + 2),))
"""and what is after the last."""


class Chain(NamedTuple):
    """One after the other."""

    parts: "tuple[Regex, ...]"


class Choice(NamedTuple):
    """One of them."""

    parts: "tuple[Regex, ...]"


class Repeat(NamedTuple):
    """One several times; without a `most`, as often as it may be."""

    part: "Regex"
    least: int
    most: int | None


Regex: TypeAlias = Set | Chain | Choice | Repeat
_EMPTY: Final = Chain(())
_EDGES: Final[Mapping[str, Regex]] = {
    **dict.fromkeys(("^", r"\A"), BEGIN),
    **dict.fromkeys(("$", r"\z"), _END),
    **dict.fromkeys((r"\b", r"\B"), _EMPTY),
}


def read(pattern: str) -> Regex:
    """Return what a pattern says."""
    return _Reader(_QUOTED.sub(_unquoted, pattern)).choice()


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        flags = "".join(_FLAGS.findall(pattern))
        self._folding = "i" in flags
        self._lines = "m" in flags

    def choice(self) -> Regex:
        parts = [self._chain()]
        while self._eat("|"):
            parts.append(self._chain())
        return Choice(tuple(parts)) if len(parts) > 1 else parts[0]

    def _chain(self) -> Regex:
        parts: list[Regex] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            if not self._find(_SWITCH):
                parts.append(self._atom())
            while parts and (found := self._find(_REPEAT)):
                parts[-1] = _repeated(parts[-1], found)
        return Chain(tuple(parts))

    def _eat(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _find(self, what: re.Pattern[str]) -> re.Match[str] | None:
        found = what.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found

    def _next(self) -> str:
        self._at += 1
        return self._text[self._at - 1]

    def _atom(self) -> Regex:
        if self._find(_GROUP):
            inside = self.choice()
            self._eat(")")
            return inside
        edge = next(filter(self._eat, _EDGES), None)
        if edge:
            return _EMPTY if self._lines else _EDGES[edge]
        if self._eat("."):
            return Set(_ANY)
        return self._class() if self._eat("[") else self._set([self._ranges()])

    def _class(self) -> Regex:
        negated = self._eat("^")
        found: list[Ranges] = []
        while not found or not self._eat("]"):
            low = self._ranges()
            if self._text.startswith("-", self._at) and self._text[self._at + 1] != "]":
                self._at += 1
                low = ((low[0][0], self._ranges()[0][1]),)
            found.append(low)
        inside = self._set(found)
        return Set(_others(inside.ranges)) if negated else inside

    def _ranges(self) -> Ranges:
        """Read a character, or a class of some; in brackets or not."""
        named = self._find(_NAMED)
        if named:
            known = _POSIX.get(named[2], _ANY)
            return _others(known) if named[1] else known
        if self._find(_UNICODE):
            return _ANY
        code = self._find(_CODE)
        if code:
            return _one(int(code[1] or code[2] or code[3], 8 if code[3] else 16))
        return self._escaped() if self._eat("\\") else _one(ord(self._next()))

    def _escaped(self) -> Ranges:
        letter = self._next()
        known = {"d": _DIGIT, "s": _SPACE, "w": _WORD, "C": _ANY}.get(letter)
        if known is not None:
            return known
        if letter in "DSW":
            return _others({"D": _DIGIT, "S": _SPACE, "W": _WORD}[letter])
        return _one(_CONTROLS.get(letter, ord(letter)))

    def _set(self, found: Iterable[Ranges]) -> Set:
        ranges = [each for some in found for each in some]
        if self._folding:
            ranges += [
                (ord(folded), ord(folded))
                for low, high in ranges
                for code in range(low, min(high, low + 128) + 1)
                if len(folded := chr(code).swapcase()) == 1
            ]
        return Set(_others(_others(ranges)))


def _unquoted(found: re.Match[str]) -> str:
    return found[0] if found[1] is None else re.escape(found[1])


def _repeated(part: Regex, found: re.Match[str]) -> Regex:
    if found[1]:
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[found[1]]
        return Repeat(part, least, most)
    least = int(found[2])
    return Repeat(part, least, int(found[4]) if found[4] else None if found[3] else least)


def _one(code: int) -> Ranges:
    return ((code, code),)


def _others(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return all other characters."""
    found: list[tuple[int, int]] = []
    start = 0
    for low, high in sorted(ranges):
        if start < low:
            found.append((start, low - 1))
        start = max(start, high + 1)
    return (*found, (start, _LAST)) if start <= _LAST else tuple(found)
