"""Sends the workload: when each batch is due, over which connection, and what was answered."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple

from loadtest.client import Connection, ConnectionLostError, Response, Target
from loadtest.markers import ERRORS_OF_A_MARKER, marker_body
from loadtest.options import Options
from loadtest.workload import Pool, batch

RECONNECT_S = 0.2


@dataclass(slots=True)
class Tally:
    """What became of the events so far, as the sender sees it."""

    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    """Answered as invalid, one by one."""
    refused: Counter[str] = field(default_factory=Counter)
    """Events of requests that got another answer than 202, by status."""
    unanswered: int = 0
    """Events of requests without an answer: they may be in Kafka or not."""
    latencies_ms: list[float] = field(default_factory=list)
    """One for each accepted request, from the moment at which it was due."""
    accepted_at: list[tuple[float, int]] = field(default_factory=list)
    """The clock and the number accepted until then, after each accepted request."""
    first_sent: float = 0.0
    last_answer: float = 0.0


class Ticket(NamedTuple):
    """One request to be made."""

    number: int
    due: float
    start: int
    events: int
    marker: int | None


def tickets(options: Options, *, began: float, clock: Callable[[], float]) -> Iterator[Ticket]:
    """Yield the requests in order; with a rate they add up to exactly `options.total` events."""
    size, number, sent, marker = options.batch_size, 0, 0, 0
    end = began + options.duration
    markers = min(options.markers, options.total // (10 * ERRORS_OF_A_MARKER))
    if not options.rate:
        markers = options.markers
    while True:
        due = began + sent / options.rate if options.rate else clock()
        left = options.total - sent if options.rate else size
        if left <= 0 or (not options.rate and due >= end):
            return
        if marker < markers and due >= began + options.duration * (marker + 0.5) / markers:
            yield Ticket(number, due, sent, ERRORS_OF_A_MARKER, marker)
            marker += 1
            sent += ERRORS_OF_A_MARKER
        else:
            yield Ticket(number, due, sent, min(size, left), None)
            sent += min(size, left)
        number += 1


class Sender:
    """Drives one run over several connections; `tally` can be read while it runs."""

    def __init__(self, options: Options, pool: Pool) -> None:
        self._options = options
        self._pool = pool
        kind = "application/x-ndjson" if options.ndjson else "application/json"
        self._batch_target = Target.parse(
            options.gateway, path="/api/logs/batch", content_type=kind
        )
        self._event_target = Target.parse(
            options.gateway, path="/api/logs", content_type="application/json"
        )
        self.tally = Tally()

    async def run(self) -> None:
        """Send everything. Raises OSError when the gateway cannot be reached at the start."""
        first = await Connection.open(self._batch_target)
        began = time.perf_counter()
        self.tally.first_sent = began
        work = tickets(self._options, began=began, clock=time.perf_counter)
        async with asyncio.TaskGroup() as group:
            for number in range(self._options.connections):
                group.create_task(self._work(work, first if number == 0 else None))
        self.tally.last_answer = time.perf_counter()

    async def _work(self, work: Iterator[Ticket], connection: Connection | None) -> None:
        give_up = time.perf_counter() + self._options.duration + self._options.settle
        for ticket in work:
            wait = ticket.due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            self.tally.sent += ticket.events
            body = self._body(ticket)  # once: only the same body is the same request
            done = False
            while not done:
                if connection is None:
                    connection = await self._connect(until=give_up)
                done, connection = await self._attempt(ticket, body, connection, until=give_up)
        if connection is not None:
            connection.close()

    async def _connect(self, *, until: float) -> Connection | None:
        while True:
            try:
                return await Connection.open(self._batch_target)
            except OSError:
                if time.perf_counter() >= until:
                    return None
                await asyncio.sleep(RECONNECT_S)

    async def _attempt(
        self, ticket: Ticket, body: bytes, connection: Connection | None, *, until: float
    ) -> tuple[bool, Connection | None]:
        """Make the request once; return whether that settles it, and the connection if it lives."""
        again = self._options.retry and time.perf_counter() < until
        if connection is None:
            self.tally.refused["no connection"] += ticket.events
            return True, None
        target = self._event_target if self._is_single(ticket) else self._batch_target
        try:
            response = await connection.post(
                target,
                body,
                key=f"{self._options.run}-{ticket.number}",
                timeout_s=self._options.request_timeout,
            )
        except (ConnectionLostError, TimeoutError):
            if not again:
                self.tally.unanswered += ticket.events
            return not again, None
        if response.status == HTTPStatus.ACCEPTED:
            self._accept(ticket, response)
            return True, connection
        if again and response.status in (HTTPStatus.TOO_MANY_REQUESTS, 503):
            await asyncio.sleep(float(response.headers.get(b"retry-after", b"1")))
            return False, connection
        self.tally.refused[str(response.status)] += ticket.events
        return True, connection

    def _is_single(self, ticket: Ticket) -> bool:
        return self._options.batch_size == 1 and ticket.marker is None

    def _body(self, ticket: Ticket) -> bytes:
        now_ms = time.time_ns() // 1_000_000
        ndjson = self._options.ndjson
        if ticket.marker is not None:
            return marker_body(self._options.run, ticket.marker, now_ms=now_ms, ndjson=ndjson)
        return batch(
            self._pool,
            start=ticket.start,
            count=ticket.events,
            now_ms=now_ms,
            ndjson=ndjson or self._is_single(ticket),
        )

    def _accept(self, ticket: Ticket, response: Response) -> None:
        now = time.perf_counter()
        answer = json.loads(response.body)
        tally = self.tally
        tally.accepted += int(answer["accepted"])
        tally.rejected += int(answer.get("rejected", 0))
        tally.latencies_ms.append((now - ticket.due) * 1000)
        tally.accepted_at.append((now, tally.accepted))
