"""Between the domain's values and the rows of the tables in `migrations/`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from alert_contracts.alerts import decode_alert, encode_alert
from alert_contracts.notifications import decode_notification, encode
from alert_manager.domain.dedup import Standing
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
    alert = record.alert
    return {
        **msgspec.to_builtins(record.standing),
        **msgspec.to_builtins(record.stamps),
        "tenant": alert.tenant,
        "fingerprint": alert.fingerprint,
        "rule_id": alert.rule.id,
        "rule_name": alert.rule.name,
        "severity": alert.severity,
        "labels": alert.labels,
        "reason": alert.reason,
        "resolved_reason": record.resolved_reason,
        "starts_at": alert.starts_at,
        "ends_at": alert.ends_at,
        "updated_at": record.updated_at,
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
    return msgspec.convert(row, Standing)


def to_record(row: Row) -> AlertRecord:
    """Return the alert of a row, whose evidence is JSON text."""
    return AlertRecord(
        standing=to_standing(row),
        alert=decode_alert(row["evidence"].encode()),
        stamps=msgspec.convert(row, Stamps),
        updated_at=row["updated_at"],
        resolved_reason=row["resolved_reason"],
    )


def to_entry(row: Row) -> Entry:
    """Return the timeline entry of a row."""
    return msgspec.convert({**row, "by": row["actor"]}, Entry)


def to_order(row: Row) -> Order:
    """Return the order of a row, whose payload is JSON text."""
    return Order(row["alert_id"], decode_notification(row["payload"].encode()))
