"""Tallies written as the blocks of a partial, within bounds.

What one target gets of one record is bounded, and the same events are cut in the same way each
time: the places of a block come in the order in which the batch met them.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Final

from alert_contracts.topics import STATE_PARTITIONS
from alert_rule_engine.domain import sketch as sketches
from alert_rule_engine.domain.partials import MAX_CHANGES, Block, Numbers
from alert_rule_engine.domain.readers import MAX_VALUE
from alert_rule_engine.domain.specs import Kind
from alert_rule_engine.domain.tallies import Home, Place, Tallies

TARGET_BYTES: Final = 4 * 1_048_576
"""Blocks of one target of one record; what they have no room for is surplus."""
_BLOCK_BYTES: Final = 64
_FEW: Final = 2
"""Rows of one pane spec that take less in a block that is shared."""
_BIN_BYTES: Final = 3
_HASH_BYTES: Final = 9
_CHANGE_BYTES: Final = 16 + 4 * (MAX_VALUE + 17)
_size: Final = attrgetter("size")
Changes = list[tuple[int, str]]
Bins = dict[Place, list[int]]
Gained = tuple[int, Tallies]
"""What the panes that hold a time gained."""


def blocks_of(panes: Sequence[Gained], target_bytes: int = TARGET_BYTES) -> list[list[Block]]:
    """Return, for each target, the blocks of what was counted in the panes that hold some times."""
    bound = sum(_bound(tallies) for _, tallies in panes)
    writer = _Writer(target_bytes, tight=bound > target_bytes)
    for at, tallies in panes:
        writer.write(at, tallies)
    return writer.targets


class _Writer:
    """Writes the blocks of one record."""

    def __init__(self, target_bytes: int, *, tight: bool) -> None:
        self.targets: list[list[Block]] = [[] for _ in range(STATE_PARTITIONS)]
        self._tight = tight
        """There may be more than there is room for."""
        self._room = [target_bytes] * STATE_PARTITIONS

    def write(self, at: int, tallies: Tallies) -> None:
        """Write what was counted in the panes that hold the time `at`."""
        found: dict[Home, list[Place]] = defaultdict(list)
        for place in tallies.counts:
            found[place.home].append(place)
        shared: dict[tuple[int, int], list[Place]] = defaultdict(list)
        bins = _bins(tallies) if tallies.numbers else {}
        for home, places in found.items():
            if home.shares and len(places) <= _FEW and not self._tight:
                shared[home.target, home.pane] += places
                continue
            kept = self._fitting(home, places, tallies) if self._tight else places
            block = self._block(home, at, kept, tallies)
            block.spec = home.id
            if self._tight:
                block.surplus = sum(tallies.counts[each] for each in places) - sum(block.counts)
            if home.fills:
                _FILL[home.spec.kind](block, kept, tallies, bins)
        for places in shared.values():
            self._block(places[0].home, at, places, tallies).specs = [
                place.home.id for place in places
            ]

    def _block(self, home: Home, at: int, places: Sequence[Place], tallies: Tallies) -> Block:
        """Write the counts of some places."""
        errors = tallies.errors
        wrong = [errors.get(place, 0) for place in places] if errors else []
        block = Block(
            spec="",
            start=at - at % home.pane,
            pane=home.pane,
            slots=[place.slot for place in places],
            groups=[place.group for place in places],
            counts=[tallies.counts[place] for place in places],
            errors=wrong if any(wrong) else [],
        )
        self.targets[home.target].append(block)
        return block

    def _fitting(self, home: Home, places: Sequence[Place], tallies: Tallies) -> list[Place]:
        """Return the places for which there is room in the record."""
        self._room[home.target] -= _BLOCK_BYTES
        return [place for place in places if self._fits(place, tallies)]

    def _fits(self, place: Place, tallies: Tallies) -> bool:
        """Take the room of a place, if there is as much."""
        home = place.home
        size = place.size + _MORE.get(home.spec.kind, _no_more)(place, tallies)
        if size > self._room[home.target]:
            return False
        self._room[home.target] -= size
        return True


def _bound(tallies: Tallies) -> int:
    """Return a bound for the bytes of all the blocks of some tallies."""
    numbers = sum(map(len, tallies.numbers.values())) * _BIN_BYTES
    hashes = sum(map(len, tallies.distinct.values())) * _HASH_BYTES
    changes = sum(map(len, tallies.changes.values())) * _CHANGE_BYTES
    rows: int = sum(map(_size, tallies.counts)) + _BLOCK_BYTES * len(tallies.counts)
    return rows + numbers + hashes + changes


def _no_more(_place: Place, _tallies: Tallies) -> int:
    return 0


_MORE: Final[dict[Kind, Callable[[Place, Tallies], int]]] = {
    Kind.SKETCH: lambda place, tallies: _BIN_BYTES * len(tallies.numbers.get(place, ())),
    Kind.DISTINCT: lambda place, tallies: _HASH_BYTES * len(tallies.distinct.get(place, ())),
    Kind.CHANGE: lambda place, tallies: (
        _CHANGE_BYTES * min(len(tallies.changes[place]), MAX_CHANGES)
    ),
}
"""Bounds for the bytes of what is kept of values."""


def _bins(tallies: Tallies) -> Bins:
    """Return the bins of the numbers of which percentiles are asked for."""
    asked = [
        (place, values)
        for place, values in tallies.numbers.items()
        if place.home.spec.kind is Kind.SKETCH
    ]
    bins = sketches.bins_of([*chain.from_iterable(values for _, values in asked)])
    found: Bins = {}
    start = 0
    for place, values in asked:
        end = start + len(values)
        found[place] = bins[start:end]
        start = end
    return found


def _fill_numbers(block: Block, places: Sequence[Place], tallies: Tallies, bins: Bins) -> None:
    find = tallies.numbers.get
    block.numbers = [_numbers(find(place), bins.get(place)) for place in places]


def _numbers(values: list[float] | None, bins: list[int] | None) -> Numbers | None:
    if not values:
        return None
    low, high = min(values), max(values)
    if low < -sketches.LARGEST_ADDED or high > sketches.LARGEST_ADDED:
        values = list(map(sketches.bounded, values))
    return Numbers(len(values), sum(values), low, high, bins)


def _fill_distinct(block: Block, places: Sequence[Place], tallies: Tallies, _bins: Bins) -> None:
    block.distinct = [sorted(tallies.distinct.get(place, ())) for place in places]


def _fill_changes(block: Block, places: Sequence[Place], tallies: Tallies, _bins: Bins) -> None:
    block.changes = []
    for place in places:
        runs = _runs(tallies.changes[place])
        if len(runs) > MAX_CHANGES:
            block.surplus += len(runs) - MAX_CHANGES
            runs = [*runs[: MAX_CHANGES - 1], runs[-1]]
        block.changes.append(runs)


def _runs(changes: Changes) -> Changes:
    """Return the values in the order of time, each run of one folded into its first."""
    runs: Changes = []
    for change in sorted(changes, key=itemgetter(0)):
        if not runs or runs[-1][1] != change[1]:
            runs.append(change)
    return runs


_FILL: Final[dict[Kind, Callable[[Block, Sequence[Place], Tallies, Bins], None]]] = {
    Kind.NUMBER: _fill_numbers,
    Kind.SKETCH: _fill_numbers,
    Kind.DISTINCT: _fill_distinct,
    Kind.CHANGE: _fill_changes,
}
