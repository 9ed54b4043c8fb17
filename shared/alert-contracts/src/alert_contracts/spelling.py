"""Guess which name was meant by one that nobody knows."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_LONGEST: Final = 64
"""Characters that are looked at: a text of a mebibyte is no misspelt name."""
_ALIKE: Final = 0.6


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that looks most like a misspelt one, whatever its case; None if none does."""
    folded = {each.lower(): each for each in sorted(names)}
    close = get_close_matches(name[:_LONGEST].lower(), folded, n=1, cutoff=_ALIKE)
    return folded[close[0]] if close else None
