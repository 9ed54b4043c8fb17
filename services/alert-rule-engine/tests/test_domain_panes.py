"""The panes of a group name it by one tuple; a group is known for as long as it has any."""

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, tuples

from alert_contracts.rules import RuleType
from alert_rule_engine.domain.aggregates import Cell
from alert_rule_engine.domain.panes import Slice, SpecPanes
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error

PANE = 10


def slices_in(pipeline: Pipeline) -> list[Slice]:
    buckets = [bucket for journal in pipeline.journals for bucket in journal.partition.buckets]
    panes = [each for bucket in buckets for each in bucket.specs.values()]
    return [mine for each in panes for mine in each.slices.values()]


@given(lists(tuples(integers(0, 5), integers(0, 3), integers(0, 9)), max_size=40))
def test_the_groups_that_are_known_are_those_that_have_panes(
    rows: list[tuple[int, int, int]],
) -> None:
    panes = SpecPanes(PANE)
    newest = 0
    for pane, number, luck in rows:
        start, group = pane * PANE, (f"s{number}",)
        if group not in panes.opened(start):
            panes.put(start, group, Cell(1, 0, 0, 0))
        newest = max(newest, start)
        if luck > 7:
            panes.forget(2 * PANE, newest)
        held = [each for mine in panes.slices.values() for each in mine]
        assert set(panes.groups) == set(held)
        assert panes.size() == len(held)


def test_nothing_is_kept_of_a_group_without_panes_however_often_it_is_asked_for() -> None:
    panes = SpecPanes(PANE)
    panes.put(0, ("gone",), Cell(7, 0, 0, 0))
    for end in range(PANE, 9 * PANE, PANE):
        whole = panes.rolled(("gone",), end - 2 * PANE, end, 2 * PANE)
        assert whole.count == (7 if end <= 2 * PANE else 0)
        panes.forget(2 * PANE, end)
    assert not panes.sums


def test_all_panes_of_a_group_name_it_by_one_tuple_after_a_restart_too() -> None:
    pipeline = Pipeline(a_rule())
    for pane in range(6):
        pipeline.post(an_error(NOON + pane * 10_000), an_error(NOON + pane * 10_000, "other"))
    for _ in range(2):
        held = [group for mine in slices_in(pipeline) for group in mine]
        assert len(held) == 12
        assert len({id(group) for group in held}) == 2
        pipeline.flush()
        pipeline.crash()


def test_panes_that_one_record_brought_share_its_place_after_a_restart() -> None:
    pipeline = Pipeline(a_rule(max_groups=100))
    for _ in range(20):  # Python has but one of each of the numbers below 257
        pipeline.post(*(an_error(service=f"s{number}") for number in range(50)))
    pipeline.flush()
    pipeline.crash()
    cells = [cell for mine in slices_in(pipeline) for cell in mine.values()]
    assert [len({cell.last for cell in cells}), len({id(cell.last) for cell in cells})] == [1, 1]
    assert len(cells) == 50


@pytest.mark.parametrize(("others", "trace"), [((), "00-trace"), (("shop",), None)])
def test_an_alert_that_a_boundary_makes_has_no_trace_that_may_be_of_another_group(
    others: tuple[str, ...], trace: str | None
) -> None:
    pipeline = Pipeline(a_rule(RuleType.LATENCY, threshold=100, min_count=1, max_groups=100))
    quick = [an_error(service=name, response_time=1.0) for name in others]
    pipeline.post(an_error(response_time=900.0), *quick)
    for second in range(0, 60, 2):
        pipeline.tick(NOON + second * 1_000)
    assert [alert.traceparent for alert in pipeline.alerts] == [trace]
