"""What people ask for: to take an alert, to declare it over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from alert_manager.domain import dedup, history, intake
from alert_manager.domain.dedup import Standing, Verdict
from alert_manager.domain.history import AlertRecord, Entry, EntryKind
from alert_manager.domain.orders import Order, write_orders
from alert_manager.domain.shortcut import matter_of
from alert_manager.handlers.desk import Desk, update_cache
from alert_manager.handlers.publishing import publish
from alert_manager.ports import TENANT, Change

Outcome = tuple[AlertRecord, Sequence[Order]]
"""The alert as it stands afterwards, and what is to be told."""


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

    def take(record: AlertRecord, now: int) -> Outcome:
        standing = dedup.acknowledge(record.standing, by=request.by, now=now)
        return replace(record, standing=standing, updated_at=now), []

    return await _act(desk, request, "acknowledged", take)


async def resolve(desk: Desk, request: Request) -> AlertRecord | None:
    """Declare an alert over, and tell whoever heard of it. None if there is no such alert.

    Of an alert that is over already only the comment is kept.

    Raises:
        TemporaryError: the history is away; nothing was stored.
    """

    def end(record: AlertRecord, now: int) -> Outcome:
        standing = dedup.resolve(record.standing, by=request.by, now=now)
        words = f"resolved by {request.by}" + (f": {request.comment}" if request.comment else "")
        ended = history.end(record, standing, reason=words, now=now)
        orders = write_orders(
            ended,
            Verdict.RESOLVED_BY_PERSON,
            intake.still_there(desk.policy.config, standing.told),
            url=desk.policy.external_url,
            now=now,
        )
        return ended, orders

    return await _act(desk, request, "resolved", end)


async def _act(
    desk: Desk, request: Request, kind: EntryKind, act: Callable[[AlertRecord, int], Outcome]
) -> AlertRecord | None:
    """Do what was asked for, unless it was done already; return how the alert stands."""
    now = desk.clock()
    async with desk.history.change() as change:
        record = await _recall(change, request)
        if record is None:
            return None
        changed, orders = act(record, now)
        standing = changed.standing
        if standing == record.standing:
            await _keep_comment(change, request, standing, f"already_{kind}", now)
            return record
        await change.save([changed], [_entry(request, kind, standing, now)], orders)
    await update_cache(desk, {matter_of(changed.alert): standing}, now)
    await publish(desk, orders)
    return changed


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
