"""Rules in Postgres: `alert_rules`, and their history in `alert_rule_revisions`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from psycopg.types.json import Jsonb

from api_gateway.domain.rules import Action, Revision, StoredRule, action_of
from api_gateway.ports import RuleFilter, RuleKey, TooManyRulesError, Version
from service_runtime.postgres import Connection, Database

MAX_REVISIONS: Final = 1_000
"""Of one rule; the oldest are forgotten."""

_COUNT: Final = """
SELECT count(*) AS rules FROM alert_rules WHERE tenant = %(tenant)s AND deleted_at IS NULL
"""
_LOCK_TENANT: Final = "SELECT pg_advisory_xact_lock(hashtextextended('alert_rules ' || %s, 0))"
_INSERT: Final = """
INSERT INTO alert_rules (tenant, id, revision, name, description, type, severity, enabled, labels,
                         document, created_at, updated_at)
VALUES (%(tenant)s, %(id)s, %(revision)s, %(name)s, %(description)s, %(type)s, %(severity)s,
        %(enabled)s, %(labels)s, %(document)s, %(created_at)s, %(updated_at)s)
"""
_UPDATE: Final = """
UPDATE alert_rules
SET revision = %(revision)s, name = %(name)s, description = %(description)s, type = %(type)s,
    severity = %(severity)s, enabled = %(enabled)s, labels = %(labels)s, document = %(document)s,
    updated_at = %(updated_at)s, deleted_at = %(deleted_at)s
WHERE tenant = %(tenant)s AND id = %(id)s
"""
_INSERT_REVISION: Final = """
INSERT INTO alert_rule_revisions (tenant, rule_id, revision, action, at, document)
VALUES (%(tenant)s, %(id)s, %(revision)s, %(action)s, %(updated_at)s, %(document)s)
"""
_FORGET_REVISIONS: Final = """
DELETE FROM alert_rule_revisions
WHERE tenant = %(tenant)s AND rule_id = %(id)s AND revision <= %(revision)s - %(keep)s
"""
_COLUMNS: Final = """
SELECT tenant, id, revision, document, created_at, updated_at, deleted_at, published_revision
FROM alert_rules
"""
_BY_KEY: Final = " WHERE tenant = %s AND id = %s"
_SEARCH: Final = (
    _COLUMNS
    + """
WHERE tenant = %(tenant)s AND deleted_at IS NULL
  AND (%(types)s::text[] = '{}' OR type = ANY(%(types)s))
  AND (%(severities)s::text[] = '{}' OR severity = ANY(%(severities)s))
  AND (%(enabled)s::boolean IS NULL OR enabled = %(enabled)s)
  AND labels @> %(labels)s
  AND (%(text)s::text = ''
       OR position(lower(%(text)s) IN lower(name || chr(10) || description)) > 0)
  AND (%(after_name)s::text IS NULL OR (name, id) > (%(after_name)s, %(after_id)s))
ORDER BY name, id
LIMIT %(limit)s
"""
)
_MARK_PUBLISHED: Final = (
    "UPDATE alert_rules SET published_revision = revision WHERE tenant = %s AND id = %s"
)
_UNPUBLISHED: Final = """
SELECT tenant, id FROM alert_rules WHERE published_revision <> revision
ORDER BY updated_at LIMIT %s
"""
_HEADS: Final = "SELECT tenant, id, revision, updated_at, deleted_at FROM alert_rules"
_UNPUBLISH: Final = """
UPDATE alert_rules SET published_revision = 0
FROM unnest(%s::text[], %s::text[]) AS wanted (tenant, id)
WHERE alert_rules.tenant = wanted.tenant AND alert_rules.id = wanted.id
"""
_PURGE: Final = """
DELETE FROM alert_rules WHERE deleted_at < %s AND published_revision = revision
"""
_HISTORY: Final = """
SELECT revision, action, at, document FROM alert_rule_revisions
WHERE tenant = %s AND rule_id = %s AND (%s::integer IS NULL OR revision < %s)
ORDER BY revision DESC LIMIT %s
"""


class PostgresRuleRepository:
    """See `RuleRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key: RuleKey) -> StoredRule | None:
        """Return the rule, unless it is deleted."""
        async with self._database.transaction() as connection:
            query = _COLUMNS + _BY_KEY + " AND deleted_at IS NULL"
            row = await (await connection.execute(query, key)).fetchone()
        return StoredRule(**row) if row else None

    async def search(self, tenant: str, wanted: RuleFilter) -> list[StoredRule]:
        """Return rules by name, then id."""
        after_name, after_id = wanted.after or (None, None)
        values = {
            "tenant": tenant,
            "types": list(wanted.types),
            "severities": list(wanted.severities),
            "enabled": wanted.enabled,
            "labels": Jsonb(dict(wanted.labels)),
            "text": wanted.text,
            "after_name": after_name,
            "after_id": after_id,
            "limit": wanted.limit,
        }
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(_SEARCH, values)).fetchall()
        return [StoredRule(**row) for row in rows]

    async def add(self, rule: StoredRule, *, limit: int) -> None:
        """Store a first revision."""
        async with self._database.transaction() as connection:
            await connection.execute(_LOCK_TENANT, [rule.tenant])
            counted = await (await connection.execute(_COUNT, {"tenant": rule.tenant})).fetchone()
            if counted is not None and counted["rules"] >= limit:
                raise TooManyRulesError
            await connection.execute(_INSERT, _row(rule))
            await _record(connection, None, rule)

    async def change(
        self, key: RuleKey, decide: Callable[[StoredRule], StoredRule]
    ) -> StoredRule | None:
        """Store what `decide` makes of the rule."""
        async with self._database.transaction() as connection:
            query = _COLUMNS + _BY_KEY + " AND deleted_at IS NULL FOR UPDATE"
            row = await (await connection.execute(query, key)).fetchone()
            if row is None:
                return None
            before = StoredRule(**row)
            after = decide(before)
            if after is not before:
                await connection.execute(_UPDATE, _row(after))
                await _record(connection, before, after)
        return after

    async def revisions(
        self, key: RuleKey, *, before: int | None, limit: int
    ) -> list[Revision] | None:
        """Return revisions, newest first."""
        async with self._database.transaction() as connection:
            if not await (await connection.execute(_COLUMNS + _BY_KEY, key)).fetchone():
                return None
            values = (*key, before, before, limit)
            rows = await (await connection.execute(_HISTORY, values)).fetchall()
        return [Revision(**{**row, "action": Action(row["action"])}) for row in rows]

    async def publish(self, key: RuleKey, send: Callable[[StoredRule], Awaitable[None]]) -> None:
        """Send the newest revision under the row's lock, unless it is published."""
        async with self._database.transaction() as connection:
            row = await (
                await connection.execute(_COLUMNS + _BY_KEY + " FOR UPDATE", key)
            ).fetchone()
            if row is None or row["published_revision"] == row["revision"]:
                return
            await send(StoredRule(**row))
            await connection.execute(_MARK_PUBLISHED, key)

    async def unpublished(self, *, limit: int) -> list[RuleKey]:
        """Return rules that are owed to the topic."""
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(_UNPUBLISHED, [limit])).fetchall()
        return [(row["tenant"], row["id"]) for row in rows]

    async def heads(self) -> Mapping[RuleKey, Version | None]:
        """Return the newest version of every rule; None for a deleted one."""
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(_HEADS)).fetchall()
        return {(row["tenant"], row["id"]): _version(row) for row in rows}

    async def unpublish(self, keys: Sequence[RuleKey]) -> None:
        """Mark rules as owed to the topic."""
        values = [[tenant for tenant, _ in keys], [rule_id for _, rule_id in keys]]
        async with self._database.transaction() as connection:
            await connection.execute(_UNPUBLISH, values)

    async def purge(self, *, deleted_before: int) -> int:
        """Forget rules that are long deleted."""
        async with self._database.transaction() as connection:
            return (await connection.execute(_PURGE, [deleted_before])).rowcount


def _version(row: Mapping[str, Any]) -> Version | None:
    return (row["revision"], row["updated_at"]) if row["deleted_at"] is None else None


async def _record(connection: Connection, before: StoredRule | None, after: StoredRule) -> None:
    values = {**_row(after), "action": action_of(before, after), "keep": MAX_REVISIONS}
    await connection.execute(_INSERT_REVISION, values)
    await connection.execute(_FORGET_REVISIONS, values)


def _row(rule: StoredRule) -> dict[str, Any]:
    document = rule.parsed
    return {
        "tenant": rule.tenant,
        "id": rule.id,
        "revision": rule.revision,
        "name": document.name,
        "description": document.description,
        "type": document.type.value,
        "severity": document.severity.value,
        "enabled": document.enabled,
        "labels": Jsonb(document.labels),
        "document": Jsonb(dict(rule.document)),
        "created_at": rule.created_at,
        "updated_at": rule.updated_at,
        "deleted_at": rule.deleted_at,
    }
