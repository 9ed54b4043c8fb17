"""The process itself: what it changes before it runs."""

import sys
from collections.abc import Iterator

import pytest

from api_gateway.__main__ import SWITCH_SECONDS, share_the_interpreter


@pytest.fixture
def usual() -> Iterator[float]:
    """Give the interval of threads as it was, and leave it so."""
    interval = sys.getswitchinterval()
    yield interval
    sys.setswitchinterval(interval)


def test_threads_take_turns_every_half_millisecond(usual: float) -> None:
    share_the_interpreter()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    assert usual / 10 >= SWITCH_SECONDS
