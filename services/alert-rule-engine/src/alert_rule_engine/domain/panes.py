"""The panes of one bucket: filling, summing into windows, forgetting. Knows no alert."""

from collections.abc import Iterator
from typing import NamedTuple

from alert_rule_engine.domain.aggregates import Aggregate, Arrival
from alert_rule_engine.domain.partials import Group, Row
from alert_rule_engine.domain.windows import Shape


class Running(NamedTuple):
    """A window sum that is kept up to date while rows come in."""

    start: int
    sum: Aggregate


class SpecPanes:
    """The panes of one pane spec, by start and group."""

    __slots__ = ("groups", "pane", "running", "slices", "weight")

    def __init__(self, pane: int) -> None:
        self.pane = pane
        self.slices: dict[int, dict[Group, Aggregate]] = {}
        self.groups: dict[Group, int] = {}
        """How many panes each group has."""
        self.running: dict[Shape, dict[Group, Running]] = {}
        self.weight = 0
        """Bytes of samples in the panes."""

    def put(self, start: int, group: Group, pane: Aggregate) -> None:
        """Set a pane that is not there yet."""
        self.slices.setdefault(start, {})[group] = pane
        self.groups[group] = self.groups.get(group, 0) + 1
        self.weight += pane.weight()

    def fill(self, row: Row, arrival: Arrival) -> None:
        """Add a row to its pane and to the running windows that hold it."""
        pane = self.slices.get(row.start, {}).get(row.group)
        if pane is None:
            pane = Aggregate()
            self.put(row.start, row.group, pane)
        before = pane.weight()
        pane.add(row, arrival)
        self.weight += pane.weight() - before
        for shape, windows in self.running.items():
            window = windows.get(row.group)
            if window is not None and window.start <= row.start < window.start + shape.size:
                window.sum.add(row, arrival)

    def window(self, group: Group, start: int, end: int) -> Aggregate:
        """Return the sum of a group's panes in [start, end)."""
        whole = Aggregate()
        for at in range(start, end, self.pane):
            pane = self.slices.get(at, {}).get(group)
            if pane is not None:
                whole.merge(pane)
        return whole

    def newest(self, group: Group) -> int:
        """Return the start of a group's newest pane; it has one."""
        return max(start for start, held in self.slices.items() if group in held)

    def crossable(self, shape: Shape, row: Row) -> Iterator[tuple[int, Aggregate]]:
        """Yield the windows (start, sum) that a row, already filled in, may have pushed over.

        The newest window that holds the pane comes from the running sum. A row older than the
        group's newest pane also touches sliding windows that end earlier: those are summed anew.
        """
        windows = self.running.setdefault(shape, {})
        held = shape.holding(row.start, self.pane)
        window = windows.get(row.group)
        if window is None or window.start < held:
            start = max(held, shape.holding(self.newest(row.group), self.pane))
            window = Running(start, self.window(row.group, start, start + shape.size))
            windows[row.group] = window
        if window.start == held:
            yield window
        elif shape.tumbling:
            yield held, self.window(row.group, held, held + shape.size)
        else:
            yield from self._slid(shape, row, window)

    def _slid(self, shape: Shape, row: Row, newest: Running) -> Iterator[tuple[int, Aggregate]]:
        last = min(row.start, newest.start)
        for start in range(shape.holding(row.start, self.pane), last + 1, self.pane):
            if start == newest.start:
                yield newest
            else:
                yield start, self.window(row.group, start, start + shape.size)

    def forget(self, horizon: int, watermark: int) -> list[int]:
        """Drop panes that ended `horizon` before the watermark; return their starts."""
        old = [start for start in self.slices if start + self.pane + horizon <= watermark]
        for start in old:
            for group, pane in self.slices.pop(start).items():
                self.weight -= pane.weight()
                left = self.groups[group] - 1
                if left:
                    self.groups[group] = left
                else:
                    self._leave(group)
        return old

    def _leave(self, group: Group) -> None:
        del self.groups[group]
        for windows in self.running.values():
            windows.pop(group, None)
