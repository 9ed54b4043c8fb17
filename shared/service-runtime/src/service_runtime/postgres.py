"""A Postgres pool whose failures are ours: TemporaryError when the server is away."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from service_runtime.errors import PoisonError, TemporaryError, UncertainError

Connection = psycopg.AsyncConnection[DictRow]
Query = LiteralString | sql.SQL | sql.Composed
_LIMIT_EXCEEDED: Final = "54"
"""The class of SQL states that say: more than the server can ever hold."""
MAX_REASON: Final = 500
"""Characters of the server's own words that are passed on."""
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)


class Database:
    """Connections to one database. Rows are dictionaries."""

    def __init__(self, pool: AsyncConnectionPool[Connection], bound: float) -> None:
        self._pool = pool
        self._bound = bound

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Give a connection in a transaction that commits unless the block raises.

        Raises:
            TemporaryError: the server is away, restarting, overloaded, or frozen: a stopped one
                keeps its connections and never answers, so the whole block has a bound.
            UncertainError: it went away during the commit, and may have done it.
            PoisonError: a value exceeds what the server can ever hold, as of an index entry.
        """
        error: type[TemporaryError] = TemporaryError
        try:
            async with asyncio.timeout(self._bound), self._pool.connection() as connection:
                yield connection
                error = UncertainError
        except TimeoutError:
            message = f"Postgres did not answer within {self._bound:g} s"
            raise error(message, retry_after=1.0) from None
        except _AWAY as exc:
            if (getattr(exc, "sqlstate", None) or "").startswith(_LIMIT_EXCEEDED):
                message = f"Postgres can never store it: {str(exc).strip()[:MAX_REASON]}"
                raise PoisonError(message) from exc
            message = f"Postgres: {str(exc).strip() or type(exc).__name__}"
            raise error(message, retry_after=1.0) from exc

    async def check(self) -> None:
        """Raise TemporaryError unless the server answers."""
        async with self.transaction() as connection:
            await connection.execute("SELECT 1")


async def fetch(
    connection: Connection, statement: Query, values: Mapping[str, Any] | None = None
) -> list[DictRow]:
    """Return every row that a statement gives."""
    cursor = await connection.execute(statement, values)
    return await cursor.fetchall()


async def fetch_first(
    connection: Connection, statement: Query, values: Mapping[str, Any] | None = None
) -> DictRow | None:
    """Return the first row that a statement gives, if it gives any."""
    cursor = await connection.execute(statement, values)
    return await cursor.fetchone()


@asynccontextmanager
async def open_database(
    url: str, *, name: str, max_size: int = 8, patience: float = 5.0
) -> AsyncIterator[Database]:
    """Open a pool; it connects in the background and by itself again after an outage.

    `patience`, in seconds, is the longest wait for a connection; a statement has twice, a whole
    transaction three times as long.
    The URL's own `options` are kept.
    """
    given = str(psycopg.conninfo.conninfo_to_dict(url).get("options") or "")
    options: dict[str, Any] = {
        "row_factory": dict_row,
        "application_name": name,
        "connect_timeout": max(2, int(patience)),
        "options": f"{given} -c statement_timeout={int(patience * 2000)}",
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
    }
    pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=max_size,
        timeout=patience,
        kwargs=options,
        open=False,
        reconnect_timeout=5,
        check=AsyncConnectionPool.check_connection,
        name=name,
    )
    await pool.open()
    try:
        yield Database(pool, bound=3 * patience)
    finally:
        await pool.close()
