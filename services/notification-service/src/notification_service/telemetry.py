"""Closed list of this service's metrics."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SENT: Final = Counter(
    "notifications_sent_total", "Deliveries that ended a round", ["channel", "status"]
)
ALERT_TO_NOTIFICATION: Final = Histogram(
    "tocsin_alert_to_notification_seconds",
    "From the acceptance of the event that crossed to the delivery of its first message",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60),
)
DECISION_TO_NOTIFICATION: Final = Histogram(
    "tocsin_decision_to_notification_seconds",
    "From the engine's decision that an alert fires to the delivery of its first message",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
DELIVERY_SECONDS: Final = Histogram(
    "tocsin_delivery_seconds",
    "One attempt at one endpoint, its retries included",
    ["channel"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
BREAKER_STATE: Final = Gauge(
    "tocsin_circuit_breaker_state", "0 closed, 1 half open, 2 open", ["destination"]
)
FAILED_PENDING: Final = Gauge(
    "tocsin_failed_notifications_pending", "Messages that are owed: PENDING or RETRYING"
)
FAILED_DEAD: Final = Gauge(
    "tocsin_failed_notifications_dead", "Messages that were given up and need a person"
)
FALLBACKS: Final = Counter(
    "tocsin_notification_fallbacks_total", "Deliveries that another receiver took over", ["channel"]
)
FAILURES: Final = Counter(
    "tocsin_notification_failures_total", "Rounds that failed, by reason", ["channel", "reason"]
)
IN_FLIGHT: Final = Gauge(
    "tocsin_deliveries_in_flight", "Deliveries that are being made", ["destination"]
)


def announce(channels: Iterable[str], destinations: Iterable[str]) -> None:
    """Show every series at zero from the start, so that a first failure is seen as a change."""
    for channel in channels:
        for status in ("success", "failure"):
            SENT.labels(channel, status)
        FALLBACKS.labels(channel)
        DELIVERY_SECONDS.labels(channel)
    for destination in destinations:
        BREAKER_STATE.labels(destination).set(0)
        IN_FLIGHT.labels(destination)
