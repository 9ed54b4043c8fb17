"""An order that looks like a real one, for tests of channels and previews of templates."""

from typing import Literal

from alert_contracts.events import Event
from alert_contracts.notifications import Notification, NotifiedAlert
from alert_contracts.rules import Severity

MINUTE_MS = 60_000


def sample_order(
    receiver: str, *, status: Literal["firing", "resolved"], now: int, test: bool
) -> Notification:
    """Return an order about an alert that never was. `now` is in epoch ms; a `test` says so."""
    alert = _alert(status=status, now=now, test=test)
    return Notification(
        id=f"{'test' if test else 'sample'}-{now}-{status}",
        tenant="default",
        group_key=f"sample-{now}",
        receiver=receiver,
        status=status,
        reason="test" if test else "first_seen",
        alerts=[alert],
        created_at=now,
        group_labels={"service": "payment-service"},
    )


def _alert(*, status: Literal["firing", "resolved"], now: int, test: bool) -> NotifiedAlert:
    name = "Test message from Tocsin" if test else "High Error Rate"
    began = now - 2 * MINUTE_MS
    return NotifiedAlert(
        id=f"sample-{now}",
        fingerprint="5a3b1e0000000000",
        status=status,
        rule_id="sample",
        rule_name=name,
        severity=Severity.INFO if test else Severity.CRITICAL,
        labels={"alertname": name, "service": "payment-service", "tenant": "default"},
        annotations={
            "summary": "Nothing is wrong: somebody tests whether messages arrive."
            if test
            else "Payments fail for one customer in ten.",
            "runbook": "https://runbooks.example.com/payments",
        },
        starts_at=began,
        ends_at=now if status == "resolved" else None,
        reason="count 120 > threshold 100",
        aggregates={"count": 120.0},
        threshold=100.0,
        samples=[_event(began)],
        url="http://127.0.0.1:8082/api/alerts/sample",
    )


def _event(at: int) -> Event:
    return Event(
        timestamp=at,
        service="payment-service",
        message="Database connection failed",
        level="ERROR",
        status_code=500,
        response_time=5000.0,
        host="pay-3",
    )
