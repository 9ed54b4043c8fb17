"""The closed list of metrics and log events of the gateway."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from api_gateway.domain.rule_health import Fare
from api_gateway.domain.rule_ranking import Shown

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
    RULE_METRICS_FAILED = "rule_metrics_failed"


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


class _Figure(NamedTuple):
    """One metric of each rule; a figure that is None is not known of a rule, and not shown."""

    family: type[CounterMetricFamily | GaugeMetricFamily]
    name: str
    help: str
    of: Callable[[Fare], float | None]


def _counted(of: Callable[[Fare], float]) -> Callable[[Fare], float | None]:
    """Read what is complete only once both stages have told: no 0 may pose as a count."""
    return lambda fare: of(fare) if fare.live_revision else None


_FIGURES: Final = (
    _Figure(
        GaugeMetricFamily,
        "tocsin_rule_healthy",
        "1, or 0 if the rule failed at run time",
        lambda fare: float(not fare.failing),
    ),
    _Figure(
        GaugeMetricFamily,
        "tocsin_rule_last_error_seconds",
        "When the rule last failed at run time, seconds since 1970",
        lambda fare: fare.last_error_at / 1000 or None,
    ),
    _Figure(
        GaugeMetricFamily,
        "tocsin_rule_last_evaluation_seconds",
        "Event time up to which all windows of the rule were judged, seconds since 1970",
        lambda fare: fare.last_evaluation / 1000 or None,
    ),
    _Figure(
        CounterMetricFamily,
        "tocsin_rule_events_matched_total",
        "Events that the rule's windows have counted",
        _counted(lambda fare: fare.events_matched),
    ),
    _Figure(
        CounterMetricFamily,
        "tocsin_rule_late_events_total",
        "Events that came too late for the rule's windows",
        _counted(lambda fare: fare.late),
    ),
    _Figure(
        CounterMetricFamily,
        "tocsin_rule_surplus_events_total",
        "Events of groups or values beyond the rule's bounds",
        _counted(lambda fare: fare.surplus),
    ),
    _Figure(
        GaugeMetricFamily,
        "tocsin_rule_groups",
        "Groups that the rule keeps apart",
        _counted(lambda fare: fare.groups),
    ),
    _Figure(
        GaugeMetricFamily,
        "tocsin_rule_firing_alerts",
        "Alerts of the rule that fire",
        _counted(lambda fare: fare.firing),
    ),
    _Figure(
        GaugeMetricFamily,
        "tocsin_rule_state_bytes",
        "Memory that the rule's panes and groups take, an estimate",
        _counted(lambda fare: fare.state_bytes),
    ),
    _Figure(
        GaugeMetricFamily,
        "tocsin_rule_cpu_share",
        "Share of the CPU time of the engine's evaluation, 0 to 1, by sampling",
        _counted(lambda fare: fare.cpu_share),
    ),
)


class RuleMetrics(Collector):
    """How rules fare, each a series of its own: the ones that `shown` has, and no other."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.shown = Shown({})
        registry.register(self)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield the metrics, all of the same moment."""
        rules, left_out = self.shown
        for figure in _FIGURES:
            family = figure.family(figure.name, figure.help, labels=("tenant", "rule_id"))
            for key, fare in rules.items():
                value = figure.of(fare)
                if value is not None:
                    family.add_metric(key, value)
            yield family
        yield GaugeMetricFamily(
            "tocsin_rule_metrics_left_out",
            "Rules beyond API_GATEWAY_METRICS_MAX_RULES, of which no metrics are shown",
            value=left_out,
        )
