"""Orders from the `notifications` topic."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from alert_contracts.notifications import Notification, decode_notification
from alert_contracts.topics import Topic
from notification_service.handlers import Notifier
from service_runtime import tracing
from service_runtime.consumer import BatchConsumer, ConsumerSettings, Parsed, Record
from service_runtime.errors import PoisonError
from service_runtime.kafka import KafkaProducer

GROUP: Final = "notification-service-group"
SERVICE: Final = "notification-service"


def parse(record: Record) -> Notification:
    """Return the order of a record.

    Raises:
        PoisonError: it is none.
    """
    try:
        return decode_notification(record.value or b"")
    except (msgspec.DecodeError, RecursionError) as exc:
        raise PoisonError(str(exc)) from exc


def handler(
    notifier: Notifier, stored: Callable[[], None]
) -> Callable[[Sequence[Parsed[Notification]]], Awaitable[None]]:
    """Return what stores a batch of orders and calls `stored` when they are safe."""

    async def handle(batch: Sequence[Parsed[Notification]]) -> None:
        tracing.current.set(tracing.resume(batch[0].value.traceparent))
        if await notifier.accept([parsed.value for parsed in batch]):
            stored()

    return handle


def make_consumer(
    bootstrap_servers: str,
    *,
    notifier: Notifier,
    stored: Callable[[], None],
    dead_letters: KafkaProducer,
) -> BatchConsumer[Notification]:
    """Return the consumer of orders."""
    return BatchConsumer(
        ConsumerSettings(
            bootstrap_servers=bootstrap_servers,
            group=GROUP,
            client_id=SERVICE,
            topics=[Topic.NOTIFICATIONS],
        ),
        service=SERVICE,
        dead_letters=dead_letters,
        parse=parse,
        handle=handler(notifier, stored),
    )
