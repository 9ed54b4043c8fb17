"""Take a request's events in: read them, store them, and only then say so."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from alert_contracts import ids
from api_gateway.domain.ingest import Form, Intake
from api_gateway.domain.records import LogRecord, cut
from api_gateway.handlers.collecting import Collector
from api_gateway.ports import Clock, EventLog

AT_ONCE_BYTES: Final = 16_384
"""A body of no more bytes is read at once, however unusual its events are."""
LOOP_BYTES: Final = 1_048_576
"""A body of more bytes is read in a thread, however plain it is."""
SHARED_BYTES: Final = 262_144
"""A request of more bytes gets a record of its own, however few its events are."""


@dataclass(frozen=True, slots=True)
class LogRequest:
    """A request to take events, its body already inflated and within its bounds."""

    body: bytes
    form: Form
    tenant: str
    traceparent: str
    idempotency_key: str = ""


class Ingestion:
    """Reads events and stores them.

    Requests of fewer than `share_below` events are gathered into shared records.
    """

    def __init__(
        self, log: EventLog, collector: Collector, *, clock: Clock, share_below: int
    ) -> None:
        self._log = log
        self._collector = collector
        self._clock = clock
        self._share_below = share_below
        self._slow = asyncio.Lock()

    async def take(self, request: LogRequest) -> Intake:
        """Return what was accepted, which is then safe, and what was not.

        Raises:
            MalformedError: no event could be told from another.
            OversizedError: the body holds too much.
            TemporaryError: the events could not be stored now.
        """
        arrival = self._clock()
        intake = await self._read(request.form, request.body, arrival)
        if not intake.accepted:
            return intake
        small = intake.accepted < self._share_below and len(intake.lines) <= SHARED_BYTES
        if small and not request.idempotency_key:
            await self._collector.add(
                intake.lines,
                intake.accepted,
                tenant=request.tenant,
                accepted_at=arrival,
                traceparent=request.traceparent,
            )
        else:
            await self._store(request, intake, arrival)
        return intake

    async def _read(self, form: Form, body: bytes, arrival: int) -> Intake:
        """Read the events; what takes long in a thread, one body at a time, so others go on."""
        if len(body) <= AT_ONCE_BYTES:
            return form(body, arrival)
        if len(body) <= LOOP_BYTES:
            intake = form.plainly(body, arrival)
            if intake is not None:
                return intake
            read: Callable[[bytes, int], Intake] = form.one_by_one
        else:
            read = form
        async with self._slow:
            return await asyncio.to_thread(read, body, arrival)

    async def _store(self, request: LogRequest, intake: Intake, arrival: int) -> None:
        # Processors have instructions for SHA-256: of a full batch it costs a third of BLAKE2.
        digest = sha256(request.body) if request.idempotency_key else None
        identity = f"{request.idempotency_key}:{digest.hexdigest()}" if digest else ""
        records = [
            LogRecord(
                key=_key(request.tenant, identity, part),
                lines=lines,
                count=count,
                tenant=request.tenant,
                accepted_at=arrival,
                traceparent=request.traceparent,
            )
            for part, (lines, count) in enumerate(cut(intake.lines, intake.accepted))
        ]
        if len(records) == 1:
            await self._log.append(records[0])
        else:
            await _all(self._log, records)


async def _all(log: EventLog, records: list[LogRecord]) -> None:
    outcomes = await asyncio.gather(
        *(log.append(record) for record in records), return_exceptions=True
    )
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


def _key(tenant: str, identity: str, part: int) -> str:
    """Return a batch id: the same for the same body under the same idempotency key.

    The body is part of the identity, so that a key used twice by mistake loses nothing.
    """
    if not identity:
        return secrets.token_hex(16)
    return ids.batch_id(tenant=tenant, idempotency_key=identity, part=part)
