"""What every use case needs, and what several of them do."""

from collections.abc import Mapping
from dataclasses import dataclass

from alert_manager.domain import dedup
from alert_manager.domain.dedup import Standing
from alert_manager.domain.intake import Policy
from alert_manager.domain.shortcut import Matter, Seen
from alert_manager.ports import Clock, History, Outbox, Publisher, SeenCache
from alert_manager.telemetry import CACHE_FAILURES, LogEvent
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that the use cases need."""

    policy: Policy
    history: History
    outbox: Outbox
    seen: SeenCache
    publisher: Publisher
    clock: Clock


async def update_cache(desk: Desk, standings: Mapping[Matter, Standing], now: int) -> None:
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
