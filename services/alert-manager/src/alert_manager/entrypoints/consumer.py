"""The two topics that wake us: what the engine says, and what became of notifications."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from alert_contracts.alerts import Alert, decode_alert
from alert_contracts.notifications import DeliveryResult, decode_result
from alert_contracts.topics import Topic
from alert_manager import handlers
from alert_manager.handlers import Desk
from alert_manager.telemetry import BATCH_SECONDS
from service_runtime.consumer import BatchConsumer, ConsumerSettings, Parsed, Record
from service_runtime.errors import PoisonError
from service_runtime.kafka import KafkaProducer

SERVICE: Final = "alert-manager"
ALERTS_GROUP: Final = "alert-manager-group"
RESULTS_GROUP: Final = "alert-manager-results-group"
T = TypeVar("T")
LATEST: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: later ones cannot be shown."""


class Reading(NamedTuple):
    """How this process reads."""

    servers: str
    max_batch: int

    def of(self, topic: Topic, *, group: str, name: str) -> ConsumerSettings:
        """Return how one topic is read."""
        return ConsumerSettings(
            bootstrap_servers=self.servers,
            group=group,
            client_id=f"{SERVICE}-{name}",
            topics=[topic],
            max_batch=self.max_batch,
        )


def parse_alert(record: Record) -> Alert:
    """Return the alert of a record.

    Raises:
        PoisonError: it is none, or one that cannot be kept.
    """
    alert = _decoded(decode_alert, record)
    moments = (
        alert.starts_at,
        alert.ends_at or 0,
        alert.decided_at,
        alert.accepted_at or 0,
        alert.window.start,
        alert.window.end,
    )
    if not all(0 <= moment <= LATEST for moment in moments):
        message = "a time of the alert is not between 1970 and 9999"
        raise PoisonError(message)
    if not alert.id or not alert.fingerprint:
        message = "an alert needs an id and a fingerprint"
        raise PoisonError(message)
    return alert


def parse_result(record: Record) -> DeliveryResult:
    """Return the delivery result of a record.

    Raises:
        PoisonError: it is none.
    """
    return _decoded(decode_result, record)


def _decoded(decode: Callable[[bytes], T], record: Record) -> T:
    if record.value is None:
        message = "the record has no value"
        raise PoisonError(message)
    try:
        return decode(record.value)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise PoisonError(str(exc)) from exc


def alerts_consumer(desk: Desk, producer: KafkaProducer, reading: Reading) -> BatchConsumer[Alert]:
    """Return the consumer of the engine's records."""

    async def handle(batch: Sequence[Parsed[Alert]]) -> None:
        with BATCH_SECONDS.time():
            await handlers.take_in(desk, [one.value for one in batch])

    return BatchConsumer(
        reading.of(Topic.ALERTS, group=ALERTS_GROUP, name="alerts"),
        service=SERVICE,
        dead_letters=producer,
        parse=parse_alert,
        handle=handle,
    )


def results_consumer(
    desk: Desk, producer: KafkaProducer, reading: Reading
) -> BatchConsumer[DeliveryResult]:
    """Return the consumer of what became of notifications."""

    async def handle(batch: Sequence[Parsed[DeliveryResult]]) -> None:
        await handlers.note_deliveries(desk, [one.value for one in batch])

    return BatchConsumer(
        reading.of(Topic.DELIVERY_RESULTS, group=RESULTS_GROUP, name="results"),
        service=SERVICE,
        dead_letters=producer,
        parse=parse_result,
        handle=handle,
    )
