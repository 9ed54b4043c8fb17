"""Whether a consumer belongs to its group, as librdkafka's statistics tell.

librdkafka can stay out of its group for good after the broker was away twice within a minute: each
poll succeeds and gives nothing, no error comes, and nothing is lagging, since what is assigned to
nobody has no lag. Only a new client helps.
"""

from typing import Final

import msgspec

from service_runtime.errors import PermanentError

STATISTICS_SECONDS: Final = 5
PATIENCE: Final = 6
"""Times in a row that it may be told that we are outside: half a minute, where a rebalance takes
seconds."""


class _Group(msgspec.Struct):
    state: str = ""
    join_state: str = ""


class _Broker(msgspec.Struct):
    state: str = ""


class _Statistics(msgspec.Struct):
    brokers: dict[str, _Broker] = {}
    cgrp: _Group = msgspec.field(default_factory=_Group)


class Membership:
    """Counts how often in a row the consumer was outside, though a broker answered."""

    def __init__(self) -> None:
        self._outside = 0
        self._last = _Group()

    def tell(self, statistics: str) -> None:
        """Take note of librdkafka's statistics (JSON)."""
        told = msgspec.json.decode(statistics, type=_Statistics)
        self._last = told.cgrp
        inside = (told.cgrp.state, told.cgrp.join_state) == ("up", "steady")
        reachable = any(broker.state == "UP" for broker in told.brokers.values())
        self._outside = 0 if inside or not reachable else self._outside + 1

    def demand(self) -> None:
        """Return if all is well, or may be before long.

        Raises:
            PermanentError: the consumer has been outside for too long; only a new one will do.
        """
        if self._outside >= PATIENCE:
            message = (
                f"Kafka: outside of the consumer group for {PATIENCE * STATISTICS_SECONDS} s though"
                f" a broker answers (state {self._last.state}, {self._last.join_state})"
            )
            raise PermanentError(message)
