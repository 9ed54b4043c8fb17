"""What a person needs to read: an order as plain texts, for templates and without them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from alert_contracts.events import Event
from alert_contracts.notifications import Notification, NotifiedAlert
from alert_contracts.rules import RuleType
from alert_contracts.times import rfc3339
from notification_service.domain.budget import WIDEST, Budget
from notification_service.domain.words import clean, cut, line, link

LATE_MS: Final = 60_000
"""A message that comes later than this says so."""
MAX_EXTRA: Final = 60
"""Characters of the host and of the trace id behind a sample."""
SECOND_MS: Final = 1_000
NO_DATA: Final = "no data"
"""How the reason of an alert about a window without events begins."""
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


def sample_line(event: Event, *, limit: int = WIDEST.sample) -> str:
    """Return one log event as a log viewer would show it, further lines of it indented."""
    extras = [
        text
        for text in (
            f"status {event.status_code}" if event.status_code is not None else "",
            f"{number(event.response_time)} ms" if event.response_time is not None else "",
            f"host {_short(event.host)}" if event.host else "",
            f"trace {_short(event.trace_id)}" if event.trace_id else "",
        )
        if text
    ]
    at = rfc3339(event.timestamp)[11:23]
    tail = f" ({', '.join(extras)})" if extras else ""
    head = f"{at} {event.level} " if event.level else f"{at} "
    message = cut(clean(event.message[: 4 * limit]).strip(), limit).replace("\n", "\n    ")
    return f"{head}{message}{tail}"


def _short(text: str) -> str:
    return cut(line(text), MAX_EXTRA)


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


def _shown(texts: Mapping[str, str], budget: Budget) -> dict[str, str]:
    return {name: cut(clean(text), budget.text) for name, text in texts.items()}


def silence(alert: NotifiedAlert) -> str:
    """Return of whom nothing was heard, and when; nothing where there are events to show."""
    missing = alert.rule_type == RuleType.ABSENCE or alert.reason.startswith(NO_DATA)
    events = alert.samples or alert.aggregates.get("count")
    if not missing or events or alert.status == "resolved":
        return ""
    group = ", ".join(f"{name}={value}" for name, value in sorted(alert.group.items()))
    words = f"no event of {group}" if group else "no event"
    if alert.window_start is None or alert.window_end is None:
        return words
    return f"{words} from {moment(alert.window_start)} to {moment(alert.window_end)}"


def discovery(found: Mapping[str, str], reason: str) -> str:
    """Return what the rule's type found: `old → new` of a CHANGE, the value of a NEW_TERM.

    Nothing, where the reason names it already.
    """
    if all(text in reason for text in found.values()):
        return ""
    if "old" in found and "new" in found:
        return f"{found['old'] or '(nothing)'} → {found['new'] or '(nothing)'}"
    return found.get("value", "")


def _times(alert: NotifiedAlert) -> dict[str, Any]:
    end = alert.ends_at if alert.status == "resolved" else None
    return {
        "since": moment(alert.starts_at),
        "sinceSeconds": alert.starts_at // 1000,
        "until": moment(end) if end is not None else "",
        "untilSeconds": end // 1000 if end is not None else 0,
        "lasted": duration(end - alert.starts_at) if end is not None else "",
        "lateBy": duration(alert.late_by) if alert.late_by >= SECOND_MS else "",
    }


def _words(alert: NotifiedAlert, budget: Budget) -> dict[str, str]:
    """Return what is one line."""
    runbook = alert.annotations.get("runbook", alert.annotations.get("runbook_url", ""))
    texts = {
        "name": alert.rule_name,
        "where": place(alert.labels),
        "why": alert.reason,
        "ended": alert.resolved_reason,
        "note": alert.note,
        "silence": silence(alert),
        "discovery": discovery(alert.found, alert.reason),
        "runbook": runbook,
    }
    links = {"runbookLink": link(runbook, budget.link), "url": link(alert.url, WIDEST.link)}
    return {name: cut(line(text), budget.text) for name, text in texts.items()} | links


def _alert(alert: NotifiedAlert, budget: Budget) -> dict[str, Any]:
    annotations = _shown(alert.annotations, budget)
    samples = alert.samples[: budget.samples]
    return {
        **_words(alert, budget),
        **_times(alert),
        "id": alert.id,
        "fingerprint": alert.fingerprint,
        "status": alert.status,
        "type": alert.rule_type,
        "severity": alert.severity.value,
        "found": _shown(alert.found, budget),
        "threshold": number(alert.threshold) if alert.threshold is not None else "",
        "aggregates": {name: number(value) for name, value in alert.aggregates.items()},
        "samples": [sample_line(event, limit=budget.sample) for event in samples],
        "summary": annotations.get("summary", ""),
        "description": annotations.get("description", ""),
        "group": _shown(alert.group, budget),
        "labels": _shown(alert.labels, budget),
        "annotations": annotations,
    }


def context(
    order: Notification, *, instead_of: str, now: int, budget: Budget = WIDEST
) -> dict[str, Any]:
    """Return what templates see, each part within its budget and safe to show.

    `instead_of` is the receiver that could not be reached.
    """
    alerts = [_alert(alert, budget) for alert in order.alerts[: budget.alerts]]
    late = now - order.created_at
    return {
        "status": order.status,
        "receiver": line(order.receiver),
        "reason": order.reason,
        "reminder": order.reason == "repeat_due",
        "again": order.reason == "reopened",
        "alerts": alerts,
        "first": alerts[0] if alerts else {},
        "count": len(order.alerts),
        "more": max(0, len(order.alerts) - budget.alerts),
        "groupLabels": _shown(order.group_labels, budget),
        "commonLabels": _shown(common([alert.labels for alert in order.alerts]), budget),
        "commonAnnotations": _shown(common([alert.annotations for alert in order.alerts]), budget),
        "externalURL": link(order.external_url, WIDEST.link),
        "now": now,
        "insteadOf": line(instead_of),
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
    names = sorted({line(alert.rule_name) for alert in order.alerts}) or ["alert"]
    places = sorted({line(place(alert.labels)) for alert in order.alerts} - {""})
    severity = order.alerts[0].severity.value if order.alerts else ""
    where = f" on {', '.join(places[:3])}" if places else ""
    head = "RESOLVED" if order.status == "resolved" else f"{severity} firing".strip()
    return f"{head}: {', '.join(names[:3])}{where}"


def plain_text(order: Notification) -> str:
    """Return the facts line by line, without any template."""
    lines: list[str] = []
    for alert in order.alerts[: WIDEST.alerts]:
        told = _alert(alert, WIDEST)
        lines += [f"{told['name']} ({told['severity']}) {told['where']}", f"  {told['why']}"]
        lines += [f"  since {told['since']}" + (f" until {told['until']}" if told["until"] else "")]
        facts = ("discovery", "silence", "ended", "note")
        lines += [f"  {told[name]}" for name in facts if told[name]]
        lines += [f"  {text}" for text in (*told["samples"], told["url"]) if text]
    return "\n".join(lines)
