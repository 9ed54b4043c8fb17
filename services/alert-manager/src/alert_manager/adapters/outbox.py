"""The transactional outbox in Postgres: what is stored with a decision is published for sure."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from alert_manager.adapters import rows, statements
from alert_manager.adapters.postgres import transaction
from alert_manager.domain.orders import Order
from alert_manager.ports import Refusal
from service_runtime.postgres import Connection, Database, fetch, fetch_first


class PostgresClaim:
    """Orders locked by one transaction."""

    def __init__(self, connection: Connection, orders: Sequence[Order]) -> None:
        self._connection = connection
        self.orders = orders

    async def settle(self, done: Sequence[Order], refused: Sequence[Refusal], *, now: int) -> None:
        await _settle(self._connection, done, refused, now)


class PostgresOutbox:
    """Orders that are stored and perhaps not yet published."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def owed(self, *, before: int, limit: int) -> AsyncIterator[PostgresClaim]:
        async with transaction(self._database) as connection:
            values = {"before": before, "limit": limit}
            orders = [
                rows.to_order(row) for row in await fetch(connection, statements.OWED, values)
            ]
            yield PostgresClaim(connection, orders)

    async def settle(self, done: Sequence[Order], refused: Sequence[Refusal], *, now: int) -> None:
        async with transaction(self._database) as connection:
            await _settle(connection, done, refused, now)

    async def count_owed(self) -> int:
        async with transaction(self._database) as connection:
            row = await fetch_first(connection, statements.COUNT_OWED)
        return int(row["count"]) if row else 0


async def _settle(
    connection: Connection, done: Sequence[Order], refused: Sequence[Refusal], now: int
) -> None:
    if done:
        ids = [order.notification.id for order in done]
        await connection.execute(statements.PUBLISHED, {"ids": ids, "now": now})
    if refused:
        ids = [refusal.order.notification.id for refusal in refused]
        reasons = [refusal.reason[:500] for refusal in refused]
        await connection.execute(statements.REFUSED, {"ids": ids, "reasons": reasons})
