"""The outbox and the log of results, in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alert_contracts.notifications import DeliveryResult
from notification_service.domain.outcome import Attempt, Reason
from notification_service.ports import Job, NewDelivery, Unpublished
from service_runtime.errors import TemporaryError


@dataclass(slots=True)
class Stored:
    """A row of the fake outbox."""

    id: int
    delivery: NewDelivery
    status: str
    created_at: int
    reason: str = ""
    error: str = ""
    fallback: str = ""
    permanent: bool = False
    attempts: int = 0
    rounds: int = 0
    lease_until: int = 0
    fence: int = 0
    failed: str | None = None
    """Its status in `failed_notifications`, where it has a row there."""
    next_at: int = 0
    unpublished: bool = False
    revision: int = 0

    @property
    def lane(self) -> tuple[str, str]:
        return self.delivery.endpoint.name, self.delivery.order.group_key

    def left_behind(self, now: int) -> bool:
        return self.status == "SENDING" and self.lease_until <= now

    @property
    def stands_in(self) -> bool:
        return len(self.delivery.visited) > 1


@dataclass(slots=True)
class FakeOutbox:
    """The outbox in memory, also as log of results."""

    places: Mapping[str, str]
    lease_ms: int = 15_000
    rows: dict[int, Stored] = field(default_factory=dict)
    away: bool = False
    """While true every call raises TemporaryError."""

    def _check(self) -> None:
        if self.away:
            message = "the store is away"
            raise TemporaryError(message)

    async def add(self, deliveries: Sequence[NewDelivery], *, now: int) -> int:
        self._check()
        known = {row.delivery.key for row in self.rows.values()}
        new = {one.key: one for one in deliveries if one.key not in known}
        for one in new.values():
            row = Stored(len(self.rows) + 1, one, "QUEUED", now)
            if one.skipped is not None:
                row.status, row.reason, row.unpublished = "SKIPPED", one.skipped, True
            self.rows[row.id] = row
        return len(new)

    def _earlier(self, row: Stored) -> list[Stored]:
        return [one for one in self.rows.values() if one.lane == row.lane and one.id < row.id]

    def _blocked(self, row: Stored) -> bool:
        return any(one.status in {"QUEUED", "SENDING"} for one in self._earlier(row))

    def _behind(self, row: Stored) -> bool:
        owed = {"PENDING", "RETRYING"}
        return any(one.status == "FAILED" and one.failed in owed for one in self._earlier(row))

    async def claim(
        self,
        slots: Mapping[str, int],
        *,
        now: int,
        busy: Collection[int] = (),
        take_over: bool = True,
    ) -> list[Job]:
        self._check()
        due = [
            row
            for row in self.rows.values()
            if (row.status == "QUEUED" or (take_over and row.left_behind(now)))
            and row.id not in busy
            and not self._blocked(row)
        ]
        return self._take(due, slots, now)

    async def claim_owed(
        self, slots: Mapping[str, int], *, now: int, busy: Collection[int] = ()
    ) -> list[Job]:
        self._check()
        due = [
            row
            for row in self.rows.values()
            if row.status == "FAILED"
            and row.failed == "PENDING"
            and row.next_at <= now
            and row.id not in busy
            and not self._blocked(row)
            and not self._behind(row)
        ]
        return self._take(due, slots, now)

    def _take(self, due: Sequence[Stored], slots: Mapping[str, int], now: int) -> list[Job]:
        left = dict(slots)
        jobs: list[Job] = []
        for row in due:
            destination = self.places.get(row.delivery.endpoint.name, "")
            if left.get(destination, 0) < 1:
                continue
            left[destination] -= 1
            row.fence += 1
            row.status, row.lease_until = "SENDING", now + self.lease_ms
            job = self._job(row)
            if job.owed:
                row.failed = "RETRYING"
            jobs.append(job)
        return jobs

    def _job(self, row: Stored) -> Job:
        one = row.delivery
        return Job(
            id=row.id,
            key=one.key,
            order=one.order,
            receiver=one.endpoint.receiver,
            integration=one.endpoint.integration,
            channel=one.endpoint.channel,
            visited=one.visited,
            owed=row.failed is not None,
            behind=row.failed is None and self._behind(row),
            rounds=row.rounds,
            attempts=row.attempts,
            created_at=row.created_at,
            fence=row.fence,
            lease_until=row.lease_until,
        )

    def _ours(self, job: Job) -> bool:
        row = self.rows[job.id]
        return row.status == "SENDING" and row.fence == job.fence

    def _chain(self, job: Job) -> list[Stored]:
        rows = self.rows.values()
        return [row for row in rows if row.delivery.order.id == job.order.id and row.id != job.id]

    def _end(self, row: Stored, status: str, attempt: Attempt, *, news: bool = True) -> None:
        row.status, row.reason, row.error = status, attempt.reason.value, attempt.error
        row.permanent = attempt.permanent
        row.attempts += attempt.sends
        row.rounds += 1
        row.lease_until = 0
        self._changed(row, news=news)

    def _changed(self, row: Stored, *, news: bool = True) -> None:
        row.unpublished = row.unpublished or news
        row.revision += 1

    async def delivered(self, job: Job, attempt: Attempt, *, now: int) -> None:  # noqa: ARG002
        self._check()
        row = self.rows[job.id]
        if row.status != "DELIVERED":
            self._end(row, "DELIVERED", attempt)
        if row.failed is not None:
            row.failed = "DELIVERED"
        for other in self._chain(job):
            if other.failed == "PENDING" and (row.stands_in or other.stands_in):
                other.failed, other.status, other.reason = "DELIVERED", "SKIPPED", "told_elsewhere"
                self._changed(other)

    async def fell_back(
        self, job: Job, attempt: Attempt, instead: Sequence[NewDelivery], *, now: int
    ) -> None:
        self._check()
        row = self.rows[job.id]
        if self._ours(job):
            row.fallback = instead[0].endpoint.receiver
            self._end(row, "FELL_BACK", attempt)
            await self.add(instead, now=now)

    async def owe(self, job: Job, attempt: Attempt, *, next_at: int | None, now: int) -> None:  # noqa: ARG002
        self._check()
        row = self.rows[job.id]
        if not self._ours(job):
            return
        chain = self._chain(job)
        stand_ins = [other for other in chain if other.stands_in]
        last = row.stands_in and not job.owed
        if last and any(other.status == "DELIVERED" for other in stand_ins):
            self._end(row, "SKIPPED", attempt._replace(reason=Reason.TOLD_ELSEWHERE))
            return
        self._end(row, "FAILED", attempt, news=job.rounds == 0 or next_at is None)
        self._put(row, next_at)
        open_ = {"QUEUED", "SENDING", "DELIVERED"}
        if last and not any(other.status in open_ for other in stand_ins):
            for other in chain:
                if other.status == "FELL_BACK":
                    other.status = "FAILED"
                    self._changed(other)
                    self._put(other, None if other.permanent else next_at)

    def _put(self, row: Stored, next_at: int | None) -> None:
        row.failed = "DEAD" if next_at is None else "PENDING"
        row.next_at = next_at or 0

    async def stand_ins(self, job: Job) -> list[str]:
        self._check()
        ids = {alert.id for alert in job.order.alerts}
        told = [
            row.delivery
            for row in self.rows.values()
            if row.stands_in and row.status in {"QUEUED", "SENDING", "DELIVERED"}
        ]
        return sorted(
            {
                one.endpoint.receiver
                for one in told
                if one.visited[0] == job.receiver
                and one.order.group_key == job.order.group_key
                and one.order.status == "firing"
                and ids & {alert.id for alert in one.order.alerts}
            }
        )

    async def renew(self, jobs: Sequence[Job], *, now: int) -> set[int]:
        self._check()
        ours = {job.id for job in jobs if self._ours(job)}
        for id_ in ours:
            self.rows[id_].lease_until = now + self.lease_ms
        return ours

    async def release(self, *, now: int) -> int:
        self._check()
        held = [row for row in self.rows.values() if row.status == "SENDING"]
        for row in held:
            row.lease_until = now
        return len(held)

    async def hurry(self, destination: str, *, now: int) -> int:
        self._check()
        late = [
            row
            for row in self.rows.values()
            if self.places.get(row.delivery.endpoint.name) == destination
            and row.failed == "PENDING"
            and row.next_at > now
        ]
        for row in late:
            row.next_at = now
        return len(late)

    async def unpublished(self, limit: int) -> list[Unpublished]:
        self._check()
        news = [row for row in self.rows.values() if row.unpublished]
        return [Unpublished(row.id, row.revision, result(row)) for row in news[:limit]]

    async def published(self, results: Sequence[Unpublished]) -> None:
        self._check()
        for told in results:
            row = self.rows[told.id]
            row.unpublished = row.unpublished and row.revision != told.revision


def result(row: Stored) -> DeliveryResult:
    """Return what the alert manager is told about a row."""
    outcomes: dict[str, Any] = {
        "DELIVERED": "delivered",
        "FELL_BACK": "fell_back",
        "SKIPPED": "skipped",
    }
    one = row.delivery
    return DeliveryResult(
        notification_id=one.order.id,
        idempotency_key=one.key,
        tenant=one.order.tenant,
        group_key=one.order.group_key,
        receiver=one.endpoint.receiver,
        channel=one.endpoint.channel.value,
        integration=one.endpoint.integration,
        outcome=outcomes.get(row.status, "failed"),
        reason=row.reason,
        alert_ids=[alert.id for alert in one.order.alerts],
        attempts=row.attempts,
        at=row.created_at,
        error=row.error,
        fallback=row.fallback,
    )
