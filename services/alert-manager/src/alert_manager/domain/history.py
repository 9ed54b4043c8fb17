"""What the history holds: an alert with its evidence, and every decision about it.

All times are epoch milliseconds.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

import msgspec

from alert_contracts.alerts import Alert
from alert_contracts.notifications import DeliveryResult
from alert_manager.domain.dedup import Report, Standing, Verdict

EntryKind = Literal["decision", "acknowledged", "resolved", "delivery"]
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
    return Report(id=alert.id, status=alert.status, sequence=alert.sequence)


def keep(
    known: AlertRecord | None, alert: Alert, standing: Standing, verdict: Verdict, *, now: int
) -> AlertRecord:
    """Return the record after a settled report.

    A resolve keeps the evidence of why it fired; a new occurrence starts its way anew.
    """
    if known is None or verdict is Verdict.FIRST_SEEN:
        stamps = Stamps(alert.accepted_at, alert.decided_at, stored_at=now)
        return AlertRecord(standing, alert, stamps, now)
    if alert.status == "resolved":
        ended = msgspec.structs.replace(
            known.alert,
            status=alert.status,
            sequence=alert.sequence,
            reason=alert.reason,
            ends_at=alert.ends_at or alert.decided_at,
        )
        return AlertRecord(standing, ended, known.stamps, now)
    newest = msgspec.structs.replace(
        alert,
        starts_at=min(known.alert.starts_at, alert.starts_at),
        samples=alert.samples or known.alert.samples,
    )
    return AlertRecord(standing, newest, known.stamps, now)


def end(record: AlertRecord, standing: Standing, *, reason: str, now: int) -> AlertRecord:
    """Return the record of an alert that was closed without a word of the engine."""
    ended = msgspec.structs.replace(record.alert, ends_at=now, reason=reason)
    return replace(record, standing=standing, alert=ended, updated_at=now)


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
