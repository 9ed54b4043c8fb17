"""What a batch adds, before it is written into blocks."""

from collections import defaultdict
from typing import Final

from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.specs import Kind, PaneSpec

_ROW_BYTES: Final = 80
"""A row's numbers, and the heads of its lists, at their longest."""
_TEXT_HEAD: Final = 5
_COUNTED: Final = frozenset({Kind.COUNT, Kind.TERM})


class Home:
    """One pane spec at one target: what one block is made for."""

    __slots__ = ("fills", "id", "pane", "shares", "spec", "target")

    def __init__(self, spec: PaneSpec, target: int) -> None:
        self.spec = spec
        self.id = spec.id
        self.pane = spec.pane
        self.target = target
        self.fills = spec.kind not in _COUNTED
        """Something is kept of values."""
        self.shares = spec.kind is Kind.COUNT
        """Its rows may share a block with those of others."""


class Place:
    """Where the events of one group of one pane spec are counted; told apart by identity."""

    __slots__ = ("group", "home", "size", "slot")

    def __init__(self, home: Home, slot: int, group: Group) -> None:
        self.home = home
        self.slot = slot
        self.group = group
        self.size = _ROW_BYTES + sum(_TEXT_HEAD + 4 * len(text) for text in group)
        """A bound for the bytes of its row, without what is kept of values."""


class Tallies:
    """What each place gained within one slice of time."""

    __slots__ = ("changes", "counts", "distinct", "errors", "numbers")

    def __init__(self) -> None:
        self.counts: dict[Place, int] = defaultdict(int)
        """Every place has one."""
        self.errors: dict[Place, int] = defaultdict(int)
        self.numbers: dict[Place, list[float]] = defaultdict(list)
        self.distinct: dict[Place, set[int]] = defaultdict(set)
        self.changes: dict[Place, list[tuple[int, str]]] = defaultdict(list)

    def move(self, place: Place, into: "Tallies") -> None:
        """Add what a place gained to other tallies."""
        into.counts[place] += self.counts[place]
        if place in self.errors:
            into.errors[place] += self.errors[place]
        if place in self.numbers:
            into.numbers[place] += self.numbers[place]
        if place in self.distinct:
            into.distinct[place] |= self.distinct[place]
        if place in self.changes:
            into.changes[place] += self.changes[place]
