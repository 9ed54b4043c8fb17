"""Partials of several source records on their way to one target, in one Kafka record.

Packing is framing only: each partial keeps its identity, so a replay may pack them otherwise.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from alert_contracts.topics import STATE_PARTITIONS
from alert_rule_engine.domain import partials

MAX_SOURCES: Final = 32
"""Source records in one pack."""
MAX_BYTES: Final = 262_144
"""A target's messages, beyond which the pack is closed."""
MAX_SECONDS: Final = 0.05
"""Age at which it is closed, though more is to come."""


class Packed(NamedTuple):
    """A pack that is closed."""

    values: list[bytes]
    """A record for each target."""
    events: list[Any]
    """What is to be acknowledged when they are stored, in order."""


class Pack:
    """What is on its way, by target."""

    def __init__(self) -> None:
        self._since = 0.0
        self._begin()

    def _begin(self) -> None:
        self._messages: list[list[bytes]] = [[] for _ in range(STATE_PARTITIONS)]
        self._sizes = [0] * STATE_PARTITIONS
        self._events: list[Any] = []

    def add(self, values: Sequence[bytes], event: Any, *, now: float) -> None:  # noqa: ANN401 - Faust's
        """Add what one source record has to say to each target."""
        if not self._events:
            self._since = now
        self._events.append(event)
        self._put(values)

    def tell(self, message: bytes) -> None:
        """Add what is to be said to every target."""
        self._put([message] * STATE_PARTITIONS)

    def _put(self, values: Sequence[bytes]) -> None:
        for target, value in enumerate(values):
            self._messages[target].append(value)
            self._sizes[target] += len(value)

    def full(self, *, now: float) -> bool:
        """Tell whether nothing more should be waited for."""
        return (
            len(self._events) >= MAX_SOURCES
            or max(self._sizes) >= MAX_BYTES
            or now - self._since >= MAX_SECONDS
        )

    def close(self) -> Packed | None:
        """Take all there is, if there is anything."""
        if not any(self._messages):
            return None
        packed = Packed([partials.pack(messages) for messages in self._messages], self._events)
        self._begin()
        return packed
