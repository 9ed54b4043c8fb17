"""Panes divide windows."""

from hypothesis import given
from hypothesis.strategies import integers

from alert_contracts.panes import pane_length
from alert_rule_engine.domain.windows import Shape, boundaries, shape_of
from alert_rule_engine.testing import sliding, tumbling


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
