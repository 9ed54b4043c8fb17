"""Dying at a chosen place, so that tests can show that nothing is lost there."""

import os
import signal
from collections.abc import Callable
from enum import StrEnum
from typing import NoReturn


class Point(StrEnum):
    """The places, in the order in which a record passes them."""

    EVALUATE_BEFORE_SEND = "evaluate-before-send"
    EVALUATE_BEFORE_ACK = "evaluate-before-ack"
    BEFORE_BUCKETS = "before-buckets"
    BEFORE_VECTOR = "before-vector"
    BEFORE_ACK = "before-ack"


Reach = Callable[[Point], None]
"""Called where such a place is passed."""


def unarmed(_point: Point) -> None:
    """Pass."""


def _kill() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError  # the signal cannot be outlived


class Failpoint:
    """Ends the process, as `kill -9` would, when a place is passed for the n-th time."""

    def __init__(self, text: str, kill: Callable[[], object] = _kill) -> None:
        """`text`: the place, or `place:n`.

        Raises:
            ValueError: there is no such place, or the number is none.
        """
        name, _, number = text.partition(":")
        self._point = Point(name)
        self._left = int(number or 1)
        self._kill = kill

    def __call__(self, point: Point) -> None:
        """Pass a place, or die there."""
        if point is self._point:
            self._left -= 1
            if not self._left:
                self._kill()
