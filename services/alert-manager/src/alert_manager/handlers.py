"""The use cases: take in the engine's records, note deliveries, obey people, publish."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import msgspec

from alert_contracts.alerts import Alert
from alert_contracts.notifications import DeliveryResult
from alert_manager.domain import dedup, history, intake, shortcut
from alert_manager.domain.dedup import Standing, Verdict
from alert_manager.domain.history import AlertRecord, Entry, EntryKind
from alert_manager.domain.intake import Policy, Sheet
from alert_manager.domain.orders import Order, write_orders
from alert_manager.domain.shortcut import Matter, Seen, matter_of
from alert_manager.ports import TENANT, Change, Clock, History, Outbox, Publisher, SeenCache
from alert_manager.telemetry import (
    CACHE_FAILURES,
    DECISIONS,
    DEDUPLICATED,
    NOTIFICATIONS,
    OPEN,
    OUTBOX,
    PROCESSED,
    LogEvent,
)
from service_runtime import templating
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)
MAX_ANNOTATIONS: Final = 32
MAX_ANNOTATION: Final = 4_096
"""Characters of one rendered annotation."""
PREVIOUS: Final = "previous."
"""Numbers of the window before have names that begin so."""
OUTBOX_BATCH: Final = 200
OUTBOX_AGE_MS: Final = 2_000
"""Orders younger than this are still being published by whoever stored them."""
FORGET_BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that the use cases need."""

    policy: Policy
    history: History
    outbox: Outbox
    seen: SeenCache
    publisher: Publisher
    clock: Clock


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
    await _update_cache(desk, {matter_by_id[id_]: one for id_, one in standings.items()}, now)
    _count([*sheet.verdicts, *((alert, Verdict.REPLAYED) for alert in plan.replayed)])
    await publish(desk, sheet.orders)


async def _look_up(desk: Desk, matters: Sequence[Matter]) -> dict[Matter, Seen]:
    try:
        return await desk.seen.look_up(matters)
    except TemporaryError as exc:
        CACHE_FAILURES.inc()
        log.warning(LogEvent.CACHE_AWAY, reason=str(exc))
        return {}


async def _update_cache(desk: Desk, standings: Mapping[Matter, Standing], now: int) -> None:
    """Tell the cache what is stored now; what it does not hear of, it may be behind with."""
    seen = {
        matter: Seen(one.id, one.sequence, one.notified_at)
        for matter, one in standings.items()
        if one.state is dedup.State.FIRING and one.notified_at is not None
    }
    gone = standings.keys() - seen.keys()
    try:
        await desk.seen.update(seen, gone, now=now)
    except TemporaryError as exc:
        CACHE_FAILURES.inc()
        log.warning(LogEvent.CACHE_AWAY, reason=str(exc))


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


def enrich(alert: Alert) -> Alert:
    """Return the alert with its annotations rendered; a failing text says so and the alert goes.

    Texts see the labels, the group, and every number that the condition saw, by name.
    """
    if not alert.annotations:
        return alert
    numbers = {name: _plain(number) for name, number in alert.aggregates.items()}
    before = {
        name.removeprefix(PREVIOUS): number
        for name, number in numbers.items()
        if name.startswith(PREVIOUS)
    }
    context: dict[str, object] = {
        **numbers,
        "aggregates": numbers,
        "previous": before,
        "found": alert.found,
        "labels": alert.labels,
        "group": alert.group,
        "rule": alert.rule.name,
        "severity": alert.severity.value,
        "service": alert.labels.get("service", ""),
        "threshold": None if alert.threshold is None else _plain(alert.threshold),
        "condition": alert.condition,
        "reason": alert.reason,
    }
    texts = list(alert.annotations.items())[:MAX_ANNOTATIONS]
    rendered = {name: _render(text, context) for name, text in texts}
    return msgspec.structs.replace(alert, annotations=rendered)


def _plain(number: float) -> float:
    return int(number) if number.is_integer() else number


def _render(text: str, context: Mapping[str, object]) -> str:
    try:
        return templating.render(text, context)[:MAX_ANNOTATION]
    except templating.TemplateRefusedError as exc:
        return f"<error expanding template: {exc}>"[:MAX_ANNOTATION]


async def publish(desk: Desk, orders: Sequence[Order]) -> None:
    """Publish stored orders; what cannot be published now stays owed in the outbox."""
    if not orders:
        return
    published = await desk.publisher.publish(orders)
    for order, reason in published.refused:
        log.error(LogEvent.PUBLISH_REFUSED, notification=order.notification.id, reason=reason)
    if published.postponed:
        log.warning(LogEvent.PUBLISH_POSTPONED, count=len(orders), reason=published.postponed)
    for order in published.done:
        NOTIFICATIONS.labels(order.notification.receiver).inc()
    try:
        await desk.outbox.settle(published.done, published.refused, now=desk.clock())
    except TemporaryError as exc:
        # They are published again, under the same ids.
        log.warning(LogEvent.PUBLISH_POSTPONED, count=len(published.done), reason=str(exc))


async def publish_owed(desk: Desk) -> int:
    """Publish what was stored and, for whatever reason, not published; return how many."""
    before = desk.clock() - OUTBOX_AGE_MS
    async with desk.outbox.owed(before=before, limit=OUTBOX_BATCH) as claim:
        published = await desk.publisher.publish(claim.orders)
        await claim.settle(published.done, published.refused, now=desk.clock())
    return len(published.done)


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


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for."""

    alert_id: str
    by: str
    comment: str = ""


async def acknowledge(desk: Desk, request: Request) -> AlertRecord | None:
    """Take an alert: no more reminders. None if there is no such alert.

    Of an alert that somebody has taken already only the comment is kept.

    Raises:
        ConflictError: the alert is over.
        TemporaryError: the history is away; nothing was stored.
    """
    now = desk.clock()
    async with desk.history.change() as change:
        record = await _recall(change, request)
        if record is None:
            return None
        standing = dedup.acknowledge(record.standing, by=request.by, now=now)
        if standing == record.standing:
            await _keep_comment(change, request, standing, "already_acknowledged", now)
            return record
        taken = replace(record, standing=standing, updated_at=now)
        await change.save([taken], [_entry(request, "acknowledged", standing, now)], [])
    await _update_cache(desk, {matter_of(taken.alert): standing}, now)
    return taken


async def resolve(desk: Desk, request: Request) -> AlertRecord | None:
    """Declare an alert over, and tell whoever heard of it. None if there is no such alert.

    Of an alert that is over already only the comment is kept.

    Raises:
        TemporaryError: the history is away; nothing was stored.
    """
    now = desk.clock()
    async with desk.history.change() as change:
        record = await _recall(change, request)
        if record is None:
            return None
        standing = dedup.resolve(record.standing, by=request.by, now=now)
        if standing == record.standing:
            await _keep_comment(change, request, standing, "already_resolved", now)
            return record
        words = f"resolved by {request.by}" + (f": {request.comment}" if request.comment else "")
        ended = history.end(record, standing, reason=words, now=now)
        orders = write_orders(
            ended,
            Verdict.RESOLVED_BY_PERSON,
            intake.still_there(desk.policy.config, standing.told),
            url=desk.policy.external_url,
            now=now,
        )
        await change.save([ended], [_entry(request, "resolved", standing, now)], orders)
    await _update_cache(desk, {matter_of(ended.alert): standing}, now)
    await publish(desk, orders)
    return ended


async def _recall(change: Change, request: Request) -> AlertRecord | None:
    record = (await change.recall([request.alert_id], [])).by_id.get(request.alert_id)
    return record if record is not None and record.alert.tenant == TENANT else None


async def _keep_comment(
    change: Change, request: Request, standing: Standing, reason: str, now: int
) -> None:
    """Keep what somebody has to say about what was done already."""
    if request.comment:
        entry = history.comment_entry(
            standing, reason=reason, by=request.by, comment=request.comment, now=now
        )
        await change.save([], [entry], [])


def _entry(request: Request, kind: EntryKind, standing: Standing, now: int) -> Entry:
    return Entry(
        alert_id=request.alert_id,
        key=f"{kind}/{standing.occurrence}",
        kind=kind,
        reason=f"{kind}_by_person",
        at=now,
        detail=request.comment,
        by=request.by,
    )


async def forget_old(desk: Desk, *, retention: timedelta) -> int:
    """Delete some of the alerts that were over that long ago; return how many."""
    before = desk.clock() - int(retention.total_seconds() * 1000)
    return await desk.history.forget(before=before, limit=FORGET_BATCH)


async def measure(desk: Desk) -> None:
    """Publish how much is open and how much is owed."""
    OPEN.set(await desk.history.count_open())
    OUTBOX.set(await desk.outbox.count_owed())
