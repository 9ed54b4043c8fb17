"""The way of rows into the panes of a partition: the hot path.

A lane holds the panes of one spec that start at one time, in all buckets, so that a row costs one
look into its bucket's dictionary, and one more for each shape of window in which rules wait to be
crossed, if any may be. Nothing is built for a block that does nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from alert_rule_engine.domain.aggregates import Cell
from alert_rule_engine.domain.brought import Brought
from alert_rule_engine.domain.bucket import Bucket
from alert_rule_engine.domain.endless import ENDLESS
from alert_rule_engine.domain.lanes import MASK, NO_ERRORS, SHIFT, Arrival, Lane, Ways
from alert_rule_engine.domain.memory import GRACE, Groups
from alert_rule_engine.domain.panes import NO_SLICE, Slice, SpecPanes
from alert_rule_engine.domain.partials import Block, Group, bucket_of
from alert_rule_engine.domain.rules import SpecRules
from alert_rule_engine.domain.running import ALWAYS, Grown, Slid, Tumbled
from alert_rule_engine.domain.sifting import Found, Sifted, sift
from alert_rule_engine.domain.specs import FILTERS
from alert_rule_engine.domain.vector import Tally
from alert_rule_engine.domain.windows import Shape

Expiring = dict[int, set["Lanes"]]
"""Lanes of which something is of no more use from a watermark on."""
MAX_UNKNOWN: Final = 1_000
"""Groups kept of a spec that no rule reads (yet)."""
STRIDE: Final = 1_000
"""Event time between two looks at the windows, and log time between two at news; ms."""


class Lanes:
    """The panes of one spec in all buckets, and its windows that wait to be crossed."""

    __slots__ = (
        "_buckets",
        "_crossing",
        "_ends",
        "_expected",
        "_expiring",
        "_horizon",
        "_lanes",
        "_lateness",
        "_room",
        "_running",
        "_shapes",
        "_since",
        "_ways",
        "known",
        "pane",
        "sifts",
        "spec",
        "tally",
    )

    def __init__(
        self,
        spec: str,
        pane: int,
        buckets: Sequence[Bucket],
        known: SpecRules | None,
        *,
        tally: Tally,
        expiring: Expiring,
        ways: Ways,
        since: int = 0,
    ) -> None:
        """`since`: from when on its events are counted."""
        self.spec = spec
        self.pane = pane
        self.known = known
        self.tally = tally
        self._shapes = known.shapes if known else {Shape(pane, pane)}
        self._lateness = known.lateness if known else GRACE
        self.sifts = known is not None and known.spec.kind in FILTERS
        """Only what brings something new is counted."""
        self._horizon = known.horizon if known else GRACE
        self._room = known.max_groups if known else MAX_UNKNOWN
        self._expected = known.expected if known else frozenset[Group]()
        self._buckets = buckets
        self._expiring = expiring
        self._lanes: dict[int, Lane] = {}
        self._ways = ways
        self._since = since
        self._crossing = known.crossing if known else ()
        lengths = {pane, *(watch.shape.size for watch in self._crossing)}
        self._ends = [length + self._horizon for length in lengths]
        """So long after its start a pane, or a window with it, is of no more use."""
        self._running = [
            Tumbled(watch, pane, self._held)
            if watch.shape.tumbling
            else Slid(watch, pane, self._panes_of)
            for watch in self._crossing
        ]

    def closes(self, start: int) -> int:
        """Return from which watermark on a pane takes no rows any more.

        Until then its last window is not over, or its lateness is not.
        """
        return max([shape.last_end(start) for shape in self._shapes]) + self._lateness

    def _panes_of(self, slot: int) -> SpecPanes:
        return self._buckets[bucket_of(slot)].specs[self.spec]

    def panes_of(self, slot: int) -> SpecPanes:
        """Return the panes of the bucket of a slot."""
        bucket = self._buckets[bucket_of(slot)]
        panes = bucket.specs.get(self.spec)
        if panes is None:
            panes = bucket.specs[self.spec] = SpecPanes(self.pane, self._since, bucket.judged)
            if self.known is not None:
                panes.remember(self.known.spec, self.known.keep)
                bucket.expire(0)
        return panes

    def buckets_held(self) -> Iterator[Bucket]:
        """Yield the buckets that hold panes of the spec."""
        return (bucket for bucket in self._buckets if self.spec in bucket.specs)

    def sift(self, block: Block, accepted: int) -> Sifted:
        """Return what of a block brings something new."""
        for number in {bucket_of(slot) for slot in block.slots}:
            self._buckets[number].dirty = True
        sifted = sift(block, self.panes_of, self._room, accepted)
        self.tally.late += sifted.ignored
        return sifted

    def _held(self, starts: range) -> Iterator[tuple[int, Group, int]]:
        for bucket in self._buckets:
            panes = bucket.specs.get(self.spec)
            if panes is not None:
                for start in starts:
                    for group, cell in panes.slices.get(start, NO_SLICE).items():
                        yield start, group, cell.count

    def take(self, block: Block, arrival: Arrival) -> tuple[Block, list[tuple[int, Grown]]]:
        """Add the rows of a block to their panes.

        Return those that had room, and the windows that may hold now with the number of their
        watch.
        """
        lane = self.lane(block.start)
        block, peak = self._fill(lane, block, arrival)
        return block, (self._grow(block, peak, arrival.watermark) if peak > lane.limit else [])

    def _grow(self, block: Block, peak: int, watermark: int) -> list[tuple[int, Grown]]:
        settled = all(each.limit(block.start) == ALWAYS for each in self._running)
        grown: list[tuple[int, Grown]] = []
        over = watermark - self._lateness
        for number, running in enumerate(self._running):
            if running.may_hold(block.start, peak):
                found = running.grow(block, over)
                grown += [(number, each) for each in found]
        if not settled:
            for lane in self._lanes.values():
                lane.limit = self._limit(lane.start)
        return grown

    def _limit(self, start: int) -> int:
        return min([each.limit(start) for each in self._running], default=ENDLESS)

    def _fill(self, lane: Lane, block: Block, arrival: Arrival) -> tuple[Block, int]:
        """Add rows; return those that had room, and how many events the fullest of them has."""
        reference, accepted, *_ = arrival
        accepted_at = accepted[0]
        slices = lane.slices
        full = False
        peak = 0
        rows = zip(block.slots, block.groups, block.counts, block.errors or NO_ERRORS, strict=False)
        for slot, group, count, errors in rows:
            held = slices[slot >> SHIFT & MASK]
            cell = held.get(group)
            if cell is None:
                cell = self._open(lane, slot, group, reference)
                if cell is None:
                    full = True
                    continue
                held = slices[slot >> SHIFT & MASK]
            cell.count = total = cell.count + count
            cell.last = reference
            if total > peak:  # noqa: PLR1730 - a call costs three times as much
                peak = total
            cell.errors += errors
            if accepted_at > held.accepted[0]:
                held.accepted = accepted
            if not held.touched:
                self._buckets[bucket_of(slot)].touch(held)
        block = _accepted(slices, block) if full else block
        if block.numbers or block.distinct:
            _add_figures(slices, block)
        return block, peak

    def lane(self, start: int) -> Lane:
        """Return the panes that start at a time."""
        return self._lanes.get(start) or self._lane(start)

    def _lane(self, start: int) -> Lane:
        lane = self._lanes[start] = Lane(start, self.closes(start), self.tally, self._open)
        self._ways.setdefault(start, {})[self.spec] = lane
        for running in self._running:
            running.may_hold(start, 0)
        lane.limit = self._limit(start)
        for length in self._ends:
            end = -(-(start + length) // STRIDE) * STRIDE
            self._expiring.setdefault(end, set()).add(self)
        return lane

    def _open(self, lane: Lane, slot: int, group: Group, reference: int) -> Cell | None:
        """Return a pane that its lane does not know yet; None if there is no room for the group."""
        panes, start = self.panes_of(slot), lane.start
        held = panes.slices.get(start, NO_SLICE)
        cell = held.get(group)
        if cell is None:
            if not self._has_room(panes, group, start):
                return None
            cell = Cell(0, 0, reference, reference)
            panes.put(start, group, cell)
            if held is NO_SLICE:
                held = panes.slices[start]
                self._buckets[bucket_of(slot)].expire(start + self.pane + self._horizon)
        lane.slices[slot >> SHIFT & MASK] = held
        return cell

    def _has_room(self, panes: SpecPanes, group: Group, start: int) -> bool:
        if isinstance(panes.memory, Groups):
            room = ENDLESS if group in self._expected else self._room
            return panes.memory.see(group, start, room=room)
        return group in panes.groups or len(panes.groups) < self._room

    def judge(
        self, grown: Iterable[tuple[int, Grown]], brought: Brought, found: Mapping[Group, Found]
    ) -> None:
        """Judge windows that may hold now."""
        for number, each in grown:
            for rule in self._crossing[number].rules:
                if each.after >= rule.low and (each.before < rule.low or not rule.exact):
                    needed = rule.low - each.before if rule.exact else None
                    witness = brought.witness(found.get(each.group), needed)
                    self._buckets[bucket_of(each.slot)].cross(rule, each, brought, witness)

    def judge_again(self, block: Block, brought: Brought, found: Mapping[Group, Found]) -> None:
        """Let the windows that were judged without the rows of a block be judged again."""
        again = self.known is not None and any(rule.looks_back for rule in self.known.timed)
        for slot, group in zip(block.slots, block.groups, strict=True):
            bucket = self._buckets[bucket_of(slot)]
            bucket.specs[self.spec].stale(group)
            if again:
                crossing = brought.witness(found.get(group))()
                bucket.late.note(self.spec, group, block.start, crossing)

    def forget(self, watermark: int) -> None:
        """Let go of panes and windows that are of no more use."""
        last = watermark - self.pane - self._horizon
        for start in [start for start in self._lanes if start <= last]:
            del self._lanes[start]
            del self._ways[start][self.spec]
            if not self._ways[start]:
                del self._ways[start]
        for running in self._running:
            running.forget(watermark, self._horizon)


def chosen(block: Block, rows: Sequence[int]) -> Block:
    """Return a block that has only some of the rows."""
    columns = ("slots", "groups", "counts", "errors", "numbers", "distinct", "changes")
    kept = {
        name: [column[row] for row in rows] for name in columns if (column := getattr(block, name))
    }
    return replace(block, **kept)


def _accepted(lane: Sequence[Slice], block: Block) -> Block:
    """Return the rows that found a cell."""
    places = zip(block.slots, block.groups, strict=True)
    rows = [row for row, (at, group) in enumerate(places) if group in lane[bucket_of(at)]]
    return chosen(block, rows)


def _add_figures(lane: Sequence[Slice], block: Block) -> None:
    places = zip(block.slots, block.groups, strict=True)
    cells = [lane[bucket_of(slot)][group] for slot, group in places]
    for cell, found in zip(cells, block.numbers, strict=False):
        if found is not None:
            cell.add_numbers(found)
    for cell, hashes in zip(cells, block.distinct, strict=False):
        cell.add_distinct(hashes)
