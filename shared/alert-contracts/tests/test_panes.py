"""Panes divide windows."""

import pytest
from hypothesis import given
from hypothesis.strategies import integers

from alert_contracts.panes import MAX_PANES, pane_length


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
    assert 1 <= size // pane <= MAX_PANES
