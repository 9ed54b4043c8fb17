"""A record's events and their times, and how they are cut at the edges of panes."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from alert_contracts.events import Event

MAX_AHEAD: Final = 600_000
"""Events further in the future than this happened, for us, when they were accepted."""
_FEW: Final = 3
"""Edges at which a batch is cut one after the other."""


class Batch(NamedTuple):
    """The events of a record, and their times in the same order."""

    events: Sequence[Event]
    times: Sequence[int]
    oldest: int
    newest: int


NO_BATCH: Final = Batch([], [], 0, 0)


def batch_of(events: Sequence[Event], accepted_at: int) -> Batch:
    """Return a batch whose times can be believed.

    The gateway sees to that; what another producer wrote is changed in the events themselves.
    """
    if not events:
        return NO_BATCH
    batch = _batch(events)
    latest = accepted_at + MAX_AHEAD
    if batch.newest <= latest and batch.oldest >= 0:
        return batch
    for event in events:
        if not 0 <= event.timestamp <= latest:
            event.timestamp = accepted_at
    return _batch(events)


def _batch(events: Sequence[Event]) -> Batch:
    times = [event.timestamp for event in events]
    return Batch(events, times, min(times), max(times))


class Slice(NamedTuple):
    """Events with no edge of a pane between them, in their order in the batch."""

    at: int
    """The time of one of them."""
    events: Sequence[Event]


def slices_of(batch: Batch, panes: Collection[int]) -> Iterator[Slice]:
    """Cut a batch at the edges of panes of these lengths; slices come in the order of time."""
    if not batch.times:
        return
    low, high = batch.oldest, batch.newest
    parted = [pane for pane in panes if low // pane != high // pane]
    if not parted:
        yield Slice(low, batch.events)
        return
    edges = _edges(parted, low, high, batch.times)
    cut = _cut if len(edges) <= _FEW else _parted
    yield from cut(batch, edges)


def _cut(batch: Batch, edges: Sequence[int]) -> Iterator[Slice]:
    """Part a batch at a few edges: most often, few events are before the only one."""
    events = batch.events
    for edge in edges:
        yield from _slice([event for event in events if event.timestamp < edge])
        events = [event for event in events if event.timestamp >= edge]
    yield from _slice(events)


def _slice(events: Sequence[Event]) -> Iterator[Slice]:
    if events:
        yield Slice(events[0].timestamp, events)


def _parted(batch: Batch, edges: Sequence[int]) -> Iterator[Slice]:
    heaps: dict[int, list[Event]] = defaultdict(list)
    for event, at in zip(batch.events, batch.times, strict=True):
        heaps[bisect_right(edges, at)].append(event)
    for number in sorted(heaps):
        yield Slice(heaps[number][0].timestamp, heaps[number])


def _edges(panes: Sequence[int], low: int, high: int, times: Sequence[int]) -> list[int]:
    """Return the edges in (low, high]; each time of the batch, where those are fewer."""
    if sum((high - low) // pane + 1 for pane in panes) > len(times):
        return sorted(set(times))
    found = {at for pane in panes for at in range((low // pane + 1) * pane, high + 1, pane)}
    return sorted(found)
