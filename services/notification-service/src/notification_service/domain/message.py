"""What a person needs to read: an order as plain texts, for templates and without them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from alert_contracts.events import Event
from alert_contracts.notifications import Notification, NotifiedAlert
from alert_contracts.times import rfc3339

LATE_MS: Final = 60_000
"""A message that comes later than this says so."""
MAX_ALERTS: Final = 20
MAX_SAMPLES: Final = 3
MAX_SAMPLE: Final = 500
_OWN_LABELS: Final = frozenset({"alertname", "severity", "rule_id", "tenant"})


def moment(ms: int) -> str:
    """Return epoch milliseconds as a person reads them."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def duration(ms: int) -> str:
    """Return a length in its two largest units: `45 s`, `2 min 5 s`, `3 h`, `1 d 2 h`."""
    left = max(0, ms) // 1000
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def number(value: float) -> str:
    """Return a number without noise: `120`, `1204.5`, `0.12`."""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.4g}"


def sample_line(event: Event) -> str:
    """Return one log event as a log viewer would show it."""
    extras = [
        text
        for text in (
            f"status {event.status_code}" if event.status_code is not None else "",
            f"{number(event.response_time)} ms" if event.response_time is not None else "",
            f"host {event.host}" if event.host else "",
            f"trace {event.trace_id}" if event.trace_id else "",
        )
        if text
    ]
    at = rfc3339(event.timestamp)[11:23]
    tail = f" ({', '.join(extras)})" if extras else ""
    head = f"{at} {event.level} " if event.level else f"{at} "
    return f"{head}{event.message[:MAX_SAMPLE]}{tail}"


def common(texts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the entries that all of them share."""
    first = texts[0] if texts else {}
    return {k: v for k, v in first.items() if all(other.get(k) == v for other in texts)}


def place(labels: Mapping[str, str]) -> str:
    """Return where it happens: the service's name, or the labels that are not about the rule."""
    own = {name: value for name, value in sorted(labels.items()) if name not in _OWN_LABELS}
    service = own.pop("service", "")
    rest = ", ".join(f"{name}={value}" for name, value in own.items())
    return f"{service} ({rest})" if service and rest else service or rest


def _alert(alert: NotifiedAlert) -> dict[str, Any]:
    resolved = alert.status == "resolved"
    end = alert.ends_at if resolved else None
    return {
        "id": alert.id,
        "fingerprint": alert.fingerprint,
        "status": alert.status,
        "name": alert.rule_name,
        "severity": alert.severity.value,
        "where": place(alert.labels),
        "why": alert.reason,
        "threshold": number(alert.threshold) if alert.threshold is not None else "",
        "aggregates": {name: number(value) for name, value in alert.aggregates.items()},
        "since": moment(alert.starts_at),
        "sinceSeconds": alert.starts_at // 1000,
        "until": moment(end) if end is not None else "",
        "untilSeconds": end // 1000 if end is not None else 0,
        "lasted": duration(end - alert.starts_at) if end is not None else "",
        "samples": [sample_line(event) for event in alert.samples[:MAX_SAMPLES]],
        "summary": alert.annotations.get("summary", ""),
        "description": alert.annotations.get("description", ""),
        "runbook": alert.annotations.get("runbook", alert.annotations.get("runbook_url", "")),
        "url": alert.url,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
    }


def context(order: Notification, *, instead_of: str, now: int) -> dict[str, Any]:
    """Return what templates see. `instead_of` is the receiver that could not be reached."""
    alerts = [_alert(alert) for alert in order.alerts[:MAX_ALERTS]]
    late = now - order.created_at
    return {
        "status": order.status,
        "receiver": order.receiver,
        "reason": order.reason,
        "reminder": order.reason == "repeat_due",
        "alerts": alerts,
        "first": alerts[0] if alerts else {},
        "count": len(order.alerts),
        "more": max(0, len(order.alerts) - MAX_ALERTS),
        "groupLabels": dict(order.group_labels),
        "commonLabels": common([alert.labels for alert in order.alerts]),
        "commonAnnotations": common([alert.annotations for alert in order.alerts]),
        "externalURL": order.external_url,
        "now": now,
        "insteadOf": instead_of,
        "late": duration(late) if late >= LATE_MS else "",
    }


def escaped(value: Any, escape: Callable[[str], str]) -> Any:  # noqa: ANN401 - any context value
    """Return a copy in which every text went through `escape`; names stay as they are."""
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, Mapping):
        return {name: escaped(part, escape) for name, part in value.items()}
    if isinstance(value, list):
        return [escaped(part, escape) for part in value]
    return value


def plain_title(order: Notification) -> str:
    """Return one line that needs no template: what happened, how bad, where."""
    names = sorted({alert.rule_name for alert in order.alerts}) or ["alert"]
    places = sorted({place(alert.labels) for alert in order.alerts} - {""})
    severity = order.alerts[0].severity.value if order.alerts else ""
    where = f" on {', '.join(places[:3])}" if places else ""
    head = "RESOLVED" if order.status == "resolved" else f"{severity} firing".strip()
    return f"{head}: {', '.join(names[:3])}{where}"


def plain_text(order: Notification) -> str:
    """Return the facts line by line, without any template."""
    lines: list[str] = []
    for alert in order.alerts[:MAX_ALERTS]:
        told = _alert(alert)
        lines += [f"{told['name']} ({told['severity']}) {told['where']}", f"  {told['why']}"]
        lines += [f"  since {told['since']}" + (f" until {told['until']}" if told["until"] else "")]
        lines += [f"  {line}" for line in (*told["samples"], told["url"]) if line]
    return "\n".join(lines)
