"""How the REST API shows alerts: camelCase, RFC 3339 with milliseconds, latencies in ms."""

from itertools import pairwise
from typing import Any

import msgspec

from alert_contracts.times import rfc3339
from alert_manager.domain.history import AlertRecord, Entry, Stamps

View = dict[str, Any]


def moment(at: int | None) -> str | None:
    """Return epoch milliseconds as RFC 3339, UTC."""
    return None if at is None else rfc3339(at)


def summary(record: AlertRecord) -> View:
    """Return an alert as a list shows it."""
    standing, alert = record.standing, record.alert
    return {
        "id": standing.id,
        "fingerprint": alert.fingerprint,
        "status": standing.state.value,
        "severity": alert.severity.value,
        "rule": {
            "id": alert.rule.id,
            "name": alert.rule.name,
            "type": alert.rule.type.value,
            "revision": alert.rule.revision,
        },
        "labels": alert.labels,
        "annotations": alert.annotations,
        "reason": alert.reason,
        "resolvedReason": record.resolved_reason or None,
        "startsAt": moment(alert.starts_at),
        "endsAt": moment(alert.ends_at),
        "updatedAt": moment(record.updated_at),
        "occurrence": standing.occurrence,
        "notifiedAt": moment(standing.notified_at),
        "reminders": standing.reminders,
        "receivers": list(standing.told),
        "acknowledgedBy": standing.acknowledged_by,
        "acknowledgedAt": moment(standing.acknowledged_at),
        "resolvedBy": standing.resolved_by or standing.closed_by,
    }


def detail(record: AlertRecord) -> View:
    """Return an alert with all its evidence and its way through the stages."""
    alert = record.alert
    return {
        **summary(record),
        "group": alert.group,
        "condition": alert.condition,
        "threshold": alert.threshold,
        "counts": alert.aggregates,
        "events": alert.events if alert.status == "resolved" else None,
        "found": alert.found,
        "lateBy": alert.late_by,
        "window": {
            "start": moment(alert.window.start),
            "end": moment(alert.window.end),
            "kind": alert.window.kind,
        },
        "samples": [
            {
                "event": {
                    **msgspec.to_builtins(sample.event),
                    "timestamp": moment(sample.event.timestamp),
                },
                "role": sample.role,
                "partition": sample.partition,
                "offset": sample.offset,
            }
            for sample in alert.samples
        ],
        "sources": msgspec.to_builtins(alert.sources),
        "sequence": record.standing.sequence,
        "stages": _stages(record.stamps),
        "latencyMs": _latencies(record.stamps),
    }


def _named(stamps: Stamps) -> dict[str, int | None]:
    return {
        "accepted": stamps.accepted_at,
        "decided": stamps.decided_at,
        "stored": stamps.stored_at,
        "published": stamps.published_at,
        "delivered": stamps.delivered_at,
    }


def _stages(stamps: Stamps) -> View:
    return {name: moment(at) for name, at in _named(stamps).items()}


def _latencies(stamps: Stamps) -> dict[str, int]:
    """Return how long each stage took after the one before, and all of them, in ms.

    Stages are stamped by different machines: a clock that is behind shows as 0, not as less.
    """
    reached = {name: at for name, at in _named(stamps).items() if at is not None}
    steps = {
        f"{first}To{second.capitalize()}": max(0, reached[second] - reached[first])
        for first, second in pairwise(reached)
    }
    if len(reached) > 1:
        times = list(reached.values())
        steps["total"] = max(0, times[-1] - times[0])
    return steps


def entry(row: Entry) -> View:
    """Return a row of a timeline."""
    return {
        "at": moment(row.at),
        "lastAt": moment(row.last_at or row.at),
        "times": row.times,
        "kind": row.kind,
        "reason": row.reason,
        "detail": row.detail,
        "by": row.by,
    }
