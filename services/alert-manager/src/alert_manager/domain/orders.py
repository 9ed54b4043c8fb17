"""From an alert to what its receivers are to be told. All times are epoch milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import msgspec

from alert_contracts.alerts import Alert, Sample
from alert_contracts.events import Event
from alert_contracts.ids import notification_id
from alert_contracts.notifications import Notification, NotifiedAlert
from alert_manager.domain.dedup import Verdict, transition
from alert_manager.domain.history import AlertRecord

MAX_SAMPLES: Final = 5
MAX_MESSAGE: Final = 2_000
"""Characters of a sample's message that a notification carries; the history keeps all of it."""
MAX_ATTRIBUTES: Final = 4_096
"""Bytes of a sample's attributes; more, and the notification goes without them."""
MAX_FOUND: Final = 1_000
"""Characters of a text that the rule's type found."""
_TELLING: Final = ("crossing", "first", "last", "other")
"""The roles of samples, the most telling first: a message may show but one."""


@dataclass(frozen=True, slots=True)
class Order:
    """One notification, and the alert that it is about."""

    alert_id: str
    notification: Notification


def write_orders(
    record: AlertRecord,
    verdict: Verdict,
    receivers: Sequence[str],
    *,
    url: str,
    now: int,
    note: str = "",
) -> list[Order]:
    """Return one order for each receiver; their ids are the same however often this is done.

    `url` is where readers reach this service, `note` what they should know besides.
    """
    alert, standing = record.alert, record.standing
    told = notified(record, url=url, note=note)
    name = Verdict.RESOLVED if verdict is Verdict.RESOLVED_BY_PERSON else verdict
    return [
        Order(
            alert.id,
            Notification(
                id=notification_id(
                    alert=alert.id, transition=transition(name, standing), receiver=receiver
                ),
                tenant=alert.tenant,
                group_key=f"{alert.tenant}/{receiver}/{alert.fingerprint}",
                receiver=receiver,
                status=told.status,
                reason=verdict,
                alerts=[told],
                created_at=now,
                group_labels=alert.group,
                external_url=url,
                traceparent=alert.traceparent,
            ),
        )
        for receiver in receivers
    ]


def notified(record: AlertRecord, *, url: str, note: str = "") -> NotifiedAlert:
    """Return the alert as a person should hear of it."""
    alert, resolved = record.alert, not record.standing.is_open
    return NotifiedAlert(
        id=alert.id,
        fingerprint=alert.fingerprint,
        status="resolved" if resolved else "firing",
        rule_id=alert.rule.id,
        rule_name=alert.rule.name,
        rule_type=alert.rule.type.value,
        severity=alert.severity,
        labels=alert.labels,
        group=alert.group,
        annotations=alert.annotations,
        starts_at=alert.starts_at,
        reason=alert.reason,
        resolved_reason=record.resolved_reason if resolved else "",
        note=note,
        aggregates=alert.aggregates,
        threshold=alert.threshold,
        found={name: text[:MAX_FOUND] for name, text in alert.found.items()},
        ends_at=alert.ends_at if resolved else None,
        accepted_at=alert.accepted_at,
        decided_at=alert.decided_at,
        late_by=alert.late_by,
        window_start=alert.window.start,
        window_end=alert.window.end,
        samples=_most_telling(alert),
        url=f"{url}/api/alerts/{quote(alert.id, safe='')}",
    )


def _most_telling(alert: Alert) -> list[Event]:
    ranked = sorted(alert.samples, key=lambda sample: _TELLING.index(sample.role))
    return [_shorten(sample) for sample in ranked[:MAX_SAMPLES]]


def _shorten(sample: Sample) -> Event:
    event = sample.event
    small = len(msgspec.json.encode(event.attributes)) <= MAX_ATTRIBUTES
    return msgspec.structs.replace(
        event,
        message=event.message[:MAX_MESSAGE],
        attributes=event.attributes if small else {},
    )
