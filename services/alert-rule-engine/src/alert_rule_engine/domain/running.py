"""Window counts that are kept up to date while rows come in: which have grown enough to be judged.

They follow from the panes at any time, so they are never stored.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.rules import Watch

Held = Callable[[int], Iterable[tuple[Group, int]]]
"""Returns the groups of a pane, with their counts, in all buckets."""
PanesOf = Callable[[int], SpecPanes]
"""Returns the panes of the bucket of a slot."""


class Grown(NamedTuple):
    """A window that may hold now."""

    slot: int
    group: Group
    start: int
    before: int
    """Events that it had before."""
    after: int


class _Quiet:
    """A window of which no group can have enough events yet."""

    __slots__ = ("peaks", "together")

    def __init__(self, peaks: dict[int, int]) -> None:
        self.peaks = peaks
        """By pane: how many events its fullest group has."""
        self.together = sum(peaks.values())


class Tumbled:
    """Counts of the groups in tumbling windows, by start of the window.

    They are made when the fullest groups of a window's panes together have enough events; before,
    none of its groups can have: that spares most windows two looks into a dictionary for each row.
    """

    __slots__ = ("_held", "_high", "_low", "_pane", "_quiet", "_size", "_windows")

    def __init__(self, watch: Watch, pane: int, held: Held) -> None:
        self._low, self._high = watch.low, watch.high
        self._size = watch.shape.size
        self._pane = pane
        self._held = held
        self._windows: dict[int, dict[Group, int]] = {}
        self._quiet: dict[int, _Quiet] = {}
        """Windows that are not made yet."""

    def may_hold(self, start: int, peak: int) -> bool:
        """Tell whether any group may have enough events; `peak`: the most that one has in a pane.

        Unless it is so, there is nothing to `grow`.
        """
        window = start - start % self._size
        quiet = self._quiet.get(window)
        if quiet is None:
            if window in self._windows:
                return True
            quiet = self._quiet[window] = self._peaks(window)
        elif peak > quiet.peaks[start]:
            quiet.together += peak - quiet.peaks[start]
            quiet.peaks[start] = peak
        if quiet.together < self._low:
            return False
        del self._quiet[window]
        return True

    def _peaks(self, window: int) -> "_Quiet":
        panes = range(window, window + self._size, self._pane)
        return _Quiet({at: max((n for _, n in self._held(at)), default=0) for at in panes})

    def grow(
        self, start: int, slots: Sequence[int], groups: Sequence[Group], counts: Sequence[int]
    ) -> list[Grown]:
        """Add rows, already in their panes, of a pane; return the windows that may hold now."""
        window = start - start % self._size
        sums = self._windows.get(window)
        if sums is None:
            # The rows are in the panes already: they are taken out before they are added.
            sums = self._windows[window] = self._summed(window)
            for group, count in zip(groups, counts, strict=True):
                sums[group] -= count
        low, high = self._low, self._high
        known = sums.get
        grown = []
        for slot, group, count in zip(slots, groups, counts, strict=True):
            before = known(group, 0)
            total = before + count
            sums[group] = total
            if total >= low and before < high:
                grown.append(Grown(slot, group, window, before, total))
        return grown

    def _summed(self, window: int) -> dict[Group, int]:
        sums: dict[Group, int] = {}
        for start in range(window, window + self._size, self._pane):
            for group, count in self._held(start):
                sums[group] = sums.get(group, 0) + count
        return sums

    def forget(self, watermark: int, horizon: int) -> None:
        """Drop windows of which no pane is left."""
        known = (*self._windows, *self._quiet)
        for start in [start for start in known if start + self._size + horizon <= watermark]:
            self._windows.pop(start, None)
            self._quiet.pop(start, None)


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

    def may_hold(self, _start: int, _peak: int) -> bool:
        """Tell whether there is anything to `grow`."""
        return True

    def grow(
        self, start: int, slots: Sequence[int], groups: Sequence[Group], counts: Sequence[int]
    ) -> list[Grown]:
        """Add rows, already in their panes, of a pane; return the windows that may hold now."""
        held = self._watch.shape.holding(start, self._pane)
        low, high = self._watch.low, self._watch.high
        known = self._windows.get
        grown: list[Grown] = []
        for slot, group, count in zip(slots, groups, counts, strict=True):
            window = known(group)
            if window is None or window[0] != held:
                window = self._moved(slot, group, held, window)
                if window[0] != held:
                    grown.extend(self._older(slot, group, start, count, window[0]))
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
        self, slot: int, group: Group, start: int, count: int, newest: int
    ) -> Iterable[Grown]:
        """Yield the windows that hold a pane which is older than the group's newest."""
        shape = self._watch.shape
        panes = self._panes_of(slot)
        for window in shape.all_holding(start, self._pane):
            if window > newest:
                break
            total = panes.count(group, window, window + shape.size)
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
