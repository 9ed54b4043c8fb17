"""What comes in: the engine's records, and what became of notifications."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from alert_contracts.alerts import Alert
from alert_contracts.notifications import DeliveryResult
from alert_manager.domain import dedup, history, shortcut
from alert_manager.domain.dedup import Verdict
from alert_manager.domain.intake import Sheet
from alert_manager.domain.shortcut import Matter, Seen, matter_of
from alert_manager.handlers.desk import Desk, update_cache
from alert_manager.handlers.publishing import publish
from alert_manager.handlers.texts import enrich
from alert_manager.telemetry import (
    CACHE_FAILURES,
    DECISIONS,
    DEDUPLICATED,
    OPEN,
    OUTBOX,
    PROCESSED,
    LogEvent,
)
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)
FORGET_BATCH: Final = 1_000


async def take_in(desk: Desk, alerts: Sequence[Alert]) -> None:
    """Judge a batch of records, store what follows in one transaction, then tell people.

    Raises:
        TemporaryError: the history is away; nothing was stored.
        PoisonError: the history can never store one of them; nothing was stored.
    """
    now = desk.clock()
    told_after = now - desk.policy.dedup_ttl
    seen = await _look_up(desk, list(dict.fromkeys(map(matter_of, alerts))))
    known = [enrich(history.dated(alert)) for alert in alerts]
    plan = shortcut.sort(known, seen, told_after=told_after)
    async with desk.history.change() as change:
        refreshed = await change.refresh(plan.repeats, told_after=told_after, now=now)
        careful = plan.careful(refreshed)
        ids = list(dict.fromkeys(alert.id for alert in careful))
        matters = list(dict.fromkeys(map(matter_of, careful)))
        sheet = Sheet(desk.policy, await change.recall(ids, matters), now)
        for alert in careful:
            sheet.judge(alert)
        for repeat in plan.repeats:
            if repeat.newest.id in refreshed:
                sheet.note_repeat(repeat, refreshed[repeat.newest.id])
        await change.save(sheet.records, sheet.entries, sheet.orders)
    standings = {record.standing.id: record.standing for record in sheet.records} | refreshed
    matter_by_id = {alert.id: matter_of(alert) for alert in alerts}
    matter_by_id |= {record.standing.id: matter_of(record.alert) for record in sheet.records}
    await update_cache(desk, {matter_by_id[id_]: one for id_, one in standings.items()}, now)
    _count([*sheet.verdicts, *((alert, Verdict.REPLAYED) for alert in plan.replayed)])
    await publish(desk, sheet.orders)


async def _look_up(desk: Desk, matters: Sequence[Matter]) -> dict[Matter, Seen]:
    try:
        return await desk.seen.look_up(matters)
    except TemporaryError as exc:
        CACHE_FAILURES.inc()
        log.warning(LogEvent.CACHE_AWAY, reason=str(exc))
        return {}


def _count(verdicts: Sequence[tuple[Alert, Verdict]]) -> None:
    for alert, verdict in verdicts:
        PROCESSED.inc()
        DECISIONS.labels(verdict).inc()
        if verdict not in dedup.TELLING and alert.status != "resolved":
            DEDUPLICATED.inc()
        log.info(
            LogEvent.DECIDED,
            reason=verdict.value,
            alert=alert.id,
            rule=alert.rule.name,
            fingerprint=alert.fingerprint,
            status=alert.status,
            sequence=alert.sequence,
        )


async def note_deliveries(desk: Desk, results: Sequence[DeliveryResult]) -> None:
    """Write what became of notifications into the timelines of their alerts.

    Raises:
        TemporaryError: the history is away; nothing was stored.
        PoisonError: the history can never store one of them; nothing was stored.
    """
    entries = [entry for result in results for entry in history.delivery_entries(result)]
    delivered: dict[str, int] = {}
    for result in results:
        if result.outcome == "delivered":
            for alert_id in result.alert_ids:
                delivered[alert_id] = min(result.at, delivered.get(alert_id, result.at))
    await desk.history.note_deliveries(entries, delivered)


async def forget_old(desk: Desk, *, retention: timedelta) -> int:
    """Delete some of the alerts that were over that long ago; return how many."""
    before = desk.clock() - int(retention.total_seconds() * 1000)
    return await desk.history.forget(before=before, limit=FORGET_BATCH)


async def measure(desk: Desk) -> None:
    """Publish how much is open and how much is owed."""
    OPEN.set(await desk.history.count_open())
    OUTBOX.set(await desk.outbox.count_owed())
