"""The words of the status table."""

from native.status import duration, state_of


def test_a_process_is_ready_only_when_it_serves() -> None:
    assert state_of("RUNNING", ready=True) == "ready"
    assert state_of("RUNNING", ready=False) == "not ready"
    assert state_of("STOPPED", ready=False) == "stopped"


def test_uptimes_are_short() -> None:
    assert duration(0) == "-"
    assert duration(65) == "1m05s"
    assert duration(3 * 3600 + 120) == "3h02m"
