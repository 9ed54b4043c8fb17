"""The outbox in Postgres: claims with leases, marks, and what is owed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from alert_contracts.notifications import Notification, decode_notification, encode
from notification_service.adapters import sql
from notification_service.domain.directory import Endpoint
from notification_service.domain.outcome import Attempt, Reason
from notification_service.ports import Job, NewDelivery
from service_runtime.errors import PoisonError
from service_runtime.postgres import Connection, Database, fetch

MAX_ERROR = 1_000


def at(ms: int) -> datetime:
    """Return epoch milliseconds as Postgres takes them."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def ms(value: datetime) -> int:
    """Return a timestamp as epoch milliseconds."""
    return round(value.timestamp() * 1000)


def printable(text: str) -> str:
    """Return a text without what Postgres refuses: NUL, lone surrogates, other control codes."""
    return "".join(one if one.isprintable() else " " for one in text)


def _document(order: Notification) -> Jsonb:
    return Jsonb(order, dumps=encode)


def _order(payload: object) -> Notification:
    return decode_notification(msgspec.json.encode(payload))


class PostgresOutbox:
    """The real outbox. `owner` names this process; a lease lasts `lease_ms`."""

    def __init__(
        self, database: Database, endpoints: Iterable[Endpoint], *, owner: str, lease_ms: int
    ) -> None:
        self._database = database
        self._owner = owner
        self._lease_ms = lease_ms
        self._places = {one.name: one.destination for one in endpoints}

    async def add(self, deliveries: Sequence[NewDelivery], *, now: int) -> int:
        async with self._database.transaction() as connection:
            return await self._insert(connection, deliveries, now)

    async def _insert(
        self, connection: Connection, deliveries: Sequence[NewDelivery], now: int
    ) -> int:
        count = 0
        try:
            for one in deliveries:
                cursor = await connection.execute(
                    sql.INSERT,
                    {
                        "key": one.key,
                        "notification": one.order.id,
                        "tenant": one.order.tenant,
                        "group_key": one.order.group_key,
                        "receiver": one.endpoint.receiver,
                        "integration": one.endpoint.integration,
                        "channel": str(one.endpoint.channel),
                        "visited": list(one.visited),
                        "status": "QUEUED" if one.skipped is None else "SKIPPED",
                        "reason": one.skipped or "",
                        "unpublished": one.skipped is not None,
                        "payload": _document(one.order),
                        "now": at(now),
                    },
                )
                count += cursor.rowcount
        except psycopg.DataError as exc:
            message = f"Postgres will never take this order: {exc.diag.message_primary or exc}"
            raise PoisonError(message) from exc
        return count

    def _claim_parameters(
        self, slots: Mapping[str, int], busy: Collection[int], now: int
    ) -> dict[str, Any]:
        return {
            "endpoints": list(self._places),
            "places": list(self._places.values()),
            "destinations": list(slots),
            "free": list(slots.values()),
            "busy": list(busy),
            "now": at(now),
            "until": at(now + self._lease_ms),
            "owner": self._owner,
        }

    async def claim(
        self,
        slots: Mapping[str, int],
        *,
        now: int,
        busy: Collection[int] = (),
        take_over: bool = True,
    ) -> list[Job]:
        values = {**self._claim_parameters(slots, busy, now), "take_over": take_over}
        return await self._claim(sql.CLAIM, values)

    async def claim_owed(
        self, slots: Mapping[str, int], *, now: int, busy: Collection[int] = ()
    ) -> list[Job]:
        return await self._claim(sql.CLAIM_OWED, self._claim_parameters(slots, busy, now))

    async def _claim(self, statement: LiteralString, values: Mapping[str, Any]) -> list[Job]:
        async with self._database.transaction() as connection:
            rows = await fetch(connection, statement, values)
            again = [row["id"] for row in rows if row["owed"]]
            if again:
                await connection.execute(sql.RETRYING, {"ids": again, "now": values["now"]})
        return [_job(row) for row in sorted(rows, key=lambda row: row["id"])]

    def _attempted(self, job: Job, attempt: Attempt, now: int) -> dict[str, Any]:
        return {
            "id": job.id,
            "notification": job.order.id,
            "fence": job.fence,
            "reason": attempt.reason.value,
            "error": printable(attempt.error[:MAX_ERROR]),
            "sends": attempt.sends,
            "permanent": attempt.permanent,
            "now": at(now),
            "news": True,
        }

    async def delivered(self, job: Job, attempt: Attempt, *, now: int) -> None:
        values = self._attempted(job, attempt, now)
        async with self._database.transaction() as connection:
            await connection.execute(sql.LOCK_NOTIFICATION, values)
            await connection.execute(sql.DELIVERED, values)
            await connection.execute(sql.FAILED_DELIVERED, values)
            stands_in = len(job.visited) > 1
            await connection.execute(sql.SETTLE_CHAIN, {**values, "stands_in": stands_in})

    async def fell_back(
        self, job: Job, attempt: Attempt, instead: Sequence[NewDelivery], *, now: int
    ) -> None:
        values = {**self._attempted(job, attempt, now), "fallback": instead[0].endpoint.receiver}
        async with self._database.transaction() as connection:
            await connection.execute(sql.LOCK_NOTIFICATION, values)
            cursor = await connection.execute(sql.FELL_BACK, values)
            if cursor.rowcount:
                await self._insert(connection, instead, now)

    async def owe(self, job: Job, attempt: Attempt, *, next_at: int | None, now: int) -> None:
        values = {
            **self._attempted(job, attempt, now),
            "alert": job.order.alerts[0].id if job.order.alerts else "",
            "failed_status": "DEAD" if next_at is None else "PENDING",
            "next_at": at(now if next_at is None else next_at),
            # Of what stays owed, only the first failure and giving up are news.
            "news": job.rounds == 0 or next_at is None,
        }
        async with self._database.transaction() as connection:
            await connection.execute(sql.LOCK_NOTIFICATION, values)
            stands_in = len(job.visited) > 1
            if stands_in and not job.owed:
                reason = Reason.TOLD_ELSEWHERE.value
                told = await connection.execute(sql.TOLD_ELSEWHERE, {**values, "reason": reason})
                if told.rowcount:
                    return
            cursor = await connection.execute(sql.FAILED, values)
            if cursor.rowcount:
                await connection.execute(sql.OWE, values)
                if stands_in and not job.owed:
                    await connection.execute(sql.OWE_CHAIN, values)

    async def stand_ins(self, job: Job) -> list[str]:
        values = {
            "group_key": job.order.group_key,
            "receiver": job.receiver,
            "alerts": [alert.id for alert in job.order.alerts],
        }
        async with self._database.transaction() as connection:
            told = await fetch(connection, sql.STAND_INS, values)
        return sorted(row["receiver"] for row in told)

    async def renew(self, jobs: Sequence[Job], *, now: int) -> set[int]:
        values = {
            "ids": [job.id for job in jobs],
            "fences": [job.fence for job in jobs],
            "until": at(now + self._lease_ms),
        }
        async with self._database.transaction() as connection:
            ours = await fetch(connection, sql.RENEW, values)
        return {row["id"] for row in ours}

    async def release(self, *, now: int) -> int:
        async with self._database.transaction() as connection:
            cursor = await connection.execute(sql.RELEASE, {"owner": self._owner, "now": at(now)})
            return cursor.rowcount

    async def hurry(self, destination: str, *, now: int) -> int:
        endpoints = [name for name, place in self._places.items() if place == destination]
        async with self._database.transaction() as connection:
            cursor = await connection.execute(sql.HURRY, {"endpoints": endpoints, "now": at(now)})
            return cursor.rowcount


def _job(row: DictRow) -> Job:
    return Job(
        id=row["id"],
        key=row["idempotency_key"],
        order=_order(row["payload"]),
        receiver=row["receiver"],
        integration=row["integration"],
        channel=row["channel"],
        visited=tuple(row["visited"]),
        owed=row["owed"],
        behind=row["behind"],
        rounds=row["rounds"],
        attempts=row["attempts"],
        created_at=ms(row["created_at"]),
        fence=row["fence"],
        lease_until=ms(row["lease_until"]),
    )
