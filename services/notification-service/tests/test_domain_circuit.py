"""When a destination counts as down."""

import pytest

from notification_service.domain.circuit import CallWindow, CircuitPolicy


def test_a_window_without_calls_has_no_failures() -> None:
    window = CallWindow(4)
    assert (window.calls, window.failures, window.rate) == (0, 0, 0.0)


def test_only_the_last_calls_count() -> None:
    window = CallWindow(4)
    for failed in (True, True, False, False, False):
        window.add(failed=failed)
    assert (window.calls, window.failures, window.rate) == (4, 1, 0.25)
    window.clear()
    assert window.calls == 0


def test_the_rate_counts_from_the_minimum_of_calls_on() -> None:
    policy = CircuitPolicy(rate=0.5, window=4, minimum=4)
    window = CallWindow(4)
    for failed in (True, False, True):
        window.add(failed=failed)
    assert not window.trips(policy)
    window.add(failed=False)
    assert window.trips(policy)


@pytest.mark.parametrize("wrong", [{"rate": 0.0}, {"minimum": 30}, {"consecutive": 0}])
def test_a_policy_that_could_never_judge_cannot_be_built(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="something to judge by"):
        CircuitPolicy(**wrong)
