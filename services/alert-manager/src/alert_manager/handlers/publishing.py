"""Orders that are stored go out, now or later."""

from collections.abc import Sequence
from typing import Final

from alert_manager.domain.orders import Order
from alert_manager.handlers.desk import Desk
from alert_manager.telemetry import NOTIFICATIONS, LogEvent
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)
OUTBOX_BATCH: Final = 200
OUTBOX_AGE_MS: Final = 2_000
"""Orders younger than this are still being published by whoever stored them."""


async def publish(desk: Desk, orders: Sequence[Order]) -> None:
    """Publish stored orders; what cannot be published now stays owed in the outbox."""
    if not orders:
        return
    published = await desk.publisher.publish(orders)
    for order, reason in published.refused:
        log.error(LogEvent.PUBLISH_REFUSED, notification=order.notification.id, reason=reason)
    if published.postponed:
        log.warning(LogEvent.PUBLISH_POSTPONED, count=len(orders), reason=published.postponed)
    for order in published.done:
        NOTIFICATIONS.labels(order.notification.receiver).inc()
    try:
        await desk.outbox.settle(published.done, published.refused, now=desk.clock())
    except TemporaryError as exc:
        # They are published again, under the same ids.
        log.warning(LogEvent.PUBLISH_POSTPONED, count=len(published.done), reason=str(exc))


async def publish_owed(desk: Desk) -> int:
    """Publish what was stored and, for whatever reason, not published; return how many."""
    before = desk.clock() - OUTBOX_AGE_MS
    async with desk.outbox.owed(before=before, limit=OUTBOX_BATCH) as claim:
        published = await desk.publisher.publish(claim.orders)
        await claim.settle(published.done, published.refused, now=desk.clock())
    return len(published.done)
