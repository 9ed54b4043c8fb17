"""The history and the outbox in memory; they pass the suites of the real ones."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import msgspec

from alert_manager.domain.dedup import Standing, State
from alert_manager.domain.history import AlertRecord, Entry, renewed
from alert_manager.domain.intake import Memory
from alert_manager.domain.orders import Order
from alert_manager.domain.shortcut import Matter, Repeat, matter_of
from alert_manager.ports import CLOCK_SKEW_MS, AlertFilter, Refusal
from service_runtime.errors import TemporaryError


@dataclass(frozen=True, slots=True)
class Tables:
    """What Postgres would hold."""

    alerts: dict[str, AlertRecord] = field(default_factory=dict)
    timeline: dict[tuple[str, str], Entry] = field(default_factory=dict)
    owed: dict[str, Order] = field(default_factory=dict)
    published: dict[str, Order] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def copy(self) -> "Tables":
        return Tables(
            dict(self.alerts),
            dict(self.timeline),
            dict(self.owed),
            dict(self.published),
            dict(self.refused),
        )


class FakeChange:
    """One transaction on a copy of the tables."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    async def refresh(
        self, repeats: Sequence[Repeat], *, told_after: int, now: int
    ) -> dict[str, Standing]:
        found: dict[str, Standing] = {}
        for repeat in repeats:
            newest = repeat.newest
            held = self.tables.alerts.get(newest.id)
            if held is not None and _stands(held.standing, newest.sequence, told_after):
                standing = replace(held.standing, sequence=newest.sequence)
                alert = renewed(held.alert, newest)
                self.tables.alerts[newest.id] = replace(
                    held, standing=standing, alert=alert, updated_at=now
                )
                found[newest.id] = standing
        return found

    async def recall(self, ids: Sequence[str], matters: Sequence[Matter]) -> Memory:
        memory = Memory()
        for record in self.tables.alerts.values():
            wanted = record.standing.is_open and matter_of(record.alert) in matters
            if wanted or record.standing.id in ids:
                memory.keep(record)
        return memory

    async def save(
        self, records: Sequence[AlertRecord], entries: Sequence[Entry], orders: Sequence[Order]
    ) -> None:
        self.tables.alerts.update({record.standing.id: record for record in records})
        matters = [
            matter_of(record.alert)
            for record in self.tables.alerts.values()
            if record.standing.is_open
        ]
        if len(matters) != len(set(matters)):
            message = "a fingerprint has two open alerts"
            raise TemporaryError(message)
        _note(self.tables, entries)
        for order in orders:
            if order.notification.id not in self.tables.published:
                self.tables.owed.setdefault(order.notification.id, order)


def _stands(standing: Standing, sequence: int, told_after: int) -> bool:
    return (
        standing.state is State.FIRING
        and standing.sequence < sequence
        and standing.notified_at is not None
        and standing.notified_at > told_after
    )


def _note(tables: Tables, entries: Sequence[Entry]) -> None:
    for entry in entries:
        place = (entry.alert_id, entry.key)
        held = tables.timeline.get(place)
        last = entry.last_at or entry.at
        if entry.alert_id not in tables.alerts:
            continue
        if held is None:
            tables.timeline[place] = replace(entry, last_at=last)
        elif held.kind == "decision":
            tables.timeline[place] = replace(
                held, times=held.times + entry.times, last_at=last, detail=entry.detail
            )


class FakeHistory:
    """Every alert and every decision, in dictionaries. `away` makes it fail."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.away = False

    def _check(self) -> None:
        if self.away:
            message = "Postgres: away"
            raise TemporaryError(message, retry_after=1.0)

    @asynccontextmanager
    async def change(self) -> AsyncIterator[FakeChange]:
        self._check()
        change = FakeChange(self.tables.copy())
        yield change
        self._check()
        self.tables = change.tables

    async def find(self, tenant: str, alert_id: str) -> AlertRecord | None:
        self._check()
        record = self.tables.alerts.get(alert_id)
        return record if record is not None and record.alert.tenant == tenant else None

    async def search(self, tenant: str, wanted: AlertFilter) -> list[AlertRecord]:
        self._check()
        found = [
            replace(record, alert=msgspec.structs.replace(record.alert, samples=[]))
            for record in self.tables.alerts.values()
            if record.alert.tenant == tenant and _passes(record, wanted)
        ]
        return sorted(found, key=_place, reverse=True)[: wanted.limit]

    async def timeline(self, tenant: str, alert_id: str, *, limit: int) -> list[Entry]:
        self._check()
        record = self.tables.alerts.get(alert_id)
        if record is None or record.alert.tenant != tenant:
            return []
        entries = [entry for entry in self.tables.timeline.values() if entry.alert_id == alert_id]
        return sorted(entries, key=lambda entry: entry.last_at or entry.at)[-limit:]

    async def note_deliveries(self, entries: Sequence[Entry], delivered: Mapping[str, int]) -> None:
        self._check()
        _note(self.tables, entries)
        for alert_id, at in delivered.items():
            record = self.tables.alerts.get(alert_id)
            if (
                record is not None
                and record.stamps.delivered_at is None
                and at >= (record.stamps.stored_at or 0) - CLOCK_SKEW_MS
            ):
                stamps = replace(record.stamps, delivered_at=at)
                self.tables.alerts[alert_id] = replace(record, stamps=stamps)

    async def count_open(self) -> int:
        self._check()
        return sum(record.standing.is_open for record in self.tables.alerts.values())

    async def forget(self, *, before: int, limit: int) -> int:
        self._check()
        over = [
            record
            for record in self.tables.alerts.values()
            if not record.standing.is_open and record.updated_at < before
        ]
        oldest = sorted(over, key=lambda record: record.updated_at)[:limit]
        for alert_id in (record.standing.id for record in oldest):
            del self.tables.alerts[alert_id]
            for key in [key for key in self.tables.timeline if key[0] == alert_id]:
                del self.tables.timeline[key]
            for name, order in list(self.tables.owed.items()):
                if order.alert_id == alert_id:
                    del self.tables.owed[name]
        return len(oldest)


def _place(record: AlertRecord) -> tuple[int, str]:
    return record.alert.starts_at, record.standing.id


def _passes(record: AlertRecord, wanted: AlertFilter) -> bool:
    alert = record.alert
    texts = [alert.rule.name, alert.reason, record.resolved_reason, *alert.labels.values()]
    conditions = (
        not wanted.states or record.standing.state in wanted.states,
        not wanted.severities or alert.severity in wanted.severities,
        wanted.rule in {None, alert.rule.id, alert.rule.name},
        wanted.service in {None, alert.labels.get("service")},
        all(alert.labels.get(name) == value for name, value in wanted.labels),
        wanted.since is None or alert.starts_at >= wanted.since,
        wanted.until is None or alert.starts_at < wanted.until,
        wanted.after is None or _place(record) < wanted.after,
        not wanted.text or any(wanted.text.lower() in text.lower() for text in texts),
    )
    return all(conditions)


class FakeOutbox:
    """The orders of a fake history."""

    def __init__(self, history: FakeHistory) -> None:
        self._history = history
        self.orders: Sequence[Order] = ()

    @asynccontextmanager
    async def owed(self, *, before: int, limit: int) -> AsyncIterator["FakeOutbox"]:
        owed = [
            order
            for order in self._history.tables.owed.values()
            if order.notification.created_at < before
        ]
        owed.sort(key=lambda order: order.notification.created_at)
        claim = FakeOutbox(self._history)
        claim.orders = owed[:limit]
        yield claim

    async def settle(self, done: Sequence[Order], refused: Sequence[Refusal], *, now: int) -> None:
        if self._history.away:
            message = "Postgres: away"
            raise TemporaryError(message)
        tables = self._history.tables
        for order in done:
            tables.owed.pop(order.notification.id, None)
            tables.published[order.notification.id] = order
            record = tables.alerts[order.alert_id]
            if record.stamps.published_at is None:
                stamps = replace(record.stamps, published_at=now)
                tables.alerts[order.alert_id] = replace(record, stamps=stamps)
        for refusal in refused:
            tables.owed.pop(refusal.order.notification.id, None)
            tables.refused[refusal.order.notification.id] = refusal.reason

    async def count_owed(self) -> int:
        return len(self._history.tables.owed)
