"""PagerDuty, by Events API v2: https://developer.pagerduty.com/docs/events-api-v2/overview/."""

from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

import msgspec

from alert_contracts.notifications import Notification
from alert_contracts.times import rfc3339
from notification_service.adapters.channel import HttpPost, Letter, shown
from notification_service.domain.outcome import Reason
from notification_service.domain.words import line
from notification_service.ports import ChannelTemporaryError

MAX_SUMMARY: Final = 1_024
MAX_DEDUP_KEY: Final = 255
MAX_BODY: Final = 512_000
MAX_DETAIL: Final = 4_096
_SEVERITIES: Final = {
    "CRITICAL": "critical",
    "HIGH": "error",
    "MEDIUM": "warning",
    "LOW": "info",
    "INFO": "info",
}
_ACCEPTED: Final = frozenset(_SEVERITIES.values())


def dedup_key(order: Notification) -> str:
    """Return the key of the incident: the alert's fingerprint, or a group's own for several."""
    fingerprints = {alert.fingerprint for alert in order.alerts}
    if len(fingerprints) == 1:
        return fingerprints.pop()[:MAX_DEDUP_KEY]
    return sha256(order.group_key.encode()).hexdigest()


def event(letter: Letter, routing_key: str) -> dict[str, Any]:
    """Return the body of one event: trigger while it fires, resolve when it is over."""
    order = letter.order
    base = {"routing_key": routing_key, "dedup_key": dedup_key(order)}
    if order.status == "resolved":
        return {**base, "event_action": "resolve"}
    first: Mapping[str, Any] = letter.context.get("first", {})
    url = str(first.get("url") or letter.context.get("externalURL", ""))
    found = ((url, "Open the alert"), (str(first.get("runbookLink", "")), "Runbook"))
    links = [{"href": href, "text": text} for href, text in found if href]
    return {
        **base,
        "event_action": "trigger",
        "client": letter.texts.get("client") or "Tocsin",
        "client_url": letter.texts.get("client_url") or url,
        "links": links,
        "payload": _payload(letter),
    }


def _payload(letter: Letter) -> dict[str, Any]:
    order, texts = letter.order, letter.texts
    first: Mapping[str, Any] = letter.context.get("first", {})
    asked = texts.get("severity", "").strip().lower()
    own = _SEVERITIES[order.alerts[0].severity.value] if order.alerts else "error"
    details = {name: value for name, value in _details(letter).items() if value}
    payload = {
        "summary": " ".join(texts["title"].split())[:MAX_SUMMARY] or "alert",
        "source": (texts.get("source") or str(first.get("where", "")) or "tocsin")[:MAX_SUMMARY],
        "severity": asked if asked in _ACCEPTED else own,
        "timestamp": rfc3339(min((one.starts_at for one in order.alerts), default=0)),
        "component": texts.get("component") or _service(letter),
        "group": texts.get("group", ""),
        "class": texts.get("class") or str(first.get("name", "")),
        "custom_details": details,
    }
    return {name: value for name, value in payload.items() if value}


def _service(letter: Letter) -> str:
    return line(str(letter.context.get("groupLabels", {}).get("service", "")))


def _details(letter: Letter) -> dict[str, str]:
    own = {name[8:]: text for name, text in letter.texts.items() if name.startswith("details.")}
    return {
        "details": letter.texts["text"][:MAX_DETAIL],
        **{k: v[:MAX_DETAIL] for k, v in own.items()},
    }


class PagerDutyChannel:
    """Sends events with one routing key."""

    def __init__(self, post: HttpPost, routing_key: str) -> None:
        self._post = post
        self._routing_key = routing_key

    async def send(self, letter: Letter) -> None:
        sent = event(letter, self._routing_key)
        body = msgspec.json.encode(sent)
        if len(body) > MAX_BODY:
            sent["payload"]["custom_details"] = {"details": "left out: too long"}
            body = msgspec.json.encode(sent)
        answer = await self._post(body, key=letter.key)
        if answer.status != HTTPStatus.ACCEPTED:
            message = f"answered {answer.status} instead of 202: {shown(answer.text)}"
            raise ChannelTemporaryError(Reason.BAD_ANSWER, message)
