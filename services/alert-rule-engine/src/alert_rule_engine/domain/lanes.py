"""Lanes: the panes of one spec that start at one time. Most rows change nothing but their panes.

Of a thousand specs most have a row or two of a partial: such rows share a block, and are scattered
over their lanes in one go. Nothing is built for them, and no window is looked at: a lane knows how
many events a group may have before any window may hold.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Final, NamedTuple

from alert_contracts.topics import STATE_PARTITIONS
from alert_rule_engine.domain.aggregates import Cell
from alert_rule_engine.domain.bucket import Bucket
from alert_rule_engine.domain.panes import NO_SLICE, Accepted, Slice
from alert_rule_engine.domain.partials import BUCKETS, Block, Group
from alert_rule_engine.domain.vector import Tally

SHIFT: Final = STATE_PARTITIONS.bit_length() - 1
MASK: Final = BUCKETS - 1
NO_ERRORS: Final = repeat(0)


class Arrival(NamedTuple):
    """What rows came in, and how far event time had come."""

    reference: int
    """The packed place of their record."""
    accepted: Accepted
    watermark: int
    judged: int
    """Windows were looked at up to here; nothing that ends before is scattered.

    `ENDLESS` for rows that some bucket may contain already."""


class Lane:
    """The panes of one spec that start at one time, in all buckets."""

    __slots__ = ("closes", "limit", "open", "slices", "start", "tally")

    def __init__(self, start: int, closes: int, tally: Tally, opener: "Opener") -> None:
        self.start = start
        self.closes = closes
        """They take no rows any more from this watermark on."""
        self.limit = 0
        """So many events a group may have before any window may hold."""
        self.slices: list[Slice] = [NO_SLICE] * BUCKETS
        """One for each bucket."""
        self.tally = tally
        self.open = opener


Opener = Callable[[Lane, int, Group, int], Cell | None]
"""Returns the pane of a slot and group that a lane does not know, for a record that a reference
names; None if there is no room for the group."""
Ways = dict[int, dict[str, Lane]]
"""All lanes, by start and spec."""
Begin = Callable[[str, Block, int], Lane | None]
"""Returns a lane that is not among the ways; None if its rows come too late at a watermark."""


def scatter(
    block: Block, ways: Ways, begin: Begin, buckets: Sequence[Bucket], arrival: Arrival
) -> Iterator[Block]:
    """Add those rows of a block of several specs that change nothing but their panes.

    Yield each of the others in a block of its own: what comes late, and what may make a window
    hold.
    """
    reference, accepted, watermark, judged = arrival
    open_ = block.start + block.pane > judged
    lanes = ways.get(block.start, {}) if open_ else {}
    columns = (block.specs, block.slots, block.groups, block.counts, block.errors or NO_ERRORS)
    for spec, slot, group, number, errors in zip(*columns, strict=False):
        lane, bucket = lanes.get(spec), slot >> SHIFT & MASK
        if lane is None and open_:
            lane = begin(spec, block, watermark)
        cell = None
        if lane is not None and watermark < lane.closes:
            cell = lane.slices[bucket].get(group) or lane.open(lane, slot, group, reference)
        if lane is None or cell is None or cell.count + number > lane.limit:
            yield Block(spec, block.start, block.pane, [slot], [group], [number], [errors])
            continue
        cell.count += number
        cell.last = reference
        cell.errors += errors
        lane.tally.matched += number
        held = lane.slices[bucket]
        if accepted[0] > held.accepted[0]:
            held.accepted = accepted
        if not held.touched:
            buckets[bucket].touch(held)


def apart(
    blocks: Iterable[Block], ways: Ways, begin: Begin, buckets: Sequence[Bucket], arrival: Arrival
) -> Iterator[Block]:
    """Yield blocks, each of one spec, without the rows that could be scattered."""
    for block in blocks:
        if block.specs:
            yield from scatter(block, ways, begin, buckets, arrival)
        else:
            yield block
