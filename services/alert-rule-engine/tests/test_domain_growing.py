"""A window that grows row by row: its sum is that of its panes, whatever came in between."""

from hypothesis import given
from hypothesis.strategies import integers, lists, tuples

from alert_contracts.rules import RuleType
from alert_rule_engine.domain.aggregates import Cell, Sum
from alert_rule_engine.domain.panes import NO_SLICE, SpecPanes
from alert_rule_engine.domain.partials import Group, Numbers
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, sliding

PANE = 10
GROUP = ("pay",)
PANES = 6


class Adding(SpecPanes):
    """Panes that know how often a window was added up."""

    __slots__ = ("added",)

    def __init__(self) -> None:
        super().__init__(PANE)
        self.added = 0

    def window(self, group: Group, start: int, end: int) -> Sum:
        self.added += 1
        return super().window(group, start, end)


def row(panes: SpecPanes, start: int, value: int) -> None:
    """Add an event with a value to a pane."""
    cell = panes.slices.get(start, NO_SLICE).get(GROUP)
    if cell is None:
        cell = Cell(0, 0, value, value)
        panes.put(start, GROUP, cell)
    cell.count += 1
    cell.last = value
    cell.add_numbers(Numbers(1, float(value), value, value, [value]))
    cell.add_distinct([value])


@given(lists(tuples(integers(0, PANES - 1), integers(1, 3), integers(0, 9)), max_size=30))
def test_a_window_that_grows_is_the_sum_of_its_panes(rows: list[tuple[int, int, int]]) -> None:
    """In whatever panes rows come, asked for after some of them only, and panes forgotten."""
    panes = SpecPanes(PANE)
    for pane, value, luck in rows:
        row(panes, pane * PANE, value)
        if luck == 9:
            panes.forget(0, PANE)
        if luck > 4 and pane * PANE in panes.slices:
            plain = panes.window(GROUP, 0, PANES * PANE)
            grown = panes.growing(GROUP, 0, PANES * PANE, pane * PANE, plain.count)
            assert grown.seen(1_000) == plain.seen(1_000)
            assert grown.references() == plain.references()


def test_the_closed_panes_of_a_window_are_added_up_once() -> None:
    panes = Adding()
    for pane in range(PANES):
        row(panes, pane * PANE, pane)
    newest = (PANES - 1) * PANE
    for value in range(20):
        row(panes, newest, value)
        panes.growing(GROUP, 0, PANES * PANE, newest, PANES + value + 1)
    assert panes.added == 1


def test_a_sliding_count_of_values_fires_at_the_row_that_crosses() -> None:
    rule = a_rule(RuleType.CARDINALITY, value="host", threshold=5, window=sliding(60_000))
    pipeline = Pipeline(rule)
    for host in range(5):
        pipeline.post(an_error(NOON + host * 5_000, host=f"h{host}"))
        pipeline.post(an_error(NOON + host * 5_000, host="h0"))
    assert pipeline.alerts == []
    pipeline.post(an_error(NOON + 21_000, host="h5"))
    (alert,) = pipeline.alerts
    assert (alert.aggregates["distinct"], alert.aggregates["count"]) == (6, 11)


def test_the_values_of_closed_panes_are_merged_once() -> None:
    panes = SpecPanes(PANE)
    for pane in range(PANES):
        cell = Cell(1, 0, 0, 0)
        cell.add_distinct([pane])
        panes.put(pane * PANE, GROUP, cell)
        whole = panes.rolled(GROUP, 0, (pane + 1) * PANE, PANES * PANE)
        assert whole.seen(1_000)["distinct"] == pane + 1
        assert len(whole.distinct or ()) == 1
