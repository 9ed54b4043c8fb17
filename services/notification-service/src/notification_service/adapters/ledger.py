"""What the outbox's tables answer to people, and what is still to be published from them."""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from psycopg.rows import DictRow

from alert_contracts.notifications import DeliveryResult
from notification_service.adapters import sql
from notification_service.adapters.postgres import at, ms
from notification_service.ports import Unpublished
from service_runtime.postgres import Database, fetch, fetch_first

_OUTCOMES: dict[str, Any] = {
    "DELIVERED": "delivered",
    "FELL_BACK": "fell_back",
    "SKIPPED": "skipped",
}
_FILTERS = ("status", "channel", "receiver", "notification", "alert")


def _filters(given: Mapping[str, str]) -> dict[str, Any]:
    return {name: given.get(name) for name in _FILTERS}


class PostgresLedger:
    """Lists, counts, orders to retry, and results."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def attempts(
        self, filters: Mapping[str, str], *, before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        return await self._rows(
            sql.ATTEMPTS, {**_filters(filters), "before": before, "limit": limit}
        )

    async def failed(
        self, filters: Mapping[str, str], *, before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        return await self._rows(
            sql.FAILED_LIST, {**_filters(filters), "before": before, "limit": limit}
        )

    async def _rows(self, statement: LiteralString, values: Mapping[str, Any]) -> list[DictRow]:
        async with self._database.transaction() as connection:
            return await fetch(connection, statement, values)

    async def retry(self, delivery: int, *, now: int) -> str | None:
        async with self._database.transaction() as connection:
            row = await fetch_first(connection, sql.STATUS, {"id": delivery})
            if row is None:
                return None
            await connection.execute(sql.RETRY, {"id": delivery, "now": at(now)})
            return str(row["status"])

    async def retry_failed(self, filters: Mapping[str, str], *, now: int) -> int:
        async with self._database.transaction() as connection:
            cursor = await connection.execute(sql.RETRY_ALL, {**_filters(filters), "now": at(now)})
            return cursor.rowcount

    async def unpublished(self, limit: int) -> list[Unpublished]:
        rows = await self._rows(sql.UNPUBLISHED, {"limit": limit})
        return [Unpublished(row["id"], row["revision"], _result(row)) for row in rows]

    async def published(self, results: Sequence[Unpublished]) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                sql.PUBLISHED,
                {
                    "ids": [one.id for one in results],
                    "revisions": [one.revision for one in results],
                },
            )

    async def owed(self) -> tuple[int, int]:
        (row,) = await self._rows(sql.OWED_COUNTS, {})
        return int(row["pending"]), int(row["dead"])

    async def prune(self, *, before: int, limit: int) -> int:
        async with self._database.transaction() as connection:
            cursor = await connection.execute(sql.PRUNE, {"before": at(before), "limit": limit})
            return cursor.rowcount


def _result(row: DictRow) -> DeliveryResult:
    return DeliveryResult(
        notification_id=row["notification_id"],
        idempotency_key=row["idempotency_key"],
        tenant=row["tenant"],
        group_key=row["group_key"],
        receiver=row["receiver"],
        channel=row["channel"],
        integration=row["integration"],
        outcome=_OUTCOMES.get(row["status"], "failed"),
        reason=row["reason"],
        alert_ids=[str(alert["id"]) for alert in row["payload"]["alerts"]],
        attempts=row["attempts"],
        at=ms(row["updated_at"]),
        error=row["error"],
        fallback=row["fallback"],
    )
