"""Small requests wait for each other for a moment and share one record: full records are cheap."""

import asyncio
import secrets
from dataclasses import dataclass, field

from api_gateway.domain.records import LogRecord, fits
from api_gateway.ports import EventLog


@dataclass(slots=True)
class _Open:
    """A record that still takes events of one tenant."""

    accepted_at: int
    traceparent: str
    done: "asyncio.Future[None]"
    timer: asyncio.TimerHandle
    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    count: int = 0


class Collector:
    """Gathers events for at most `linger` seconds, then appends them as one record.

    What waits here is bounded by whoever bounds the requests in flight.
    """

    def __init__(self, log: EventLog, *, linger: float) -> None:
        self._log = log
        self._linger = linger
        self._open: dict[str, _Open] = {}
        self._appending: set[asyncio.Task[None]] = set()

    async def add(
        self, lines: bytes, count: int, *, tenant: str, accepted_at: int, traceparent: str
    ) -> None:
        """Return once the record that holds these lines is safe.

        Raises:
            TemporaryError: it could not be made safe in time.
        """
        current = self._open.get(tenant)
        if current is not None and not fits(current.size, current.count, len(lines), count):
            self._close(tenant)
            current = None
        if current is None:
            current = self._begin(tenant, accepted_at, traceparent)
        current.parts.append(lines)
        current.size += len(lines)
        current.count += count
        # One caller that goes away takes nothing from the others.
        await asyncio.shield(current.done)

    async def drain(self) -> None:
        """Append what waits, and return when every append has ended."""
        for tenant in list(self._open):
            self._close(tenant)
        if self._appending:
            await asyncio.wait(self._appending)

    def _begin(self, tenant: str, accepted_at: int, traceparent: str) -> _Open:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._linger, self._close, tenant)
        begun = _Open(accepted_at, traceparent, loop.create_future(), timer)
        self._open[tenant] = begun
        return begun

    def _close(self, tenant: str) -> None:
        full = self._open.pop(tenant)
        full.timer.cancel()
        task = asyncio.create_task(self._append(tenant, full))
        self._appending.add(task)
        task.add_done_callback(self._appending.discard)

    async def _append(self, tenant: str, full: _Open) -> None:
        record = LogRecord(
            key=secrets.token_hex(16),
            lines=b"".join(full.parts),
            count=full.count,
            tenant=tenant,
            accepted_at=full.accepted_at,
            traceparent=full.traceparent,
        )
        try:
            await self._log.append(record)
        except Exception as exc:  # noqa: BLE001 - handed to every request that waits for it
            full.done.set_exception(exc)
            full.done.exception()  # all of them may have gone away
        else:
            full.done.set_result(None)
