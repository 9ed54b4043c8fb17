"""What the use cases need from outside."""

from collections.abc import Callable
from typing import Protocol

from api_gateway.domain.records import LogRecord

Clock = Callable[[], int]
"""Epoch milliseconds, now."""


class EventLog(Protocol):
    """Where events are kept. Kafka in production, a list in tests."""

    async def append(self, record: LogRecord) -> None:
        """Return once the record is safe.

        Raises:
            TemporaryError: it could not be made safe in time; it may be tried again.
        """
        ...
