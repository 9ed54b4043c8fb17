"""The sketch keeps its promise of one percent and merges in any order."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis.strategies import floats, lists, sampled_from

from alert_rule_engine.domain import sketch

SHARES = [0.01, 0.5, 0.9, 0.95, 0.99, 1.0]
SINGLE = 2.0**-23
"""What rounding to single precision may add."""
numbers = lists(
    floats(min_value=-1e12, max_value=1e12, allow_nan=False, allow_infinity=False),
    min_size=1,
    max_size=200,
)


def sketch_of(values: Sequence[float]) -> sketch.Sketch:
    return dict(Counter(sketch.bins_of(values)))


def quantile(found: sketch.Sketch, share: float) -> float:
    """Return the value at rank ceil(share * n)."""
    bins = sorted(Counter(found).elements())
    return sketch.value_of(bins[max(1, math.ceil(share * len(bins))) - 1])


def exact(values: Sequence[float], share: float) -> float:
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


def is_close(found: float, value: float) -> bool:
    return abs(found - value) <= abs(value) * (sketch.RELATIVE_ERROR + SINGLE) + sketch.SMALLEST


def test_the_promise_is_one_percent() -> None:
    assert sketch.RELATIVE_ERROR < 0.01


@pytest.mark.parametrize("share", SHARES)
@given(values=numbers)
def test_a_percentile_is_within_one_percent_of_the_exact_answer(
    values: list[float], share: float
) -> None:
    assert is_close(quantile(sketch_of(values), share), exact(values, share))


@pytest.mark.parametrize(
    "draw",
    [
        lambda random: random.lognormvariate(5, 1.5),
        lambda random: random.paretovariate(0.8),
        lambda random: random.uniform(0, 1_000),
        lambda random: random.gauss(0, 50),
        lambda random: float(random.choice([1, 2, 4_096, 4_096, 65_535])),
    ],
    ids=["lognormal", "pareto", "uniform", "gauss", "steps"],
)
def test_percentiles_of_what_services_measure_are_within_one_percent(
    draw: Callable[[Random], float],
) -> None:
    random = Random(7)  # noqa: S311 - reproducible
    values = [draw(random) for _ in range(5_000)]
    found = sketch_of(values)
    for share in SHARES:
        assert is_close(quantile(found, share), exact(values, share))


@given(one=numbers, other=numbers)
def test_merging_is_counting_together_in_any_order(one: list[float], other: list[float]) -> None:
    there = sketch_of(one)
    sketch.merge(there, sketch_of(other))
    back = sketch_of(other)
    sketch.merge(back, sketch_of(one))
    assert there == back == sketch_of(one + other)


@given(values=numbers)
def test_greater_numbers_lie_in_greater_bins(values: list[float]) -> None:
    bins = sketch.bins_of(sorted(values))
    assert all(low <= high for low, high in pairwise(bins))
    answers = [sketch.value_of(each) for each in sorted(set(bins))]
    assert all(low < high for low, high in pairwise(answers))


@given(value=sampled_from([0.0, -0.0, 1e-300, -1e-300, 5e-324, float("nan"), sketch.SMALLEST / 2]))
def test_what_is_next_to_nothing_is_zero(value: float) -> None:
    assert sketch.bins_of([value]) == [0]
    assert sketch.value_of(0) == 0.0


@pytest.mark.parametrize("value", [1e16, 1e300, float("inf")])
def test_the_number_of_bins_is_bounded_whatever_comes(value: float) -> None:
    highest = sketch.bins_of([sketch.LARGEST])
    assert sketch.bins_of([value]) == highest
    assert sketch.bins_of([-value]) == [-highest[0]]
    assert 2 * highest[0] + 1 < 10_000


@pytest.mark.parametrize(
    ("value", "bounded"),
    [(1e300, sketch.LARGEST_ADDED), (-1e300, -sketch.LARGEST_ADDED), (5e15, 5e15), (7.0, 7.0)],
)
def test_a_number_is_bounded_before_it_is_added_up(value: float, bounded: float) -> None:
    assert sketch.bounded(value) == bounded
