"""Window counts that are kept up to date while rows come in: which have grown enough to be judged.

They follow from the panes at any time, so they are never stored.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.domain.partials import Block, Group
from alert_rule_engine.domain.rules import Watch

Held = Callable[[range], Iterable[tuple[int, Group, int]]]
"""Returns start, group and count of the panes that start at these times, in all buckets."""
PanesOf = Callable[[int], SpecPanes]
"""Returns the panes of the bucket of a slot."""

ALWAYS: Final = -1
"""The limit of panes of which each row is to be looked at."""
_NOTHING: Final[Mapping[int, int]] = MappingProxyType({})


class Grown(NamedTuple):
    """A window that may hold now."""

    slot: int
    group: Group
    start: int
    before: int
    """Events that it had before."""
    after: int


class Tumbled:
    """Counts of the groups in tumbling windows, by start of the window.

    They are made when the fullest groups of a window's panes together have enough events; before,
    none of its groups can have: that spares most windows two looks into a dictionary for each row.
    Each pane is told to how many events its groups may come before anybody has to look again: what
    the panes of a window may have together is never enough.
    """

    __slots__ = ("_allowed", "_held", "_high", "_low", "_pane", "_size", "_windows")

    def __init__(self, watch: Watch, pane: int, held: Held) -> None:
        self._low, self._high = watch.low, watch.high
        self._size = watch.shape.size
        self._pane = pane
        self._held = held
        self._windows: dict[int, dict[Group, int]] = {}
        self._allowed: dict[int, dict[int, int]] = {}
        """By window that is not made yet, and by pane: what its fullest group may have."""

    def limit(self, start: int) -> int:
        """Return how many events a group may have in a pane before any window may hold."""
        window = start - start % self._size
        if window in self._windows:
            return ALWAYS
        return self._allowed.get(window, _NOTHING).get(start, 0)

    def may_hold(self, start: int, peak: int) -> bool:
        """Tell whether any group may have enough events; `peak`: the most that one has in a pane.

        Unless it is so, there is nothing to `grow`, and the limits of panes may be others now.
        """
        window = start - start % self._size
        if window in self._windows:
            return True
        allowed = self._allowed.get(window)
        if allowed is None or not _allow(allowed, start, peak, self._low):
            allowed = self._allowed[window] = self._peaks(window)
            if not _allow(allowed, start, peak, self._low):
                del self._allowed[window]
                return True
        return False

    def _peaks(self, window: int) -> dict[int, int]:
        starts = range(window, window + self._size, self._pane)
        peaks = dict.fromkeys(starts, 0)
        for start, _, count in self._held(starts):
            peaks[start] = max(peaks[start], count)
        return peaks

    def grow(self, block: Block, settled: int) -> list[Grown]:
        """Add rows, already in their panes, of a pane; return the windows that may hold now.

        `settled`: of windows that end by then the lateness is over.
        """
        window = block.start - block.start % self._size
        if window + self._size <= settled:
            return []
        sums = self._windows.get(window)
        if sums is None:
            # The rows are in the panes already: they are taken out before they are added.
            sums = self._windows[window] = self._summed(window)
            for group, count in zip(block.groups, block.counts, strict=True):
                sums[group] -= count
        low, high = self._low, self._high
        known = sums.get
        grown = []
        for slot, group, count in zip(block.slots, block.groups, block.counts, strict=True):
            before = known(group, 0)
            total = before + count
            sums[group] = total
            if total >= low and before < high:
                grown.append(Grown(slot, group, window, before, total))
        return grown

    def _summed(self, window: int) -> dict[Group, int]:
        sums: dict[Group, int] = {}
        for _, group, count in self._held(range(window, window + self._size, self._pane)):
            sums[group] = sums.get(group, 0) + count
        return sums

    def forget(self, watermark: int, horizon: int) -> None:
        """Drop windows of which no pane is left."""
        last = watermark - self._size - horizon
        for known in (self._windows, self._allowed):
            for start in [start for start in known if start <= last]:
                del known[start]


def _allow(allowed: dict[int, int], start: int, peak: int, low: int) -> bool:
    """Let a pane have `peak` events, and half of those that are left; tell whether there are any.

    `low`: what all panes together may not have.
    """
    allowed[start] = max(allowed[start], peak)
    left = low - 1 - sum(allowed.values())
    if left < 0:
        return False
    allowed[start] += left // 2
    return True


class Slid:
    """Counts of the groups in the first to end of the windows that hold their newest pane.

    It has seen what the others that hold the pane have, and more: none is crossed before it.
    """

    def __init__(self, watch: Watch, pane: int, panes_of: PanesOf) -> None:
        self._watch = watch
        self._pane = pane
        self._panes_of = panes_of
        self._windows: dict[Group, list[int]] = {}
        """Start and count."""

    def limit(self, _start: int) -> int:
        """Return how many events a group may have in a pane before any window may hold."""
        return ALWAYS

    def may_hold(self, _start: int, _peak: int) -> bool:
        """Tell whether there is anything to `grow`."""
        return True

    def grow(self, block: Block, settled: int) -> list[Grown]:
        """Add rows, already in their panes, of a pane; return the windows that may hold now.

        `settled`: of windows that end by then the lateness is over.
        """
        shape, start = self._watch.shape, block.start
        first = (settled - shape.size) // shape.step * shape.step + shape.step
        held = max(first, shape.holding(start, self._pane))
        windows = range(held, start + 1, shape.step)
        if not windows:
            return []
        low, high = self._watch.low, self._watch.high
        known = self._windows.get
        grown: list[Grown] = []
        for slot, group, count in zip(block.slots, block.groups, block.counts, strict=True):
            window = known(group)
            if window is None or window[0] != held:
                window = self._moved(slot, group, held, window)
                if window[0] != held:
                    grown.extend(self._older(slot, group, windows, count, window[0]))
                    continue
            else:
                window[1] += count
            if window[1] >= low and window[1] - count < high:
                grown.append(Grown(slot, group, held, window[1] - count, window[1]))
        return grown

    def _moved(self, slot: int, group: Group, held: int, window: list[int] | None) -> list[int]:
        """Return the window of a group's newest pane, counted anew unless that is no newer."""
        panes = self._panes_of(slot)
        if window is None:
            held = max(held, self._watch.shape.holding(panes.newest(group), self._pane))
        elif window[0] > held:
            window[1] = panes.count(group, window[0], window[0] + self._watch.shape.size)
            return window
        count = panes.count(group, held, held + self._watch.shape.size)
        self._windows[group] = [held, count]
        return self._windows[group]

    def _older(
        self, slot: int, group: Group, windows: range, count: int, newest: int
    ) -> Iterable[Grown]:
        """Yield of the windows that hold a pane which is older than the group's newest."""
        panes = self._panes_of(slot)
        total, counted = 0, range(0)
        for window in windows:
            if window > newest:
                break
            end = window + self._watch.shape.size
            if counted:
                total -= panes.count(group, counted.start, window)
                total += panes.count(group, counted.stop, end)
            else:
                total = panes.count(group, window, end)
            counted = range(window, end)
            if total >= self._watch.low and total - count < self._watch.high:
                yield Grown(slot, group, window, total - count, total)

    def forget(self, watermark: int, horizon: int) -> None:
        """Drop windows of which no pane is left."""
        size = self._watch.shape.size
        old = [
            group
            for group, (start, _) in self._windows.items()
            if start + size + horizon <= watermark
        ]
        for group in old:
            del self._windows[group]
