"""Between the domain's values and the rows of the tables in `migrations/`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from alert_contracts.alerts import decode_alert, encode_alert
from alert_contracts.notifications import decode_notification, encode
from alert_manager.domain.dedup import Closer, Standing, State
from alert_manager.domain.history import AlertRecord, Entry, Stamps
from alert_manager.domain.orders import Order
from alert_manager.domain.shortcut import Repeat

Row = Mapping[str, Any]
_encoder: Final = msgspec.json.Encoder()


def _json(rows: Sequence[Row]) -> str:
    return _encoder.encode(rows).decode()


def from_records(records: Iterable[AlertRecord]) -> str:
    """Return the rows of `alerts` as a JSON array."""
    return _json([_alert_row(record) for record in records])


def _alert_row(record: AlertRecord) -> Row:
    standing, alert, stamps = record.standing, record.alert, record.stamps
    return {
        "id": standing.id,
        "tenant": alert.tenant,
        "fingerprint": alert.fingerprint,
        "state": standing.state,
        "reported": standing.reported,
        "sequence": standing.sequence,
        "occurrence": standing.occurrence,
        "closed_by": standing.closed_by,
        "rule_id": alert.rule.id,
        "rule_name": alert.rule.name,
        "severity": alert.severity,
        "labels": alert.labels,
        "reason": alert.reason,
        "starts_at": alert.starts_at,
        "ends_at": alert.ends_at,
        "updated_at": record.updated_at,
        "notified_at": standing.notified_at,
        "reminders": standing.reminders,
        "told": standing.told,
        "acknowledged_by": standing.acknowledged_by,
        "acknowledged_at": standing.acknowledged_at,
        "resolved_by": standing.resolved_by,
        "accepted_at": stamps.accepted_at,
        "decided_at": stamps.decided_at,
        "stored_at": stamps.stored_at,
        "published_at": stamps.published_at,
        "delivered_at": stamps.delivered_at,
        "evidence": msgspec.Raw(encode_alert(alert)),
    }


def from_repeats(repeats: Iterable[Repeat]) -> str:
    """Return the newest evidence of each alert as a JSON array."""
    newest = [repeat.newest for repeat in repeats]
    return _json(
        [
            {
                "key": alert.id,
                "sequence": alert.sequence,
                "reason": alert.reason,
                "starts_at": alert.starts_at,
                "evidence": msgspec.Raw(encode_alert(alert)),
            }
            for alert in newest
        ]
    )


def from_entries(entries: Iterable[Entry]) -> str:
    """Return the rows of `alert_timeline` as a JSON array, those with the same key as one."""
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in entries:
        row = merged.setdefault((entry.alert_id, entry.key), _entry_row(entry))
        if row["entry"] is not entry:
            row["detail"] = entry.detail
            row["last_at"] = entry.last_at or entry.at
            row["times"] += entry.times
    return _json([{k: v for k, v in row.items() if k != "entry"} for row in merged.values()])


def _entry_row(entry: Entry) -> dict[str, Any]:
    return {
        "entry": entry,
        "alert_id": entry.alert_id,
        "key": entry.key,
        "kind": entry.kind,
        "reason": entry.reason,
        "detail": entry.detail,
        "actor": entry.by,
        "at": entry.at,
        "last_at": entry.last_at or entry.at,
        "times": entry.times,
    }


def from_orders(orders: Iterable[Order]) -> str:
    """Return the rows of `notification_outbox` as a JSON array."""
    return _json(
        [
            {
                "id": order.notification.id,
                "alert_id": order.alert_id,
                "receiver": order.notification.receiver,
                "created_at": order.notification.created_at,
                "payload": msgspec.Raw(encode(order.notification)),
            }
            for order in orders
        ]
    )


def to_standing(row: Row) -> Standing:
    """Return where the alert of a row stands."""
    return Standing(
        id=row["id"],
        state=State(row["state"]),
        reported=row["reported"],
        sequence=row["sequence"],
        occurrence=row["occurrence"],
        notified_at=row["notified_at"],
        reminders=row["reminders"],
        told=tuple(row["told"]),
        closed_by=Closer(row["closed_by"]) if row["closed_by"] else None,
        acknowledged_by=row["acknowledged_by"],
        acknowledged_at=row["acknowledged_at"],
        resolved_by=row["resolved_by"],
    )


def to_record(row: Row) -> AlertRecord:
    """Return the alert of a row, whose evidence is JSON text."""
    return AlertRecord(
        standing=to_standing(row),
        alert=decode_alert(row["evidence"].encode()),
        stamps=Stamps(
            accepted_at=row["accepted_at"],
            decided_at=row["decided_at"],
            stored_at=row["stored_at"],
            published_at=row["published_at"],
            delivered_at=row["delivered_at"],
        ),
        updated_at=row["updated_at"],
    )


def to_entry(row: Row) -> Entry:
    """Return the timeline entry of a row."""
    return Entry(
        alert_id=row["alert_id"],
        key=row["key"],
        kind=row["kind"],
        reason=row["reason"],
        at=row["at"],
        detail=row["detail"],
        by=row["actor"],
        times=row["times"],
        last_at=row["last_at"],
    )


def to_order(row: Row) -> Order:
    """Return the order of a row, whose payload is JSON text."""
    return Order(row["alert_id"], decode_notification(row["payload"].encode()))
