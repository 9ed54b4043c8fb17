"""The closed list of metrics and log events of this service."""

from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram

PROCESSED = Counter("alerts_processed_total", "Records of alerts that were judged")
DEDUPLICATED = Counter(
    "alerts_deduplicated_total", "Records of firing alerts of which nobody needed to hear again"
)
DECISIONS = Counter("tocsin_alert_decisions_total", "Judged records, by verdict", ["reason"])
NOTIFICATIONS = Counter(
    "tocsin_alert_notifications_total", "Notifications ordered, by receiver", ["receiver"]
)
OPEN = Gauge("tocsin_alerts_open", "Alerts that fire or are acknowledged")
OUTBOX = Gauge("tocsin_alert_outbox_unsent", "Notifications stored and not yet published")
CACHE_FAILURES = Counter(
    "tocsin_alert_cache_failures_total", "Times that Postgres was asked because Redis was away"
)
BATCH_SECONDS = Histogram(
    "tocsin_alert_batch_seconds",
    "Time from reading a batch of alerts to its notifications being published",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class LogEvent(StrEnum):
    """What the log says, for queries over it."""

    DECIDED = "alert_decided"
    CACHE_AWAY = "seen_cache_away"
    PUBLISH_POSTPONED = "notifications_postponed"
    PUBLISH_REFUSED = "notification_refused"
    REPUBLISHED = "notifications_published_late"
    FORGOTTEN = "history_forgotten"
    WITHOUT_EFFECT = "configuration_without_effect"
    STARTED = "started"
    TIMER_POSTPONED = "timer_postponed"
