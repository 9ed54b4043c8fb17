"""Any web service, in Alertmanager's webhook format (version 4), signed if a secret is set."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final

import msgspec

from alert_contracts.notifications import Notification, NotifiedAlert
from alert_contracts.times import rfc3339
from notification_service.adapters.channel import HttpPost, Letter
from notification_service.domain.message import common

NOT_OVER: Final = "0001-01-01T00:00:00Z"
SIGNATURE: Final = "X-Tocsin-Signature"


def body(order: Notification, *, max_alerts: int) -> dict[str, Any]:
    """Return Alertmanager's document; at most `max_alerts` alerts, 0 for all of them."""
    shown = order.alerts[:max_alerts] if max_alerts else order.alerts
    return {
        "version": "4",
        "groupKey": order.group_key,
        "truncatedAlerts": len(order.alerts) - len(shown),
        "status": order.status,
        "receiver": order.receiver,
        "groupLabels": order.group_labels,
        "commonLabels": common([alert.labels for alert in order.alerts]),
        "commonAnnotations": common([alert.annotations for alert in order.alerts]),
        "externalURL": order.external_url,
        "notification_reason": order.reason,
        "alerts": [_alert(alert) for alert in shown],
    }


def _alert(alert: NotifiedAlert) -> dict[str, Any]:
    over = alert.status == "resolved" and alert.ends_at is not None
    return {
        "status": alert.status,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": rfc3339(alert.starts_at),
        "endsAt": rfc3339(alert.ends_at) if over and alert.ends_at is not None else NOT_OVER,
        "generatorURL": alert.url,
        "fingerprint": alert.fingerprint,
    }


def signature(secret: bytes, content: bytes, *, at: int) -> str:
    """Return `t=<epoch s>,v1=<hex>`: HMAC-SHA256 over the time, a dot and the body."""
    signed = hmac.new(secret, str(at).encode() + b"." + content, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"


class WebhookChannel:
    """Posts to one address. `clock` gives epoch milliseconds; an empty secret signs nothing."""

    def __init__(
        self, post: HttpPost, *, max_alerts: int, secret: bytes, clock: Callable[[], int]
    ) -> None:
        self._post = post
        self._max_alerts = max_alerts
        self._secret = secret
        self._clock = clock

    async def send(self, letter: Letter) -> None:
        content = msgspec.json.encode(body(letter.order, max_alerts=self._max_alerts))
        headers = {}
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, content, at=self._clock() // 1000)
        await self._post(content, key=letter.key, headers=headers)
