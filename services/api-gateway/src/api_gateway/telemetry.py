"""The closed list of metrics and log events of the gateway."""

from enum import StrEnum
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

SERVICE: Final = "api-gateway"
LATENCY_BUCKETS: Final = (
    *(0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05),
    *(0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)


class LogEvent(StrEnum):
    """What the gateway writes to its log."""

    STARTED = "gateway_started"
    STOPPED = "gateway_stopped"
    REQUEST_FAILED = "ingest_request_failed"
    KAFKA_AWAY = "kafka_away"
    KAFKA_BACK = "kafka_back"
    RULE_CHANGED = "rule_changed"
    RULES_PUBLISHED = "rules_published"
    RULES_DIFFER = "rules_differ_from_topic"
    RECONCILE_FAILED = "rules_reconcile_failed"
    HEARTBEAT_FAILED = "heartbeat_failed"
    STATUS_AWAY = "rule_status_away"
    STATUS_UNREADABLE = "rule_status_unreadable"


class Route(StrEnum):
    """Values of the `route` label."""

    ONE = "/api/logs"
    BATCH = "/api/logs/batch"


class Metrics:
    """The metrics of one gateway; label children are made once, since looking them up is slow."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        events = Counter(
            "tocsin_ingest_events_total", "Events by outcome", ["outcome"], registry=registry
        )
        self.accepted = events.labels("accepted")
        self.rejected = events.labels("rejected")
        self._requests = Counter(
            "tocsin_ingest_requests_total",
            "Ingest requests by route and status",
            ["route", "status"],
            registry=registry,
        )
        seconds = Histogram(
            "tocsin_ingest_request_seconds",
            "From the head of an ingest request to its answer",
            ["route"],
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.seconds = {route: seconds.labels(route.value) for route in Route}
        self.bytes = Counter(
            "tocsin_ingest_bytes_total", "Bytes of ingest bodies, inflated", registry=registry
        )
        self.in_flight = Gauge(
            "tocsin_ingest_in_flight_bytes", "Bytes of requests not yet answered", registry=registry
        )
        self._children: dict[tuple[Route, int], Counter] = {}

    def answered(self, route: Route, status: int, seconds: float) -> None:
        """Count one answered ingest request."""
        child = self._children.get((route, status))
        if child is None:
            child = self._requests.labels(route.value, str(status))
            self._children[route, status] = child
        child.inc()
        self.seconds[route].observe(seconds)
