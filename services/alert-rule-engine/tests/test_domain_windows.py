"""Panes divide windows."""

import pytest
from hypothesis import given
from hypothesis.strategies import integers

from alert_rule_engine.domain.windows import MAX_PANES, Shape, boundaries, pane_length, shape_of
from alert_rule_engine.testing import sliding, tumbling


@pytest.mark.parametrize(
    ("size", "pane"),
    [
        (300_000, 10_000),
        (60_000, 10_000),
        (30_000, 5_000),
        (20_000, 2_500),
        (10_000, 1_000),
        (1_000, 100),
        (86_400_000, 240_000),
        (61_234, 61_234),
    ],
)
def test_a_pane_is_ten_seconds_but_finer_for_short_windows_and_coarser_for_long_ones(
    size: int, pane: int
) -> None:
    assert pane_length(size, size) == pane


@given(integers(min_value=1, max_value=7 * 86_400_000))
def test_a_window_is_a_bounded_number_of_whole_panes(size: int) -> None:
    pane = pane_length(size, size)
    assert size % pane == 0
    assert 1 <= size // pane <= 2 * MAX_PANES


def test_a_tumbling_window_holds_its_panes_and_a_sliding_one_ends_with_its_newest() -> None:
    assert shape_of(tumbling(60_000)).holding(130_000, 10_000) == 120_000
    assert shape_of(sliding(60_000)).holding(130_000, 10_000) == 80_000
    assert shape_of(sliding(60_000)) == Shape(60_000, 10_000)


@given(
    step=integers(min_value=1, max_value=60).map(lambda n: n * 1_000),
    steps=integers(min_value=1, max_value=20),
    at=integers(min_value=0, max_value=10**9),
)
def test_a_hopping_window_holds_whole_panes_and_each_pane_lies_in_as_many_as_steps_fit(
    step: int, steps: int, at: int
) -> None:
    shape = Shape(step * steps, step)
    pane = pane_length(*shape)
    start = at - at % pane
    assert step % pane == 0
    naive = [
        window
        for window in range(start // step * step - shape.size, start + 1, step)
        if window <= start and start + pane <= window + shape.size
    ]
    assert list(shape.all_holding(start, pane)) == naive
    assert shape.holding(start, pane) == naive[0]


def test_boundaries_are_the_multiples_after_one_time_and_until_another() -> None:
    assert list(boundaries(10, 30, 10)) == [20, 30]
    assert list(boundaries(11, 19, 10)) == []
