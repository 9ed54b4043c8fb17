"""When a destination counts as down: failure rate over its last calls, and what is shown of it."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class CircuitState(StrEnum):
    """As `/actuator/circuitbreakers` shows it."""

    CLOSED = "CLOSED"
    HALF_OPEN = "HALF_OPEN"
    OPEN = "OPEN"


@dataclass(frozen=True, slots=True)
class CircuitPolicy:
    """When a circuit opens, and for how long."""

    consecutive: int = 5
    """Failures in a row that open it. One is nervous; many hold messages in retries."""
    rate: float = 0.5
    """Share of failures among the last calls that opens it."""
    window: int = 20
    """How many calls are remembered."""
    minimum: int = 10
    """Calls before the rate counts."""
    cool_down: int = 10_000
    """Milliseconds before a probe is let through."""

    def __post_init__(self) -> None:
        if not (0 < self.rate <= 1 and 0 < self.minimum <= self.window and self.consecutive > 0):
            msg = f"a circuit needs something to judge by: {self}"
            raise ValueError(msg)


class CallWindow:
    """The outcomes of the last calls."""

    def __init__(self, size: int) -> None:
        self._calls: deque[bool] = deque(maxlen=size)

    def add(self, *, failed: bool) -> None:
        """Remember one call, forgetting the oldest beyond the window."""
        self._calls.append(failed)

    def clear(self) -> None:
        """Forget every call: what was before a recovery says nothing about after it."""
        self._calls.clear()

    @property
    def calls(self) -> int:
        """How many calls are remembered."""
        return len(self._calls)

    @property
    def failures(self) -> int:
        """How many of them failed."""
        return sum(self._calls)

    @property
    def rate(self) -> float:
        """Share of failures, 0 to 1; 0 without calls."""
        return self.failures / self.calls if self._calls else 0.0

    def trips(self, policy: CircuitPolicy) -> bool:
        """Tell whether the failure rate is too high."""
        return self.calls >= policy.minimum and self.rate >= policy.rate


class CircuitView(NamedTuple):
    """What is shown of a circuit."""

    name: str
    state: CircuitState
    failure_rate: float
    failed_calls: int
    buffered_calls: int
    not_permitted_calls: int
    opened_at: int | None
    """Epoch ms, while it is not closed."""


class Readiness(StrEnum):
    """What a destination takes right now."""

    OPEN = "open"  # everything
    PROBE = "probe"  # one message, to find out
    SHUT = "shut"  # nothing
