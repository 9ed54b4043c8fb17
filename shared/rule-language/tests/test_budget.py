"""What the macros of an expression may cost: one budget for all of them, refilled by who asks."""

from alert_contracts.events import Event
from rule_language import compile_condition, compile_match, compile_scalar
from rule_language.loops import MAX_STEPS, Pool

ALL = "attributes.l.all(x, x == 0)"


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
    budget.refill(350)
    assert [match.test(event) for _ in range(5)] == [True, True, True, False, False]
    assert budget.exhausted()
    budget.refill(350)
    assert match.test(event)
    assert not budget.exhausted()


def test_a_text_that_is_too_long_for_what_is_left_takes_no_more_than_that() -> None:
    scalar = compile_scalar("string(attributes.l.exists(x, message.contains('b')))")
    assert scalar.budget is not None
    scalar.budget.refill(2 * MAX_STEPS)
    event = Event(timestamp=0, service="a", message="b" * 500_000, attributes={"l": [1]})
    assert scalar.of(event) is None
    assert not scalar.budget.exhausted()


def test_budgets_share_a_pool_for_what_they_need_beyond_their_own() -> None:
    matches, pool = [compile_match(ALL) for _ in range(2)], Pool(2 * MAX_STEPS)
    for match in matches:
        assert match.budget is not None
        match.budget.refill(MAX_STEPS // 2, pool)
    full = an_event(MAX_STEPS)
    assert [match.test(full) for match in matches] == [True, True]
    assert not pool.left
    assert [match.test(full) for match in matches] == [False, False]


def test_the_steps_of_a_long_expression_count_for_several() -> None:
    match = compile_match(f"attributes.l.all(x, {' || '.join(['x == 0'] * 40)})")
    assert match.budget is not None
    match.budget.refill(30 * MAX_STEPS)
    assert [match.test(an_event(MAX_STEPS // 2)) for _ in range(2)] == [True, False]
