"""Late rows: which windows they are judged again in, each once, and what those then look like."""

from collections import deque
from collections.abc import Iterator

from alert_rule_engine.domain.aggregates import Cell, Sum
from alert_rule_engine.domain.alertbook import Witness
from alert_rule_engine.domain.conditions import CompiledRule, Judgement
from alert_rule_engine.domain.lifecycle import Look
from alert_rule_engine.domain.looks import look_of
from alert_rule_engine.domain.panes import NO_SLICE, SpecPanes
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.rules import SpecRules
from alert_rule_engine.domain.windows import boundaries

Witnesses = dict[int, Witness]
"""By the start of the pane that rows came to."""


class Late:
    """Closed panes to which rows of a partial came: their windows are judged when it is counted."""

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: dict[str, tuple[SpecRules, dict[Group, Witnesses]]] = {}

    def note(self, known: SpecRules, start: int, group: Group, witness: Witness) -> None:
        """Note rows of a group in a pane."""
        _, groups = self._groups.setdefault(known.spec.id, (known, {}))
        groups.setdefault(group, {})[start] = witness

    def take(self) -> Iterator[tuple[SpecRules, Group, Witnesses]]:
        """Yield what was noted since the last call."""
        noted, self._groups = self._groups, {}
        for known, groups in noted.values():
            for group, witnesses in groups.items():
                yield known, group, witnesses


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


def looks_again(
    rule: CompiledRule, panes: SpecPanes, group: Group, late: Witnesses, span: tuple[int, int]
) -> Iterator[Look]:
    """Yield the windows that late rows may have made hold, as far as they are closed.

    Each window that holds one of the panes is judged once more, as it is now. Under `for` it is
    judged at each boundary since: what lasts has a beginning. What ends windows is asked at their
    end alone, when their lateness is over, and what only grows was judged when it came.
    `span`: the first window of interest, and up to when windows were judged.
    """
    if rule.judgement is not Judgement.CLOSE:
        return
    (first, judged), shape, pane = span, rule.shape, panes.pane
    windows, before = Rolling(panes, group), Rolling(panes, group)
    for end in _ends(rule, pane, late, judged):
        start = shape.holding(end - pane, pane)
        if start < first:
            continue
        window = windows.window(start, end)
        if window.count < rule.rule.min_count and not rule.rule.hold:
            continue
        previous = before.window(start - shape.size, start) if rule.compares else None
        view = rule.view(window, previous)
        if rule.rule.hold or rule.holds(view) or rule.mistake(view):
            yield look_of(rule, panes, group, window, view, (start, end))


def witness_of(look: Look, late: Witnesses) -> Witness:
    """Return the witness of the newest rows that a window holds."""
    return late[max((start for start in late if start < look.at), default=min(late))]


def _ends(rule: CompiledRule, pane: int, late: Witnesses, judged: int) -> Iterator[int]:
    """Yield the ends of the windows that are over, and how far the open one is closed."""
    first, newest, until = min(late), max(late), min(judged, max(late) + rule.reach)
    if rule.rule.hold:
        yield from boundaries(first, until, pane)
        return
    size = rule.shape.size
    yield from rule.shape.ends(first, until)
    last = judged // pane * pane
    start = rule.shape.holding(last - pane, pane)
    if start + size > last and start <= newest + rule.reach - size:
        yield last
