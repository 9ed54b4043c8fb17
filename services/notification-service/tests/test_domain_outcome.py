"""What follows from an attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notification_service.domain.outcome import (
    DAY_MS,
    Action,
    Attempt,
    Patience,
    Reason,
    Verdict,
    judge,
)

PATIENCE = Patience()
NOW = 1_800_000_000_000
DOWN = Attempt(Reason.SERVER_ERROR, 3, "answered 503")
REFUSED = Attempt(Reason.CLIENT_ERROR, 1, "answered 404", permanent=True)


def decide(
    attempt: Attempt,
    *,
    taken_over_by: str | None = None,
    owed: bool = False,
    rounds: int = 0,
    age: int = 0,
) -> Verdict:
    return judge(
        attempt,
        taken_over_by=taken_over_by,
        owed=owed,
        rounds=rounds,
        created_at=NOW - age,
        patience=PATIENCE,
        now=NOW,
    )


def test_what_arrived_is_delivered() -> None:
    assert decide(Attempt(Reason.OK, 1), taken_over_by="mail").action is Action.DELIVERED


def test_what_another_process_has_taken_over_is_left_to_it() -> None:
    lost = Attempt(Reason.LEASE_LOST, 1)
    assert decide(lost, taken_over_by="slack") == Verdict(Action.LEFT)


def test_a_failure_goes_to_the_next_of_the_chain() -> None:
    assert decide(DOWN, taken_over_by="mail") == Verdict(Action.FELL_BACK, fallback="mail")


def test_a_refusal_goes_to_the_next_of_the_chain_too() -> None:
    assert decide(REFUSED, taken_over_by="mail").action is Action.FELL_BACK


def test_what_is_owed_already_does_not_go_through_the_chain_again() -> None:
    assert decide(DOWN, taken_over_by="mail", owed=True).action is Action.OWED


def test_without_a_fallback_a_failure_is_owed() -> None:
    assert decide(DOWN) == Verdict(Action.OWED, next_at=NOW + 1_000)


def test_a_refusal_without_a_fallback_is_dead() -> None:
    assert decide(REFUSED).action is Action.DEAD


def test_what_has_been_owed_for_three_days_is_dead() -> None:
    assert decide(DOWN, owed=True, age=3 * DAY_MS - 1).action is Action.OWED
    assert decide(DOWN, owed=True, age=3 * DAY_MS).action is Action.DEAD


def test_a_wait_that_was_asked_for_is_kept() -> None:
    limited = Attempt(Reason.RATE_LIMITED, 1, retry_after=90.0)
    assert decide(limited).next_at == NOW + 90_000


@given(rounds=st.integers(min_value=0, max_value=100_000))
def test_pauses_never_shrink_and_never_pass_the_longest(rounds: int) -> None:
    assert PATIENCE.pause(rounds) <= PATIENCE.pause(rounds + 1) <= PATIENCE.longest


def test_patience_that_gives_up_before_it_begins_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="giving up comes last"):
        Patience(first=10, longest=5)
