"""Sums of cells do not depend on any order."""

from hypothesis import given
from hypothesis.strategies import (
    SearchStrategy,
    builds,
    floats,
    integers,
    lists,
    permutations,
    sampled_from,
)

from alert_rule_engine.domain.aggregates import (
    MAX_REFERENCES,
    Cell,
    Sum,
    pack_reference,
    unpack_reference,
)
from alert_rule_engine.domain.partials import Numbers
from alert_rule_engine.domain.sketch import LARGEST_ADDED, bins_of

values = lists(floats(-1e9, 1e9), min_size=1, max_size=5)


def a_cell(found: list[float], count: int, form: str) -> Cell:
    cell = Cell(count, count // 2, 16, 32)
    if form == "distinct":
        cell.add_distinct([int(abs(value)) for value in found])
    if form in ("number", "sketch"):
        for _ in range(2):
            bins = bins_of(found) if form == "sketch" else None
            cell.add_numbers(Numbers(len(found), sum(found), min(found), max(found), bins))
    return cell


cells: SearchStrategy[Cell] = builds(
    a_cell, values, integers(1, 9), sampled_from(["number", "sketch", "distinct", "count"])
)


def seen(*parts: Cell) -> dict[str, float]:
    whole = Sum()
    for part in parts:
        whole.add(part)
    return whole.seen(60_000)


@given(lists(cells, max_size=6).flatmap(lambda held: permutations(held).map(lambda p: (held, p))))
def test_a_window_is_the_same_in_whatever_order_its_cells_are_summed(
    both: tuple[list[Cell], list[Cell]],
) -> None:
    assert seen(*both[0]) == seen(*both[1])


def test_summing_changes_no_cell() -> None:
    one, two = (a_cell([1.0, 2.0], 3, form) for form in ("sketch", "distinct"))
    before = repr((one, two.count))
    seen(one, one, two, two)
    assert repr((one, two.count)) == before


def test_a_window_without_numbers_has_no_average_and_no_percentile() -> None:
    assert seen(Cell(3, 1, 0, 0)) == {"count": 3, "total": 3, "errors": 1, "rate": 0.05}


def test_a_percentile_never_leaves_the_range_that_was_seen() -> None:
    view = seen(a_cell([7.0], 1, "sketch"))
    assert {view[name] for name in ("p50", "p90", "p95", "p99", "avg", "min", "max")} == {7.0}


def test_distinct_values_are_counted_once_over_all_cells() -> None:
    assert (
        seen(a_cell([1.0, 2.0], 2, "distinct"), a_cell([2.0, 3.0], 2, "distinct"))["distinct"] == 3
    )


def test_a_place_is_one_number() -> None:
    assert unpack_reference(pack_reference(11, 1 << 40)) == (11, 1 << 40)


def test_a_window_refers_to_some_of_its_records_the_first_and_the_last_among_them() -> None:
    whole = Sum()
    for number in range(100):
        whole.add(Cell(1, 0, number, number))
    references = whole.references()
    assert len(references) == MAX_REFERENCES
    assert (references[0], references[-1]) == (0, 99)
    assert references == sorted(set(references))


def numbered(*found: float) -> Cell:
    return a_cell(list(found), len(found), "sketch")


def test_a_cell_that_held_neither_end_can_be_taken_out_again() -> None:
    first, rest = numbered(5.0, 7.0), (numbered(1.0, 5.0), numbered(9.0))
    whole, part = Sum(), Sum()
    for cell in (first, *rest):
        whole.add(cell)
    for cell in rest:
        part.add(cell)
    assert whole.remove(first)
    assert whole.seen(1_000) == part.seen(1_000)
    assert whole.references() == part.references()


def test_a_cell_that_held_an_end_or_distinct_values_cannot() -> None:
    for first in (numbered(1.0), numbered(9.0), a_cell([3.0], 1, "distinct")):
        whole = Sum()
        for cell in (first, numbered(1.0, 9.0)):
            whole.add(cell)
        assert not whole.remove(first)


def test_numbers_without_bins_can_be_taken_out_too() -> None:
    first, last = a_cell([5.0], 1, "number"), a_cell([1.0, 9.0], 2, "number")
    whole, part = Sum(), Sum()
    whole.add(first)
    whole.add(last)
    part.add(last)
    assert whole.remove(first)
    assert whole.seen(1_000) == part.seen(1_000)


def test_distinct_values_have_no_room_among_numbers() -> None:
    cell = numbered(1.0)
    cell.add_distinct([1])
    assert "distinct" not in seen(cell)


def test_a_sum_of_the_largest_numbers_stays_finite() -> None:
    whole, cell = Sum(), Cell(10**12, 0, 16, 32)
    cell.add_numbers(Numbers(10**12, LARGEST_ADDED * 1e12, LARGEST_ADDED, 1e308))
    whole.add(cell)
    seen = whole.seen(60_000)
    assert (seen["sum"], seen["max"]) == (LARGEST_ADDED * 1e12, 1e308)
