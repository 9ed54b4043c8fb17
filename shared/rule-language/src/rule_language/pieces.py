"""The piece of a pattern that says most: in whatever text the pattern is, the piece is, too.

A set of patterns such as `a.*b` has to know which `a` it has met, so it can be in as many states as
there are choices of them, and RE2 builds one for each character, in microseconds. A set of pieces
without such gaps has few states. Who has found the piece then looks for the whole pattern.
"""

import re
from typing import Final

_FLAGS: Final = re.compile(r"\(\?[a-zA-Z-]+\)")
_TOKEN: Final = re.compile(
    r"""(?P<open>\((?:\?(?:P?<[^>]+>|[a-zA-Z-]*:))?)
    |(?P<bar>\|)
    |(?:(?P<close>\))
        |(?P<broad>\.|\\(?:[DWSC]|P(?:\{[^}]*\}|.))|\[\^\]?(?:\[:\^?\w+:\]|\\.|[^]\\])*\])
        |(?P<narrow>\\(?:[dws]|p(?:\{[^}]*\}|.))|\[\]?(?:\[:\^?\w+:\]|\\.|[^]\\])*\])
        |(?P<plain>\\[^a-zA-Z0-9]|[^\\^$*+?])
        |\\.|.
    )(?P<times>(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??)?""",
    re.DOTALL | re.VERBOSE,
)
_ENDLESS: Final = re.compile(r"[*+]|\{[0-9]+,\}")


def telling_piece(pattern: str) -> str | None:
    """Return a pattern that is in each text in which a pattern is that RE2 has taken.

    None if no piece of it says anything.
    """
    flags = _FLAGS.match(pattern)
    begin = flags.end() if flags else 0
    if r"\Q" in pattern or _FLAGS.search(pattern, begin):
        return None
    parts = _Parts()
    for token in _TOKEN.finditer(pattern, begin):
        parts.take(token)
    found = [max(pieces, key=lambda piece: piece.said) for pieces in parts.branches]
    said = "|".join(piece.text for piece in found)
    return pattern[:begin] + said if all(piece.said for piece in found) else None


class _Piece:
    """Some of a pattern, and how many of its characters stand for themselves."""

    __slots__ = ("said", "text")

    def __init__(self) -> None:
        self.text = ""
        self.said = 0


class _Parts:
    """The alternatives of a pattern, each parted at its gaps."""

    def __init__(self) -> None:
        self.branches = [[_Piece()]]
        self._depth = 0
        self._group = _Piece()
        """The group that we are in,"""
        self._holed = False
        """and whether there is a gap in it."""

    def take(self, token: re.Match[str]) -> None:
        if token["open"]:
            self._depth += 1
        if self._depth:
            self._take_inside(token)
        elif token["bar"]:
            self.branches.append([_Piece()])
        elif _is_gap(token):
            self.branches[-1].append(_Piece())
        else:
            _add(self.branches[-1][-1], token)

    def _take_inside(self, token: re.Match[str]) -> None:
        self._holed = self._holed or _is_gap(token)
        _add(self._group, token)
        if not token["close"]:
            return
        self._depth -= 1
        if self._depth:
            return
        last = self.branches[-1]
        if self._holed:
            last.append(_Piece())
        else:
            last[-1].text += self._group.text
            last[-1].said += self._group.said
        self._group, self._holed = _Piece(), False


def _add(piece: _Piece, token: re.Match[str]) -> None:
    piece.text += token[0]
    piece.said += bool(token["plain"] and not token["times"])


def _is_gap(token: re.Match[str]) -> bool:
    """Tell whether many texts fit in, of many lengths."""
    times = token["times"] or ""
    if token["broad"]:
        return bool(times.strip("?"))
    return bool((token["narrow"] or token["close"]) and _ENDLESS.match(times))
