"""What the history holds: an alert with its evidence, and every decision about it.

All times are epoch milliseconds.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Literal

import msgspec

from alert_contracts.alerts import Alert
from alert_contracts.notifications import DeliveryResult
from alert_manager.domain.dedup import OPENING, Report, Standing, Verdict

EntryKind = Literal["decision", "acknowledged", "resolved", "comment", "delivery"]
MAX_DETAIL: Final = 1_000


@dataclass(frozen=True, slots=True)
class Stamps:
    """When each stage was done with the alert's present occurrence."""

    accepted_at: int | None = None
    decided_at: int | None = None
    stored_at: int | None = None
    published_at: int | None = None
    delivered_at: int | None = None


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """One alert: where it stands, the newest evidence (annotations rendered), and its way."""

    standing: Standing
    alert: Alert
    stamps: Stamps
    updated_at: int
    resolved_reason: str = ""
    """Why it is over; the alert's own reason goes on saying why it fired."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a timeline. Entries with the same key are one row that counts its `times`."""

    alert_id: str
    key: str
    kind: EntryKind
    reason: str
    at: int
    detail: str = ""
    by: str | None = None
    times: int = 1
    last_at: int | None = None


def report_of(alert: Alert) -> Report:
    """Return what of the engine's record decides."""
    return Report(
        id=alert.id,
        status=alert.status,
        sequence=alert.sequence,
        decided_at=alert.decided_at,
        window_end=alert.window.end,
    )


def dated(alert: Alert) -> Alert:
    """Return the alert as begun no later than it was decided.

    Events may be dated ahead, so that its condition holds from a moment that has yet to come.
    """
    if alert.starts_at <= alert.decided_at:
        return alert
    return msgspec.structs.replace(alert, starts_at=alert.decided_at)


def keep(
    known: AlertRecord | None, alert: Alert, standing: Standing, verdict: Verdict, *, now: int
) -> AlertRecord:
    """Return the record after a settled report; a new occurrence starts its way anew."""
    if known is None or verdict in OPENING:
        stamps = Stamps(alert.accepted_at, alert.decided_at, stored_at=now)
        over = alert.reason if alert.status == "resolved" else ""
        return AlertRecord(standing, alert, stamps, now, over)
    if alert.status == "resolved":
        return _ended(known, alert, standing, now=now)
    newest = msgspec.structs.replace(renewed(known.alert, alert), ends_at=known.alert.ends_at)
    return replace(known, standing=standing, alert=newest, updated_at=now)


def renewed(held: Alert, newer: Alert) -> Alert:
    """Return newer evidence, with what of the older it lacks.

    Events that cannot be read any more were shown before; so was what was found in them, and the
    texts that name it stay as they are.
    """
    lost = bool(held.found) and not newer.found
    return msgspec.structs.replace(
        newer,
        starts_at=min(held.starts_at, newer.starts_at),
        samples=newer.samples or held.samples,
        found=held.found if lost else newer.found,
        annotations=held.annotations if lost else newer.annotations,
    )


def _ended(known: AlertRecord, alert: Alert, standing: Standing, *, now: int) -> AlertRecord:
    """Return the record once the engine has ended it.

    It keeps why it fired, takes the final counts, and stays with the end that a person, or an heir,
    had put to it before.
    """
    first = known.alert
    counted = alert if alert.aggregates else first
    ended = msgspec.structs.replace(
        first,
        status=alert.status,
        sequence=alert.sequence,
        aggregates=counted.aggregates,
        window=counted.window,
        events=alert.events,
    )
    if known.standing.is_open:
        at = max(alert.ends_at or alert.decided_at, first.starts_at)
        ended = msgspec.structs.replace(ended, ends_at=at)
        known = replace(known, resolved_reason=alert.reason)
    return replace(known, standing=standing, alert=ended, updated_at=now)


def end(record: AlertRecord, standing: Standing, *, reason: str, now: int) -> AlertRecord:
    """Return the record of an alert that was closed without a word of the engine."""
    ended = msgspec.structs.replace(record.alert, ends_at=max(now, record.alert.starts_at))
    return replace(record, standing=standing, alert=ended, updated_at=now, resolved_reason=reason)


def decision_entry(
    alert: Alert, standing: Standing, verdict: Verdict, detail: str, *, now: int
) -> Entry:
    """Return the row for a decision; a run of silent repeats is one row."""
    return Entry(
        alert_id=alert.id,
        key=f"{verdict}/{standing.occurrence}/{standing.reminders}",
        kind="decision",
        reason=verdict,
        at=now,
        detail=detail[:MAX_DETAIL],
    )


def comment_entry(standing: Standing, *, reason: str, by: str, comment: str, now: int) -> Entry:
    """Return the row for words about what was done already; the same words are one row."""
    words = sha256(f"{by}\n{comment}".encode()).hexdigest()[:16]
    return Entry(
        alert_id=standing.id,
        key=f"comment/{standing.occurrence}/{reason}/{words}",
        kind="comment",
        reason=reason,
        at=now,
        detail=comment,
        by=by,
    )


def delivery_entries(result: DeliveryResult) -> list[Entry]:
    """Return the rows for what became of a notification, one for each of its alerts."""
    parts = [f"{result.channel} of {result.receiver}: {result.outcome}"]
    if result.fallback:
        parts.append(f"to {result.fallback}")
    parts.append(f"({result.reason}, attempt {result.attempts})")
    if result.error:
        parts.append(result.error)
    return [
        Entry(
            alert_id=alert_id,
            key=f"delivery/{result.idempotency_key}/{result.outcome}",
            kind="delivery",
            reason=result.outcome,
            at=result.at,
            detail=" ".join(parts)[:MAX_DETAIL],
        )
        for alert_id in dict.fromkeys(result.alert_ids)
    ]
