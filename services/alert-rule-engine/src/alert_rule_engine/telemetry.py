"""The closed list of metrics; log events are the literals of `LogEvent`."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

LogEvent = Literal[
    "rules_changed",
    "rule_refused",
    "rule_quarantined",
    "rule_undecided",
    "record_poisonous",
    "partial_gap",
    "partitions_assigned",
    "partitions_revoked",
    "state_restored",
    "worker_started",
    "worker_stopped",
    "process_ends",
    "samples_not_found",
    "changelog_left_to_faust",
]

EVENTS = Counter("tocsin_engine_events_total", "Events evaluated")
BATCHES = Counter("tocsin_engine_batches_total", "Records of log-events evaluated")
RULES = Gauge("tocsin_engine_rules", "Enabled rules that compile")
RULE_ERRORS = Counter(
    "tocsin_engine_rule_errors_total",
    "Rules refused, left out, or not counted for all of a batch",
    ["tenant", "rule_id"],
)

PARTIALS = Counter("tocsin_engine_partials_total", "Partials read", ["outcome"])
GAPS = Counter("tocsin_engine_partial_gaps_total", "Partials whose predecessor never came")
LATE = Counter(
    "tocsin_engine_late_events_total",
    "Events too late for any window, by source partition",
    ["source"],
)
SURPLUS = Counter(
    "tocsin_engine_surplus_events_total",
    "Events that had no room: of further groups, or of further values of known ones",
    ["bound"],
)
ALERTS = Counter("tocsin_engine_alerts_total", "Alert records sent", ["status"])
EVIDENCE = Counter(
    "tocsin_engine_evidence_records_total",
    "Records of log-events that alerts wanted to show: read, missing (gone, or not had in time), "
    "or spared (more than may be read)",
    ["outcome"],
)
CAPPED = Counter("tocsin_engine_alerts_capped_total", "Flushes that left alerts for the next")
WAITING = Gauge("tocsin_engine_alerts_waiting", "Alerts above the cap, to be sent later")
FRESHNESS = Gauge("tocsin_engine_freshness_seconds", "Age of the newest batch applied, if behind")
PANES = Gauge("tocsin_engine_panes", "Panes held")
GROUPS = Gauge("tocsin_engine_groups", "Groups held")
FLUSH_SECONDS = Histogram(
    "tocsin_engine_flush_seconds",
    "Time to store the state",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
EVENT_TO_ALERT = Histogram(
    "tocsin_engine_event_to_alert_seconds",
    "From the acceptance of the batch that crossed to the alert",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
WATERMARK = Gauge("tocsin_engine_watermark_seconds", "Event time reached", ["partition"])


@lru_cache(maxsize=64)
def series(counter: Counter, label: str) -> Counter:
    """Return the series of a counter with one label; the counter itself is slow to find it."""
    return counter.labels(label)


class CountedEvents(Collector):
    """`tocsin_engine_counted_events_total`, read from the state: exact across restarts."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.value = 0
        registry.register(self)

    def collect(self) -> Iterable[CounterMetricFamily]:
        yield CounterMetricFamily(
            "tocsin_engine_counted_events", "Events counted exactly once", value=self.value
        )
