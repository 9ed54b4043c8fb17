"""Aggregates merge in any order."""

from hypothesis import given
from hypothesis.strategies import SearchStrategy, builds, integers, lists, sampled_from

from alert_rule_engine.domain.aggregates import Aggregate, Arrival, unpack
from alert_rule_engine.domain.partials import Moment, Row, Values
from alert_rule_engine.domain.sketch import sketch_of

numbers = lists(integers(-1_000, 1_000).map(float), min_size=1, max_size=5)


def _row(values: list[float], count: int, at: int, form: str) -> Row:
    found = Values(len(values), sum(values), min(values), max(values), sketch_of(values))
    if form == "no sketch":
        found.sketch = None
    return Row(
        slot=0,
        group=("pay",),
        start=0,
        count=count,
        errors=count // 2,
        values=None if form == "no values" else found,
        first=None if form == "no samples" else Moment(at, b"a"),
        last=None if form == "no samples" else Moment(at + count, b"b"),
    )


rows: SearchStrategy[Row] = builds(
    _row,
    numbers,
    integers(1, 9),
    integers(0, 99),
    sampled_from(["whole", "no values", "no samples", "no sketch"]),
)
arrivals = builds(
    Arrival, integers(0, 3), integers(0, 9), integers(0, 99), sampled_from([None, "00-t"])
)


def aggregate_of(*parts: tuple[Row, Arrival]) -> Aggregate:
    whole = Aggregate()
    for row, arrival in parts:
        whole.add(row, arrival)
    return whole


def merged(*parts: Aggregate) -> list[object]:
    whole = Aggregate()
    for part in parts:
        whole.merge(part)
    packed = whole.pack()
    packed[9] = sorted(packed[9])
    return packed


parts = lists(builds(lambda row, arrival: (row, arrival), rows, arrivals), max_size=6)


@given(a=parts, b=parts, c=parts)
def test_merging_is_commutative_and_associative(
    a: list[tuple[Row, Arrival]], b: list[tuple[Row, Arrival]], c: list[tuple[Row, Arrival]]
) -> None:
    one, two, three = aggregate_of(*a), aggregate_of(*b), aggregate_of(*c)
    assert merged(one, two, three) == merged(three, one, two)
    both = Aggregate()
    both.merge(two)
    both.merge(three)
    assert merged(one, both) == merged(one, two, three)
    assert merged(aggregate_of(*a, *b, *c)) == merged(one, two, three)


@given(parts)
def test_what_is_packed_is_unpacked(held: list[tuple[Row, Arrival]]) -> None:
    whole = aggregate_of(*held)
    assert unpack(whole.pack()).pack() == whole.pack()


def test_a_window_without_numbers_has_no_average_and_no_percentile() -> None:
    whole = aggregate_of((_row([1.0], 3, 0, "no values"), Arrival(0, 0, 0, None)))
    assert whole.seen(60_000) == {"count": 3, "total": 3, "errors": 1, "rate": 0.05}
    assert whole.percentiles() == {}


def test_a_percentile_never_leaves_the_range_that_was_seen() -> None:
    whole = aggregate_of((_row([7.0], 1, 0, "whole"), Arrival(0, 0, 0, None)))
    assert whole.percentiles() == {"p50": 7.0, "p90": 7.0, "p95": 7.0, "p99": 7.0}
    assert whole.seen(1_000)["avg"] == 7.0
