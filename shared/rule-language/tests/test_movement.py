"""What growth can do to an answer: the engine judges at once what it can only make true."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rule_language import Moves, compile_condition

UP, DOWN, SWAYS, STILL = Moves(up=True), Moves(down=True), Moves(sways=True), Moves()
BOTH = Moves(up=True, down=True)
SURE = frozenset({"threshold"})
"""A rule knows whether its threshold is negative."""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("count > threshold", UP),
        ("minCount <= count", UP),
        ("errors > threshold * 2 && count >= minCount", UP),
        ("max > threshold || total > 3", UP),
        ("errors * 2 + count > 9 && errors / threshold > 0.5", UP),
        ("threshold / count < 0.5", UP),
        ("rate > threshold", UP),
        ("min < threshold", UP),
        ("max - min > threshold", UP),
        ("has(max) && -max < -5.0", UP),
        ("!(count == 0) && errors != 0", UP),
        ("count > previous.count * factor", UP),
        ("count > 5 ? true : false", UP),
        ("count > 5 ? errors > 2 : false", UP),
        ("count > 5 || !(count <= 9)", UP),
        ("double(count) > 5.0", UP),
        ("count < threshold", DOWN),
        ("threshold > count", DOWN),
        ("threshold / count > 2", DOWN),
        ("count == 0", DOWN),
        ("!(count > 5)", DOWN),
        ("count > 5 ? false : true", DOWN),
        ("min > 5", DOWN),
        ("max - min < threshold", DOWN),
        ("rate < threshold", DOWN),
        ("count * factor < previous.count", DOWN),
        ("previous.count / count > 2", DOWN),
        ("count == 5", BOTH),
        ("count != 5", BOTH),
        ("count in [5]", BOTH),
        ("[1, 2].exists(x, x < count)", BOTH),
        ("{'a': count}.a > 5", BOTH),
        ("size([count]) > 5", BOTH),
        ("count > 0 && count < threshold", BOTH),
        ("max * min > 5", SWAYS),
        ("max / max > 5", SWAYS),
        ("max * threshold > 5", UP),
        ("threshold * max > 5", UP),
        ("errors * (factor + 1.0) > 5", UP),
        ("errors * double(minCount) > 5", UP),
        ("errors * (factor - 1.0) > 5", BOTH),
        ("count * max > 5", SWAYS),
        ("5 / max > 5", BOTH),
        ("count > 5 ? errors > 2 : errors < 9", BOTH),
        ("avg > threshold", SWAYS),
        ("p95 - p50 > threshold", SWAYS),
        ("p95 < threshold", SWAYS),
        ("errors * 100 / total > threshold", SWAYS),
        ("errors * 20 > total", SWAYS),
        ("count > errors", SWAYS),
        ("(total > 0 ? errors * 100.0 / total : 0.0) > threshold", SWAYS),
        ("has(avg)", UP),
        ("count > 5 && avg > 3", Moves(up=True, sways=True)),
        ("total > 0 ? errors / total > 0.5 : false", Moves(up=True, sways=True)),
        ("sum > 5", Moves(up=True, sways=True)),
        ("sum < 5", Moves(down=True, sways=True)),
        ("avg * count < 5", Moves(up=True, down=True, sways=True)),
        ("previous.count > 5 && threshold > 2", STILL),
        ("(threshold > 5 ? 1.0 : 2.0) > factor", STILL),
        ("true", STILL),
    ],
)
def test_it_is_known_which_way_an_answer_can_go(source: str, expected: Moves) -> None:
    assert compile_condition(source).moves(SURE) == expected


def test_what_is_multiplied_by_a_number_of_unknown_sign_can_go_either_way() -> None:
    assert compile_condition("errors * threshold > 5").moves() == BOTH
    assert compile_condition("errors / threshold > 5").moves() == BOTH


def test_a_sum_of_what_is_never_negative_only_grows() -> None:
    assert compile_condition("sum > 5").moves(frozenset({"sum"})) == UP
    assert compile_condition("sum * 2 < previous.sum").moves(frozenset({"sum"})) == DOWN


NUMBER = st.sampled_from(
    [
        *("count", "total", "errors", "rate", "sum", "avg", "min", "max", "p50", "distinct"),
        *("threshold", "factor", "minCount", "previous.count", "0.0", "1.0", "2.5", "-3.0"),
    ]
)
SUM = st.recursive(
    NUMBER,
    lambda inner: (
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({' '.join(parts)})")
        | inner.map(lambda number: f"(-{number})")
    ),
    max_leaves=3,
)
COMPARISON = st.tuples(SUM, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), SUM).map(" ".join)
CONDITION = st.recursive(
    COMPARISON,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        inner.map(lambda part: f"!({part})"),
        st.tuples(inner, inner | st.just("true") | st.just("false"), inner | st.just("false")).map(
            lambda parts: "({} ? {} : {})".format(*parts)
        ),
    ),
    max_leaves=4,
)
EVENT = st.tuples(st.booleans(), st.none() | st.integers(-5, 5))
"""Whether it is an error, and its number."""


def figures(events: Sequence[tuple[bool, int | None]]) -> dict[str, float]:
    count, numbers = float(len(events)), sorted(n for _, n in events if n is not None)
    found = {
        "count": count,
        "total": count,
        "errors": float(sum(wrong for wrong, _ in events)),
        "rate": count / 10,
        "distinct": float(len(set(numbers))),
    }
    if numbers:
        least, largest, total = numbers[0], numbers[-1], float(sum(numbers))
        found |= {"min": least, "max": largest, "sum": total, "avg": total / len(numbers)}
        found["p50"] = numbers[len(numbers) // 2]
    return found


def prefixes(
    events: Sequence[tuple[bool, int | None]], known: dict[str, float]
) -> Iterator[dict[str, float]]:
    for end in range(len(events) + 1):
        yield figures(events[:end]) | known


KNOWN = st.fixed_dictionaries(
    {"threshold": st.integers(-5, 5).map(float)}
    | dict.fromkeys(["factor", "minCount", "previous.count"], st.integers(0, 5).map(float))
)


@settings(max_examples=400)
@given(CONDITION, st.lists(EVENT, max_size=6), KNOWN)
def test_what_growth_cannot_make_false_stays_true_while_the_window_fills(
    source: str, events: list[tuple[bool, int | None]], known: dict[str, float]
) -> None:
    condition = compile_condition(source)
    positive = {"threshold"} if known["threshold"] >= 0 else set[str]()
    if all(number is None or number >= 0 for _, number in events):
        positive |= {"sum", "min", "max", "avg"}
    found = condition.moves(positive)
    if not (found.down or found.sways):
        answers = [condition.test(view) for view in prefixes(events, known)]
        assert answers == sorted(answers)
