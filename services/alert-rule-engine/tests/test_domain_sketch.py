"""The sketch keeps its promise of one percent and merges in any order."""

import math

import pytest
from hypothesis import given
from hypothesis.strategies import floats, lists

from alert_rule_engine.domain import sketch

numbers = lists(
    floats(min_value=-1e12, max_value=1e12, allow_nan=False, allow_infinity=False),
    min_size=1,
    max_size=200,
)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.99, 1.0])
@given(values=numbers)
def test_a_percentile_is_within_one_percent_of_the_exact_answer(
    values: list[float], share: float
) -> None:
    exact = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    found = sketch.quantile(sketch.sketch_of(values), share)
    assert abs(found - exact) <= abs(exact) * sketch.RELATIVE_ERROR * 1.000001 + sketch.SMALLEST


@given(one=numbers, other=numbers)
def test_merging_is_counting_together_in_any_order(one: list[float], other: list[float]) -> None:
    there = sketch.sketch_of(one)
    sketch.merge(there, sketch.sketch_of(other))
    back = sketch.sketch_of(other)
    sketch.merge(back, sketch.sketch_of(one))
    assert there == back == sketch.sketch_of(one + other)


def test_the_number_of_buckets_is_bounded_whatever_comes() -> None:
    extremes = [0.0, 1e-300, -1e-300, 1e300, -1e300, 5e-324]
    found = {sketch.bucket_of(value) for value in extremes}
    assert found == {0, sketch.bucket_of(sketch.LARGEST), -sketch.bucket_of(sketch.LARGEST)}
    assert 2 * sketch.bucket_of(sketch.LARGEST) + 1 < 5_000
