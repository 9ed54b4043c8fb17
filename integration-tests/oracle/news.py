"""Values that are news: what a group never showed (NEW_TERM), or not just before (CHANGE)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final, NamedTuple

from oracle.watch import Watch

Found = tuple[tuple[str, str], ...]
"""What an alert says was found: `value`, or `old` and `new`."""


class Shown(NamedTuple):
    """A value that a group showed."""

    at: int
    """Event time."""
    value: str
    accepted_at: int


class News(NamedTuple):
    """A value that counts."""

    shown: Shown
    found: Found


def new_terms(watch: Watch, shown: Sequence[Shown]) -> Iterator[News]:
    """Yield the first showing of each value.

    One window's length from a group's first event on teaches what is usual.
    """
    known: set[str] = set()
    for each in shown:
        if each.value not in known and each.at >= shown[0].at + watch.size:
            yield News(each, (("value", each.value),))
        known.add(each.value)


def changes(_watch: Watch, shown: Sequence[Shown]) -> Iterator[News]:
    """Yield each showing of a value that is not the one before."""
    for old, new in pairwise(shown):
        if old.value != new.value:
            yield News(new, (("new", new.value), ("old", old.value)))


SIFTED: Final[Mapping[str, Callable[[Watch, Sequence[Shown]], Iterator[News]]]] = MappingProxyType(
    {"NEW_TERM": new_terms, "CHANGE": changes}
)
"""The types of which only events count that bring news. They get what was shown in the order of
time."""
