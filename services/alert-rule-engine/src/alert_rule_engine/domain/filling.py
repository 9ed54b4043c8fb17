"""The way of rows into the panes of a partition: the hot path.

A lane holds the panes of one spec that start at one time, in all buckets, so that a row costs one
look into its bucket's dictionary, and one more for each shape of window in which rules wait to be
crossed.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from alert_contracts.topics import STATE_PARTITIONS
from alert_rule_engine.domain.aggregates import Cell
from alert_rule_engine.domain.bucket import GRACE, MAX_UNKNOWN, Bucket
from alert_rule_engine.domain.memory import Groups
from alert_rule_engine.domain.panes import Slice, SpecPanes
from alert_rule_engine.domain.partials import BUCKETS, Block, Group, bucket_of
from alert_rule_engine.domain.rules import SpecRules
from alert_rule_engine.domain.running import Grown, Slid, Tumbled
from alert_rule_engine.domain.sifting import Sifted, sift
from alert_rule_engine.domain.specs import FILTERS

_SHIFT: Final = STATE_PARTITIONS.bit_length() - 1
_MASK: Final = BUCKETS - 1


class Filled(NamedTuple):
    """What rows did."""

    slots: Sequence[int]
    groups: Sequence[Group]
    counts: Sequence[int]
    buckets: set[int]
    """Numbers of the buckets that have any."""
    surplus: int


class Lanes:
    """The panes of one spec in all buckets, and its windows that wait to be crossed."""

    def __init__(
        self, spec: str, pane: int, buckets: Sequence[Bucket], known: SpecRules | None
    ) -> None:
        self.spec = spec
        self.pane = pane
        self.known = known
        self.lateness = known.lateness if known else GRACE
        self.horizon = known.horizon if known else GRACE
        self.room = known.max_groups if known else MAX_UNKNOWN
        self._buckets = buckets
        self._lanes: dict[int, list[Slice | None]] = {}
        self._running = [
            Tumbled(watch, pane, self._held)
            if watch.shape.tumbling
            else Slid(watch, pane, self._panes_of)
            for watch in (known.crossing if known else ())
        ]

    def _panes_of(self, slot: int) -> SpecPanes:
        return self._buckets[bucket_of(slot)].specs[self.spec]

    def panes_of(self, slot: int) -> SpecPanes:
        """Return the panes of the bucket of a slot."""
        specs = self._buckets[bucket_of(slot)].specs
        panes = specs.get(self.spec)
        if panes is None:
            panes = specs[self.spec] = SpecPanes(self.pane)
            if self.known is not None:
                panes.remember(self.known.spec, self.known.keep)
        return panes

    def buckets_held(self) -> Iterator[Bucket]:
        """Yield the buckets that hold panes of the spec."""
        return (bucket for bucket in self._buckets if self.spec in bucket.specs)

    def sift(self, block: Block) -> Sifted:
        """Return what of a block brings something new, if that is what is counted."""
        if self.known is None or self.known.spec.kind not in FILTERS:
            return Sifted(block, {})
        for number in {bucket_of(slot) for slot in block.slots}:
            self._buckets[number].dirty = True
        return sift(block, self.panes_of, self.room)

    def _held(self, start: int) -> Iterator[tuple[Group, int]]:
        for bucket in self._buckets:
            panes = bucket.specs.get(self.spec)
            if panes is not None:
                for group, cell in panes.slices.get(start, {}).items():
                    yield group, cell.count

    def fill(self, block: Block, reference: int) -> Filled:
        """Add the rows of a block to their panes; rows of new groups without room stay out."""
        lane = self._lanes.get(block.start)
        if lane is None:
            lane = self._lanes[block.start] = [None] * BUCKETS
        numbers = [slot >> _SHIFT & _MASK for slot in block.slots]
        held: list[Cell | None] = []
        full = False
        for row, (number, group, count) in enumerate(
            zip(numbers, block.groups, block.counts, strict=True)
        ):
            cells = lane[number]
            cell = None if cells is None else cells.get(group)
            if cell is None:
                cell = self._add(lane, block, row, reference)
                full = full or cell is None
            else:
                cell.count += count
                cell.last = reference
            held.append(cell)
        _add_figures(held, block)
        if full:
            return _accepted(block, numbers, held)
        return Filled(block.slots, block.groups, block.counts, set(numbers), 0)

    def _add(self, lane: list[Slice | None], block: Block, row: int, reference: int) -> Cell | None:
        """Return the cell of a row that is the first of its group here; None: there is no room."""
        slot, group, count = block.slots[row], block.groups[row], block.counts[row]
        panes = self.panes_of(slot)
        cell = panes.slices.get(block.start, {}).get(group)
        if cell is not None:
            cell.count += count
            cell.last = reference
        elif self._has_room(panes, group, block.start):
            cell = Cell(count, 0, reference, reference)
            panes.put(block.start, group, cell)
        else:
            return None
        lane[bucket_of(slot)] = panes.slices[block.start]
        return cell

    def _has_room(self, panes: SpecPanes, group: Group, start: int) -> bool:
        if isinstance(panes.memory, Groups):
            return panes.memory.see(group, start, room=self.room)
        return group in panes.groups or len(panes.groups) < self.room

    def arrived(self, start: int, filled: Filled, accepted_at: int, trace: str | None) -> None:
        """Note which batch brought rows."""
        for number in filled.buckets:
            bucket = self._buckets[number]
            bucket.dirty = True
            bucket.touched.add(start)
            bucket.specs[self.spec].arrived(start, accepted_at, trace)

    def grown(self, start: int, filled: Filled) -> Iterator[tuple[int, Grown]]:
        """Yield the windows that may hold now, each with the number of its watch."""
        for number, running in enumerate(self._running):
            for grown in running.grow(start, filled.slots, filled.groups, filled.counts):
                yield number, grown

    def forget(self, watermark: int) -> None:
        """Let go of panes and windows that are of no more use."""
        old = [start for start in self._lanes if start + self.pane + self.horizon <= watermark]
        for start in old:
            del self._lanes[start]
        for running in self._running:
            running.forget(watermark, self.horizon)


def _accepted(block: Block, numbers: Sequence[int], held: Sequence[Cell | None]) -> Filled:
    """Return the rows that found a cell."""
    rows = [row for row, cell in enumerate(held) if cell is not None]
    counts = [block.counts[row] for row in rows]
    return Filled(
        [block.slots[row] for row in rows],
        [block.groups[row] for row in rows],
        counts,
        {numbers[row] for row in rows},
        sum(block.counts) - sum(counts),
    )


def _add_figures(held: Sequence[Cell | None], block: Block) -> None:
    for cell, errors in zip(held, block.errors, strict=False):
        if errors and cell is not None:
            cell.errors += errors
    for cell, found in zip(held, block.numbers, strict=False):
        if found is not None and cell is not None:
            cell.add_numbers(found)
    for cell, hashes in zip(held, block.distinct, strict=False):
        if cell is not None:
            cell.add_distinct(hashes)
