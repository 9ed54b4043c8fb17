"""The history in Postgres. Every statement takes a whole batch; the SQL is in `statements`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import psycopg
from psycopg import sql

from alert_manager.adapters import rows, statements
from alert_manager.domain.dedup import Standing
from alert_manager.domain.history import AlertRecord, Entry
from alert_manager.domain.intake import Memory
from alert_manager.domain.orders import Order
from alert_manager.domain.shortcut import Matter, Repeat
from alert_manager.ports import CLOCK_SKEW_MS, AlertFilter
from service_runtime.errors import PoisonError, TemporaryError
from service_runtime.postgres import Connection, Database, fetch, fetch_first

_ESCAPES: Final = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


@asynccontextmanager
async def transaction(database: Database) -> AsyncIterator[Connection]:
    """Give a connection in a transaction; what Postgres can never store is poison."""
    try:
        async with database.transaction() as connection:
            yield connection
    except psycopg.errors.UniqueViolation as exc:
        message = "Postgres: somebody else has just stored the same"
        raise TemporaryError(message) from exc
    except (psycopg.DataError, UnicodeEncodeError) as exc:
        message = f"Postgres cannot store it: {exc}"
        raise PoisonError(message) from exc


class PostgresChange:
    """One transaction on the history."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def refresh(
        self, repeats: Sequence[Repeat], *, told_after: int, now: int
    ) -> dict[str, Standing]:
        if not repeats:
            return {}
        values = {"rows": rows.from_repeats(repeats), "told_after": told_after, "now": now}
        found = await fetch(self._connection, statements.REFRESH, values)
        return {row["id"]: rows.to_standing(row) for row in found}

    async def recall(self, ids: Sequence[str], matters: Sequence[Matter]) -> Memory:
        memory = Memory()
        if not ids and not matters:
            return memory
        values = {
            "ids": list(ids),
            "tenants": [matter.tenant for matter in matters],
            "fingerprints": [matter.fingerprint for matter in matters],
        }
        for row in await fetch(self._connection, statements.RECALL, values):
            memory.keep(rows.to_record(row))
        return memory

    async def save(
        self, records: Sequence[AlertRecord], entries: Sequence[Entry], orders: Sequence[Order]
    ) -> None:
        closed = [record for record in records if not record.standing.is_open]
        opened = [record for record in records if record.standing.is_open]
        # First those that close: a fingerprint has one open alert at most.
        for batch in filter(None, (closed, opened)):
            await self._connection.execute(statements.SAVE, {"rows": rows.from_records(batch)})
        if entries:
            values = {"rows": rows.from_entries(entries)}
            await self._connection.execute(statements.NOTE, values)
        if orders:
            await self._connection.execute(statements.OWE, {"rows": rows.from_orders(orders)})


class PostgresHistory:
    """Every alert and every decision."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def change(self) -> AsyncIterator[PostgresChange]:
        async with transaction(self._database) as connection:
            yield PostgresChange(connection)

    async def installation(self) -> str:
        """Return the identity of this database: another one, or a wiped one, has another."""
        async with transaction(self._database) as connection:
            row = await fetch_first(connection, "SELECT id::text FROM alert_installation")
        return str(row["id"]) if row else ""

    async def find(self, tenant: str, alert_id: str) -> AlertRecord | None:
        async with transaction(self._database) as connection:
            values = {"tenant": tenant, "id": alert_id}
            row = await fetch_first(connection, statements.FIND, values)
        return rows.to_record(row) if row else None

    async def search(self, tenant: str, wanted: AlertFilter) -> list[AlertRecord]:
        where, values = _conditions(wanted)
        query = sql.SQL(statements.SEARCH).format(where=where)
        values |= {"tenant": tenant, "limit": wanted.limit}
        async with transaction(self._database) as connection:
            return [rows.to_record(row) for row in await fetch(connection, query, values)]

    async def timeline(self, tenant: str, alert_id: str, *, limit: int) -> list[Entry]:
        values = {"tenant": tenant, "id": alert_id, "limit": limit}
        async with transaction(self._database) as connection:
            newest = await fetch(connection, statements.TIMELINE, values)
        return [rows.to_entry(row) for row in reversed(newest)]

    async def note_deliveries(self, entries: Sequence[Entry], delivered: Mapping[str, int]) -> None:
        async with transaction(self._database) as connection:
            await connection.execute(statements.NOTE, {"rows": rows.from_entries(entries)})
            values = {
                "ids": list(delivered),
                "times": list(delivered.values()),
                "skew": CLOCK_SKEW_MS,
            }
            await connection.execute(statements.DELIVERED, values)

    async def count_open(self) -> int:
        async with transaction(self._database) as connection:
            row = await fetch_first(connection, statements.COUNT_OPEN)
        return int(row["count"]) if row else 0

    async def forget(self, *, before: int, limit: int) -> int:
        async with transaction(self._database) as connection:
            cursor = await connection.execute(statements.FORGET, {"before": before, "limit": limit})
            return cursor.rowcount


def _conditions(wanted: AlertFilter) -> tuple[sql.Composable, dict[str, object]]:
    given: dict[str, object] = {
        "states": [state.value for state in wanted.states] or None,
        "severities": [severity.value for severity in wanted.severities] or None,
        "rule": wanted.rule,
        "service": wanted.service,
        "labels": msgspec.json.encode(dict(wanted.labels)).decode() if wanted.labels else None,
        "since": wanted.since,
        "until": wanted.until,
        "text": f"%{wanted.text.translate(_ESCAPES)}%" if wanted.text else None,
        "after_start": wanted.after[0] if wanted.after else None,
        "after_id": wanted.after[1] if wanted.after else None,
    }
    used = [
        sql.SQL(condition)
        for name, condition in statements.CONDITIONS.items()
        if given[name] is not None
    ]
    return sql.SQL(" AND ").join([sql.SQL("tenant = %(tenant)s"), *used]), given
