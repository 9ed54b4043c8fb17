"""A failpoint kills at its place, at the n-th time, and nowhere else."""

import signal
import subprocess
import sys

import pytest
from pydantic import ValidationError

from alert_rule_engine.failpoints import Failpoint, Point, unarmed
from alert_rule_engine.settings import Settings


@pytest.mark.parametrize(("text", "dies_at"), [("before-vector", 1), ("before-vector:3", 3)])
def test_the_nth_passing_of_the_place_is_the_last(text: str, dies_at: int) -> None:
    passed: list[Point] = []
    deaths: list[int] = []
    reach = Failpoint(text, lambda: deaths.append(len(passed)))
    for _ in range(4):
        reach(Point.BEFORE_BUCKETS)
        passed.append(Point.BEFORE_VECTOR)
        reach(Point.BEFORE_VECTOR)
    assert deaths == [dies_at]


def test_it_kills_as_kill_9_does() -> None:
    code = "from alert_rule_engine.failpoints import Failpoint, Point;"
    code += "Failpoint('before-ack')(Point.BEFORE_ACK)"
    died = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 - our own code
    assert died.returncode == -signal.SIGKILL


def test_an_unarmed_place_is_passed() -> None:
    unarmed(Point.BEFORE_ACK)


@pytest.mark.parametrize("text", ["", "before-ack", "evaluate-before-send:12"])
def test_settings_take_a_place_and_a_number(text: str) -> None:
    assert Settings(failpoint=text).failpoint == text


@pytest.mark.parametrize("text", ["somewhere", "before-ack:0", "before-ack:x", ":1"])
def test_settings_refuse_a_place_that_is_none(text: str) -> None:
    with pytest.raises(ValidationError):
        Settings(failpoint=text)
