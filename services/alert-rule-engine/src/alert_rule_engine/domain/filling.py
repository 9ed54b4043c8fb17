"""The way of rows into the panes of a partition: the hot path.

A lane holds the panes of one spec that start at one time, in all buckets, so that a row costs one
look into its bucket's dictionary, and one more for each shape of window in which rules wait to be
crossed.
"""

from collections.abc import Iterable, Iterator, Sequence
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
        refused: list[int] = []
        for row, (slot, group, count) in enumerate(
            zip(block.slots, block.groups, block.counts, strict=True)
        ):
            cells = lane[slot >> _SHIFT & _MASK]
            cell = None if cells is None else cells.get(group)
            if cell is not None:
                cell.count += count
                cell.last = reference
            elif not self._add(lane, block, row, reference):
                refused.append(row)
        filled = self._accepted(block, refused)
        self._add_errors(lane, block)
        self._add_figures(lane, block)
        return filled

    def _add(self, lane: list[Slice | None], block: Block, row: int, reference: int) -> bool:
        """Make the cell of a row; tell whether there was room."""
        slot, group = block.slots[row], block.groups[row]
        number = bucket_of(slot)
        panes = self.panes_of(slot)
        if not self._has_room(panes, group, block.start):
            return False
        cell = panes.slices.get(block.start, {}).get(group)
        if cell is None:
            panes.put(block.start, group, Cell(block.counts[row], 0, reference, reference))
        else:
            cell.count += block.counts[row]
            cell.last = reference
        lane[number] = panes.slices[block.start]
        return True

    def _has_room(self, panes: SpecPanes, group: Group, start: int) -> bool:
        if isinstance(panes.memory, Groups):
            return panes.memory.see(group, start, room=self.room)
        return group in panes.groups or len(panes.groups) < self.room

    def _accepted(self, block: Block, refused: Iterable[int]) -> Filled:
        out = set(refused)
        if not out:
            return Filled(block.slots, block.groups, block.counts, 0)
        rows = [row for row in range(len(block.slots)) if row not in out]
        return Filled(
            [block.slots[row] for row in rows],
            [block.groups[row] for row in rows],
            [block.counts[row] for row in rows],
            sum(block.counts[row] for row in out),
        )

    def _add_errors(self, lane: Sequence[Slice | None], block: Block) -> None:
        if block.errors:
            for slot, group, errors in zip(block.slots, block.groups, block.errors, strict=True):
                cell = _cell(lane, slot, group) if errors else None
                if cell is not None:
                    cell.errors += errors

    def _add_figures(self, lane: Sequence[Slice | None], block: Block) -> None:
        if block.numbers:
            for slot, group, numbers in zip(block.slots, block.groups, block.numbers, strict=True):
                cell = None if numbers is None else _cell(lane, slot, group)
                if cell is not None and numbers is not None:
                    cell.add_numbers(numbers)
        if block.distinct:
            for slot, group, hashes in zip(block.slots, block.groups, block.distinct, strict=True):
                cell = _cell(lane, slot, group)
                if cell is not None:
                    cell.add_distinct(hashes)

    def arrived(self, start: int, filled: Filled, accepted_at: int, trace: str | None) -> None:
        """Note which batch brought rows."""
        for number in {slot >> _SHIFT & _MASK for slot in filled.slots}:
            bucket = self._buckets[number]
            bucket.touched.add(start)
            bucket.dirty = True
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


def _cell(lane: Sequence[Slice | None], slot: int, group: Group) -> Cell | None:
    cells = lane[slot >> _SHIFT & _MASK]
    return None if cells is None else cells.get(group)
