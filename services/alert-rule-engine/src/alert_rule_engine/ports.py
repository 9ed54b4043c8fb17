"""What the handlers need of the world."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NoReturn, Protocol

from alert_contracts.alerts import Alert
from alert_rule_engine.domain.evidence import Reference
from alert_rule_engine.domain.parts import Change
from service_runtime.consumer import Record

Clock = Callable[[], int]
"""Wall clock in epoch milliseconds."""


class AlertSink(Protocol):
    """Takes alerts. Kafka in production."""

    async def send(self, alert: Alert) -> Awaitable[object]:
        """Hand an alert over, in order; the answer is done when it is stored for good."""
        ...


class StateStore(Protocol):
    """Keeps a partition's records. A changelog topic in production."""

    async def write(self, partition: int, changes: Sequence[Change]) -> None:
        """Store the changes; return when all of them are stored for good.

        Raises:
            Exception: not all could be stored; the process must end.
        """
        ...

    def keep_only(self, partitions: Iterable[int]) -> Mapping[bytes, bytes]:
        """Drop what is held of other partitions; return the rest."""
        ...


class RecordReader(Protocol):
    """Reads records of `log-events` again. Kafka in production."""

    async def read(self, wanted: Sequence[Reference]) -> Mapping[Reference, bytes]:
        """Return the values of these records, as far as they can be had in bounded time."""
        ...


class Outlet(Protocol):
    """Sends records. The awaitable that a call returns is done when the record is stored."""

    async def to_partition(self, topic: str, partition: int, value: bytes) -> Awaitable[object]:
        """Send a record to one partition."""
        ...

    async def keyed(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Mapping[str, str]
    ) -> Awaitable[object]:
        """Send a record to the partition of its key."""
        ...

    async def dead_letter(self, record: Record, *, stage: str, error: BaseException) -> None:
        """Set a record aside; return when that is stored."""
        ...


class End(Protocol):
    """Ends the process at once, with nothing acknowledged that was not done."""

    def __call__(self, reason: str) -> NoReturn: ...
