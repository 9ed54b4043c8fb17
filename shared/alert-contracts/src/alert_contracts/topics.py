"""The closed list of Kafka topics and header names, with what provisioning must create."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
MEBIBYTE: Final = 1_048_576


class Topic(StrEnum):
    """Topics that users and operators type."""

    LOG_EVENTS = "log-events"  # key: batch id
    RULE_PARTIALS = "rule-partials"  # no key: explicit partition
    RULE_STATE_CHANGELOG = "rule-state-v1-panes-changelog"  # key: state bucket
    ALERT_RULES = "alert-rules"  # key: tenant/rule id
    RULE_STATUS = "rule-status"  # key: <stage>/<worker or partition>/<tenant>/<rule id>
    ALERTS = "alerts"  # key: fingerprint
    NOTIFICATIONS = "notifications"  # key: group key
    DELIVERY_RESULTS = "delivery-results"  # key: group key


class Header(StrEnum):
    """Record headers; every value is UTF-8 text."""

    CONTENT_TYPE = "content-type"
    SCHEMA = "schema"
    TENANT = "tenant"
    COUNT = "count"
    ACCEPTED_AT = "accepted-at"
    TRACEPARENT = "traceparent"


class Schema(StrEnum):
    """Values of the `schema` header: name and major version of what the value holds."""

    LOG_BATCH = "log-batch/1"
    RULE = "rule/1"
    RULE_STATUS = "rule-status/1"
    ALERT = "alert/1"
    NOTIFICATION = "notification/1"
    DELIVERY_RESULT = "delivery-result/1"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What provisioning creates. Partition counts are for life."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


LOG_EVENTS_PARTITIONS: Final = 12
STATE_PARTITIONS: Final = 4
MAX_RECORD_BYTES: Final = 2 * MEBIBYTE
"""Largest record of a topic that librdkafka writes; its pre-compression check is raised to it."""
MAX_PARTIAL_BYTES: Final = 8 * MEBIBYTE
"""Largest record of `rule-partials`: many rules may each make many rows of one batch."""
DLQ_SUFFIX: Final = ".dlq"


def dead_letter_topic(topic: str) -> str:
    """Return the name of the topic that holds what `topic`'s consumers could not read."""
    return topic + DLQ_SUFFIX


def _delete(retention_ms: int, *, largest: int = MAX_RECORD_BYTES) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
        "max.message.bytes": str(largest),
    }


def _dead_letters(topic: Topic) -> TopicSpec:
    """Return the topic for what cannot be read: the largest record of `topic`, and headers."""
    largest = MAX_PARTIAL_BYTES + MEBIBYTE if topic is Topic.RULE_PARTIALS else MAX_RECORD_BYTES
    return TopicSpec(dead_letter_topic(topic), 1, _delete(14 * DAY_MS, largest=largest))


_COMPACT_STATE = {
    "cleanup.policy": "compact",
    "segment.bytes": str(8 * MEBIBYTE),
    "segment.ms": "60000",
    "min.cleanable.dirty.ratio": "0.1",
    "max.message.bytes": str(8 * MEBIBYTE),
}
_COMPACT_RULES = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.1",
    "delete.retention.ms": str(DAY_MS),
    "max.message.bytes": str(MAX_RECORD_BYTES),
}
_COMPACT_STATUS = {
    "cleanup.policy": "compact,delete",
    "retention.ms": str(DAY_MS),
    "segment.bytes": str(8 * MEBIBYTE),
    "segment.ms": "600000",
    "min.cleanable.dirty.ratio": "0.1",
    "max.message.bytes": str(MAX_RECORD_BYTES),
}

_LIVE: Final = (
    TopicSpec(Topic.LOG_EVENTS, LOG_EVENTS_PARTITIONS, _delete(DAY_MS)),
    TopicSpec(Topic.RULE_PARTIALS, STATE_PARTITIONS, _delete(HOUR_MS, largest=MAX_PARTIAL_BYTES)),
    TopicSpec(Topic.RULE_STATE_CHANGELOG, STATE_PARTITIONS, _COMPACT_STATE),
    TopicSpec(Topic.ALERT_RULES, 1, _COMPACT_RULES),
    TopicSpec(Topic.RULE_STATUS, 1, _COMPACT_STATUS),
    TopicSpec(Topic.ALERTS, 6, _delete(7 * DAY_MS)),
    TopicSpec(Topic.NOTIFICATIONS, 6, _delete(3 * DAY_MS)),
    TopicSpec(Topic.DELIVERY_RESULTS, 6, _delete(3 * DAY_MS)),
)
_CONSUMED: Final = (
    Topic.LOG_EVENTS,
    Topic.RULE_PARTIALS,
    Topic.ALERT_RULES,
    Topic.ALERTS,
    Topic.NOTIFICATIONS,
    Topic.DELIVERY_RESULTS,
)
TOPICS: Final[tuple[TopicSpec, ...]] = (
    *_LIVE,
    *(_dead_letters(topic) for topic in _CONSUMED),
)
