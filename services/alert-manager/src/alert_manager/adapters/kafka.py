"""Orders on their way to the notification service."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from alert_contracts.notifications import encode
from alert_contracts.topics import Header, Schema, Topic
from alert_manager.domain.orders import Order
from alert_manager.ports import Published, Refusal
from service_runtime import tracing
from service_runtime.errors import PermanentError, TemporaryError
from service_runtime.kafka import Headers


class Sender(Protocol):
    """What we use of a producer: the future gives the record's place once the broker has it."""

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers | None = None,
    ) -> "asyncio.Future[tuple[int, int]]": ...


class KafkaPublisher:
    """Publishes to `notifications`, keyed by group, so that one group's orders stay in order."""

    def __init__(self, producer: Sender) -> None:
        self._producer = producer

    async def publish(self, orders: Sequence[Order]) -> Published:
        results = await asyncio.gather(*map(self._send, orders), return_exceptions=True)
        done: list[Order] = []
        refused: list[Refusal] = []
        postponed = ""
        for order, result in zip(orders, results, strict=True):
            if result is None:
                done.append(order)
            elif isinstance(result, PermanentError):
                refused.append(Refusal(order, str(result)))
            elif isinstance(result, TemporaryError):
                postponed = str(result)
            else:
                raise result
        return Published(done, refused, postponed)

    async def _send(self, order: Order) -> None:
        notification = order.notification
        await self._producer.send(
            Topic.NOTIFICATIONS,
            encode(notification),
            key=notification.group_key.encode(),
            headers={
                Header.CONTENT_TYPE: "application/json",
                Header.SCHEMA: Schema.NOTIFICATION,
                Header.TENANT: notification.tenant,
                Header.TRACEPARENT: tracing.resume(notification.traceparent).header(),
            },
        )
