"""What people ask for: to take an alert, to declare it over."""

from dataclasses import dataclass, replace

from alert_manager.domain import dedup, history, intake
from alert_manager.domain.dedup import Standing, Verdict
from alert_manager.domain.history import AlertRecord, Entry, EntryKind
from alert_manager.domain.orders import write_orders
from alert_manager.domain.shortcut import matter_of
from alert_manager.handlers.desk import Desk, update_cache
from alert_manager.handlers.publishing import publish
from alert_manager.ports import TENANT, Change


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
    await update_cache(desk, {matter_of(taken.alert): standing}, now)
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
    await update_cache(desk, {matter_of(ended.alert): standing}, now)
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
