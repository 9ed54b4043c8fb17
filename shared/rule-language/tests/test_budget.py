"""What the macros of an expression may cost: one budget for all of them, refilled by who asks."""

import pytest

from alert_contracts.events import Event
from rule_language import Match, compile_condition, compile_match, compile_scalar
from rule_language.costs import Cost, cost_of
from rule_language.loops import MAX_STEPS, Pool

ALL = "attributes.l.all(x, x == 0)"


def steps(match: Match, elements: int) -> int:
    """Return what an evaluation takes that looks at some elements."""
    cost = cost_of(match.checked.root)
    return elements * cost.element + cost.once


def an_event(elements: int) -> Event:
    return Event(timestamp=0, service="a", message="", attributes={"l": [0] * elements})


def test_the_macros_of_an_expression_share_their_steps() -> None:
    half = an_event(MAX_STEPS // 2)
    for count, expected in ((1, True), (2, True), (3, False)):
        match = compile_match(" && ".join([ALL] * count))
        assert [match.test(half) for _ in range(3)] == [expected] * 3


def test_an_expression_without_macros_has_no_budget() -> None:
    assert compile_match("service == 'a'").budget is None
    assert compile_condition("[1, 2].exists(x, x < 0) || count > 1").judge({"count": 2.0}) is True


def test_the_steps_of_many_evaluations_can_be_bounded() -> None:
    match, event = compile_match(ALL), an_event(100)
    budget = match.budget
    assert budget is not None
    assert all(match.test(event) for _ in range(200))
    assert not budget.exhausted()
    budget.refill(3 * steps(match, 100) + steps(match, 50))
    assert [match.test(event) for _ in range(5)] == [True, True, True, False, False]
    assert budget.exhausted()
    budget.refill(2 * steps(match, 100))
    assert match.test(event)
    assert not budget.exhausted()


def test_a_text_that_is_too_long_for_what_is_left_takes_no_more_than_that() -> None:
    scalar = compile_scalar("string(attributes.l.exists(x, message.contains('b')))")
    assert scalar.budget is not None
    scalar.budget.refill(12 * MAX_STEPS)
    event = Event(timestamp=0, service="a", message="b" * 500_000, attributes={"l": [1]})
    assert scalar.of(event) is None
    assert not scalar.budget.exhausted()


def test_budgets_share_a_pool_for_what_they_need_beyond_their_own() -> None:
    matches = [compile_match(ALL) for _ in range(2)]
    most = steps(matches[0], MAX_STEPS)
    pool = Pool(2 * most)
    for match in matches:
        assert match.budget is not None
        match.budget.refill(most // 2, pool)
    full = an_event(MAX_STEPS)
    assert [match.test(full) for match in matches] == [True, True]
    assert not pool.left
    assert [match.test(full) for match in matches] == [False, False]


@pytest.mark.parametrize(
    ("source", "cost"),
    [
        (ALL, Cost(2, 4)),
        ("service == 'a' && " + ALL, Cost(2, 5)),
        ("attributes.l.all(x, x in ['a', 'b', 'c'] && !(x == 0))", Cost(4, 4)),
        ("attributes.l.exists(x, x.startsWith('a') || x == message)", Cost(14, 4)),
        ("attributes.l.map(x, x > 0, {'a': [x, x]}) == []", Cost(8, 12)),
        ("attributes.l.all(x, x == [[1, 2], {'a': 3}] || x in [1, 'a', 2])", Cost(55, 4)),
        ("attributes.l.all(x, string(double(x)) != x.lowerAscii() || 2 == x)", Cost(79, 4)),
        ("attributes.l.exists(x, x.l.all(y, y.matches('a.') ? y : x[0] in y))", Cost(25, 4)),
    ],
)
def test_an_element_costs_what_its_body_does_and_each_evaluation_the_rest(
    source: str, cost: Cost
) -> None:
    assert cost_of(compile_match(source).checked.root) == cost


@pytest.mark.parametrize("test", ["x == message", "x < message", "x == attributes.t", "x <= x"])
def test_in_a_macro_texts_that_are_compared_take_steps_for_their_length(test: str) -> None:
    match = compile_match(f"attributes.l.all(x, {test} || true)")
    long = "a" * 64 * (MAX_STEPS // 2)
    event = Event(0, "a", long, attributes={"t": f"{long} "[:-1], "l": [f"{long} "[:-1]]})
    assert match.test(event)
    assert not compile_match(f"attributes.l.all(x, ({test}) == ({test}))").test(event)


def test_an_evaluation_that_was_cut_short_is_known_until_the_next_refill() -> None:
    match, exact, over = compile_match(ALL), an_event(MAX_STEPS), an_event(MAX_STEPS + 1)
    budget = match.budget
    assert budget is not None
    budget.refill(4 * steps(match, MAX_STEPS))
    assert match.test(exact)
    assert not budget.cut_short()
    assert not match.test(over)
    assert budget.cut_short()
    assert match.test(exact)
    assert budget.cut_short()
    budget.refill(steps(match, 100))
    assert not budget.cut_short()
    assert not match.test(exact)
    assert budget.exhausted()
    assert not budget.cut_short()


def test_who_is_never_asked_lacks_no_steps() -> None:
    match = compile_match(ALL)
    assert match.budget is not None
    match.budget.refill(0)
    assert not match.budget.exhausted()


def test_without_steps_nothing_matches_and_nothing_is_taken() -> None:
    """What does not need a macro to be decided is left out as well: all after is."""
    match, event = compile_match(f"service == 'a' || {ALL}"), an_event(1)
    scalar = compile_scalar("attributes.l.exists(x, x == 0) ? 'all' : 'none'")
    for each in (match.budget, scalar.budget):
        assert each is not None
        each.refill(0)
    assert not match.test(event)
    assert scalar.of(event) is None


@pytest.mark.parametrize(
    "source",
    [
        "service == 'a'",
        "attributes.region in ['a', 'b'] && statusCode in [500, 503]",
        "attributes.l == [1, 2] || attributes.l != [] || {'a': [1]} == attributes.p",
        "service in attributes || attributes.t in ['a', 1] || message in [host, attributes.t]",
        "attributes.t == message && attributes.t != 5 && size(attributes.l) > 2",
    ],
)
def test_what_looks_through_no_list_of_an_event_has_no_budget(source: str) -> None:
    assert compile_match(source).budget is None


LISTS = Event(
    timestamp=0,
    service="a",
    message="",
    attributes={
        "l": [0] * 200,
        "m": [0] * 200,
        "b": [True] * 200,
        "i": 0,
        "t": "a" * 640,
        "u": "aa" * 320,
        "p": {str(n): 1 for n in range(100)},
        "q": {str(n): 1 for n in range(100)},
    },
)


@pytest.mark.parametrize(
    ("source", "steps"),
    [
        ("attributes.l == attributes.m", 603),
        ("!(attributes.l != attributes.m)", 603),
        ("[attributes.l] == [attributes.m]", 609),
        ("attributes.m in [attributes.l]", 606),
        ("attributes.p == attributes.q", 603),
        ("attributes.t == attributes.u", 10),
        ("attributes.i in attributes.l", 28),
        ("!('a' in attributes.l)", 25),
        ("!(1 in attributes.b)", 625),
        ("!([1] in attributes.l)", 625),
    ],
)
def test_a_look_through_a_list_takes_steps_outside_of_macros_too(source: str, steps: int) -> None:
    match = compile_match(source)
    assert match.budget is not None
    match.budget.refill(3 * steps)
    assert [match.test(LISTS) for _ in range(4)] == [True, True, True, False]
    assert match.budget.exhausted()
    match.budget.refill(4 * steps)
    assert [match.test(LISTS) for _ in range(4)] == [True] * 4


def test_a_list_that_is_too_long_to_be_looked_through_decides_nothing() -> None:
    long = Event(0, "a", "", attributes={"l": [0] * 10_000, "m": [0] * 10_000, "n": [[0]] * 400})
    for source in ("attributes.l == attributes.m", "'a' in attributes.l", "[1] in attributes.n"):
        assert not compile_match(source).test(long)
        assert not compile_match(f"!({source})").test(long)


def test_maps_of_as_many_entries_with_other_keys_are_not_equal() -> None:
    event = Event(0, "a", "", attributes={"p": {"x": 1}, "q": {"y": 1}})
    assert compile_match("attributes.p != attributes.q").test(event)


def test_in_a_macro_lists_that_are_joined_take_steps_for_their_length() -> None:
    for elements, decided in ((100, True), (MAX_STEPS // 2, False)):
        event = Event(0, "a", "", attributes={"l": [0], "m": [0] * elements})
        joined = f"attributes.l.exists(x, size(attributes.m + attributes.m) == {2 * elements})"
        assert compile_match(joined).test(event) is decided
        assert not compile_match(f"!({joined})").test(event)
