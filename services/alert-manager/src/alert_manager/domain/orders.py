"""From an alert to what its receivers are to be told. All times are epoch milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from alert_contracts.alerts import Alert, Sample
from alert_contracts.events import Event
from alert_contracts.ids import notification_id
from alert_contracts.notifications import Notification, NotifiedAlert
from alert_manager.domain.dedup import Standing, Verdict, transition

MAX_SAMPLES: Final = 5
MAX_MESSAGE: Final = 2_000
"""Characters of a sample's message that a notification carries; the history keeps all of it."""
MAX_ATTRIBUTES: Final = 4_096
"""Bytes of a sample's attributes; more, and the notification goes without them."""


@dataclass(frozen=True, slots=True)
class Order:
    """One notification, and the alert that it is about."""

    alert_id: str
    notification: Notification


def write_orders(
    alert: Alert,
    standing: Standing,
    verdict: Verdict,
    receivers: Sequence[str],
    *,
    url: str,
    now: int,
) -> list[Order]:
    """Return one order for each receiver; their ids are the same however often this is done.

    `url` is where readers reach this service.
    """
    told = notified(alert, resolved=not standing.is_open, url=url)
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


def notified(alert: Alert, *, resolved: bool, url: str) -> NotifiedAlert:
    """Return the alert as a person should hear of it."""
    return NotifiedAlert(
        id=alert.id,
        fingerprint=alert.fingerprint,
        status="resolved" if resolved else "firing",
        rule_id=alert.rule.id,
        rule_name=alert.rule.name,
        severity=alert.severity,
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=alert.starts_at,
        reason=alert.reason,
        aggregates=alert.aggregates,
        threshold=alert.threshold,
        ends_at=alert.ends_at if resolved else None,
        accepted_at=alert.accepted_at,
        decided_at=alert.decided_at,
        window_start=alert.window.start,
        window_end=alert.window.end,
        samples=[_shorten(sample) for sample in alert.samples[:MAX_SAMPLES]],
        url=f"{url}/api/alerts/{alert.id}",
    )


def _shorten(sample: Sample) -> Event:
    event = sample.event
    small = len(msgspec.json.encode(event.attributes)) <= MAX_ATTRIBUTES
    return msgspec.structs.replace(
        event,
        message=event.message[:MAX_MESSAGE],
        attributes=event.attributes if small else {},
    )
