"""What the alert manager orders to be delivered, and what became of it."""

from typing import Final, Literal

import msgspec

from alert_contracts.events import Event
from alert_contracts.rules import Severity


class NotifiedAlert(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """One alert as a person should hear of it; annotations are rendered."""

    id: str
    fingerprint: str
    status: Literal["firing", "resolved"]
    rule_id: str
    rule_name: str
    severity: Severity
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: int
    reason: str
    aggregates: dict[str, float] = {}
    threshold: float | None = None
    ends_at: int | None = None
    accepted_at: int | None = None
    decided_at: int | None = None
    window_start: int | None = None
    window_end: int | None = None
    samples: list[Event] = []
    """Some events of the window, the one that crossed first."""
    url: str = ""
    """Where the alert can be looked at."""
    rule_type: str = ""
    group: dict[str, str] = {}
    """What of the rule's groups it is about, by the names of `groupBy`."""
    found: dict[str, str] = {}
    """Texts that the rule's type found: `old` and `new` of a CHANGE, `value` of a NEW_TERM."""
    late_by: int = 0
    """Milliseconds by which the event that crossed came late."""
    resolved_reason: str = ""
    """Why it is over; `reason` goes on saying why it fired."""
    note: str = ""
    """What a reader should know besides, such as that somebody had resolved it before."""


class Notification(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """An order to tell one receiver. `id` is deterministic: a repeat is the same order."""

    id: str
    tenant: str
    group_key: str
    receiver: str
    status: Literal["firing", "resolved"]
    reason: str
    """Why now: the verdict of the alert manager, such as `first_seen`, `repeat_due`, `resolved`."""
    alerts: list[NotifiedAlert]
    created_at: int
    group_labels: dict[str, str] = {}
    external_url: str = ""
    traceparent: str | None = None


class DeliveryResult(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """What became of one notification on one integration of its receiver."""

    notification_id: str
    idempotency_key: str
    tenant: str
    group_key: str
    receiver: str
    channel: str
    """slack, pagerduty, email, webhook."""
    integration: str
    """Which of the receiver's, such as `slack[0]`."""
    outcome: Literal["delivered", "failed", "fell_back", "skipped"]
    reason: str
    """Why: `ok`, `server_error`, `client_error`, `rate_limited`, `circuit_open`, `timeout`, ..."""
    alert_ids: list[str]
    attempts: int
    at: int
    error: str = ""
    fallback: str = ""
    """The receiver that took over, when the outcome is fell_back."""


_encoder: Final = msgspec.json.Encoder()
_notification: Final = msgspec.json.Decoder(Notification)
_result: Final = msgspec.json.Decoder(DeliveryResult)


def encode(value: Notification | DeliveryResult) -> bytes:
    """Return the value as JSON."""
    return _encoder.encode(value)


def decode_notification(value: bytes) -> Notification:
    """Return the order of one record.

    Raises:
        msgspec.DecodeError: (or its subclass ValidationError) the value is no notification.
    """
    return _notification.decode(value)


def decode_result(value: bytes) -> DeliveryResult:
    """Return the result of one record.

    Raises:
        msgspec.DecodeError: (or its subclass ValidationError) the value is no delivery result.
    """
    return _result.decode(value)
