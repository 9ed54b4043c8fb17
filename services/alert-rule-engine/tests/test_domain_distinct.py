"""Distinct values are counted exactly while they are few, then about, in any order."""

import math
import sys
from functools import reduce
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists

from alert_rule_engine.domain.distinct import (
    EXACT,
    Distinct,
    count_of,
    hash_of,
    merged,
    unpack,
)
from alert_rule_engine.domain.hyperloglog import Registers

STANDARD_ERROR = 0.0163
WITHIN = 0.042
"""Of 99 % of windows; docs/rules.md says so."""
hashes = integers(0, 2**64 - 1)


def of(*values: int) -> Distinct:
    made = Distinct()
    made.add(values)
    return made


def some(count: int, seed: int = 1) -> list[int]:
    random = Random(seed)  # noqa: S311 - reproducible
    return [random.getrandbits(64) for _ in range(count)]


@given(values=lists(hashes, max_size=300))
def test_few_are_counted_exactly(values: list[int]) -> None:
    assert of(*values, *values).count() == len(set(values))


def test_the_last_exact_count_is_the_bound() -> None:
    assert of(*some(EXACT)).count() == EXACT
    assert of(*some(EXACT + 1)).count() > EXACT


def test_two_that_are_many_are_merged_as_if_they_were_one() -> None:
    one, other = some(EXACT + 500, 1), some(EXACT + 900, 2)
    assert merged([of(*one), of(*other)]).pack() == of(*one, *other).pack()


@pytest.mark.parametrize("size", [1_500, 5_000, 50_000, 400_000])
def test_many_are_counted_within_the_standard_error(size: int) -> None:
    rounds = max(3, 200_000 // size)
    errors = [of(*some(size, seed)).count() / size - 1 for seed in range(rounds)]
    assert math.sqrt(sum(error**2 for error in errors) / rounds) <= STANDARD_ERROR * 1.3
    assert max(map(abs, errors)) <= 4 * STANDARD_ERROR


@pytest.mark.parametrize("size", [1_100, 3_000, 20_000])
def test_of_a_hundred_estimates_one_is_off_by_more_than_is_told(size: int) -> None:
    rounds = 600_000 // size
    far = [abs(of(*some(size, seed)).count() / size - 1) > WITHIN for seed in range(rounds)]
    assert sum(far) <= max(1, 0.02 * rounds)


@given(seed=integers(0, 1_000), size=integers(0, 3_000), cuts=lists(integers(0, 3_000), max_size=5))
def test_whatever_the_order_and_the_parts_the_answer_is_the_same(
    seed: int, size: int, cuts: list[int]
) -> None:
    values = some(size, seed)
    whole = of(*values)
    Random(seed).shuffle(values)  # noqa: S311
    edges = [0, *sorted(min(cut, size) for cut in cuts), size]
    parts = [of(*values[low:high]) for low, high in pairwise(edges)]
    for order in (parts, parts[::-1]):
        assert merged(order).pack() == whole.pack()
        assert merged(order).count() == whole.count()
    assert reduce(lambda left, right: merged([right, left]), parts).pack() == whole.pack()


def test_the_count_never_falls() -> None:
    growing, last = Distinct(), 0
    for value in some(4_000):
        growing.add([value])
        assert growing.count() >= last
        last = growing.count()


@given(seed=integers(0, 1_000), one=integers(0, 5_000), other=integers(0, 5_000))
def test_a_merge_counts_no_fewer_than_either(seed: int, one: int, other: int) -> None:
    left, right = of(*some(one, seed)), of(*some(other, seed + 1))
    assert merged([left, right]).count() >= max(left.count(), right.count())


@pytest.mark.parametrize("size", [0, 1, EXACT, EXACT + 1])
def test_what_was_packed_is_unpacked(size: int) -> None:
    first = of(*some(size))
    again = unpack(first.pack())
    assert again.pack() == first.pack()
    for each in (first, again):
        each.add(some(500, seed=2))
    assert again.count() == first.count()
    assert len(first.pack()) <= 1 + 8 * EXACT


def test_what_an_older_version_packed_is_read_and_packed_the_same() -> None:
    few = b"h" + (1).to_bytes(8, "little") + (2**63).to_bytes(8, "little")
    assert list(unpack(few).hashes) == [1, 2**63]
    many = b"r" + bytes(range(1, 53)) + bytes(4_096 - 52)
    assert [unpack(each).pack() for each in (few, many)] == [few, many]


def test_a_merge_leaves_what_was_merged_as_it_was() -> None:
    few, many = of(*some(10)), of(*some(2_000, seed=2))
    before = few.pack(), many.pack()
    both = merged([many, few])
    both.add(some(5_000, seed=3))
    assert (few.pack(), many.pack()) == before


def test_equal_values_have_equal_hashes_and_others_have_others() -> None:
    assert hash_of("alice") == hash_of("alice")
    assert of(*(hash_of(str(number % 700)) for number in range(2_000))).count() == 700


def test_registers_answer_at_their_ends() -> None:
    assert Registers().estimate() == 0
    longest = Registers()
    longest.add(index << 52 for index in range(4_095))
    assert longest.estimate() > 10_000_000


@given(seed=integers(0, 1_000), rows=lists(lists(integers(0, 1_500), max_size=400), max_size=12))
def test_rows_of_any_size_are_counted_as_a_set_counts_them(
    seed: int, rows: list[list[int]]
) -> None:
    """Rows share values; some are put where they belong, of others all is sorted anew."""
    values = some(1_501, seed)
    made, exact = Distinct(), set[int]()
    for row in rows:
        hashes = sorted({values[number] for number in row})
        made.add(hashes)
        exact.update(hashes)
        if len(exact) <= EXACT:
            assert made.count() == len(exact)
            assert list(made.hashes) == sorted(exact)
        assert made.pack() == of(*exact).pack()
    assert count_of([made, made]) == made.count()


def test_a_pane_takes_eight_bytes_a_value_and_no_more_than_so_many() -> None:
    for size in (10, 100, EXACT):
        one_by_one = Distinct()
        for value in some(size):
            one_by_one.add([value])
        for made in (of(*some(size)), one_by_one, unpack(of(*some(size)).pack())):
            assert sys.getsizeof(made.hashes) <= 9 * size + 160
