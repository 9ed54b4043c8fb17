"""Sums of windows that overlap, one after the other."""

from collections import deque

from alert_rule_engine.domain.aggregates import Cell, Sum
from alert_rule_engine.domain.panes import NO_SLICE, SpecPanes
from alert_rule_engine.domain.partials import Group


class Rolling:
    """Sums of a group's windows, asked for in the order of time: a pane is added once."""

    __slots__ = ("_cells", "_end", "_group", "_highs", "_lows", "_panes", "_sum")

    def __init__(self, panes: SpecPanes, group: Group) -> None:
        self._panes = panes
        self._group = group
        self._begin(0)

    def _begin(self, start: int) -> None:
        self._end = start
        self._sum = Sum()
        self._cells: deque[tuple[int, Cell]] = deque()
        self._lows: deque[tuple[int, float]] = deque()
        self._highs: deque[tuple[int, float]] = deque()

    def window(self, start: int, end: int) -> Sum:
        """Return the sum of [start, end), to be used before the next is asked for."""
        if start >= self._end or self._sum.distinct is not None:
            self._begin(start)
        cells, whole = self._cells, self._sum
        while cells and cells[0][0] < start:
            whole.subtract(cells.popleft()[1])
        for at in range(self._end, end, self._panes.pane):
            cell = self._panes.slices.get(at, NO_SLICE).get(self._group)
            if cell is not None:
                self._add(at, cell)
        self._end = max(self._end, end)
        self._bound(start)
        return whole

    def _add(self, at: int, cell: Cell) -> None:
        self._cells.append((at, cell))
        self._sum.add(cell)
        if cell.figures is not None and cell.figures.number:
            low, high = cell.figures.low, cell.figures.high
            while self._lows and self._lows[-1][1] >= low:
                self._lows.pop()
            self._lows.append((at, low))
            while self._highs and self._highs[-1][1] <= high:
                self._highs.pop()
            self._highs.append((at, high))

    def _bound(self, start: int) -> None:
        """Find the least and the largest number, which no subtraction tells."""
        while self._lows and self._lows[0][0] < start:
            self._lows.popleft()
        while self._highs and self._highs[0][0] < start:
            self._highs.popleft()
        if self._lows:
            self._sum.low, self._sum.high = self._lows[0][1], self._highs[0][1]
