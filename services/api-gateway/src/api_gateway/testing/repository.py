"""The repository of rules, in a dictionary."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from api_gateway.domain.rules import Revision, StoredRule, action_of
from api_gateway.ports import RuleFilter, RuleKey, TooManyRulesError, Version
from service_runtime.errors import TemporaryError, UncertainError


@dataclass(slots=True)
class _Kept:
    rule: StoredRule
    history: list[Revision] = field(default_factory=list)


class FakeRuleRepository:
    """Keeps rules in a dictionary."""

    def __init__(self) -> None:
        self.away = False
        self.forgets_to_answer = False
        """Stores, but goes away before it says so."""
        self._kept: dict[RuleKey, _Kept] = {}
        self._locks: dict[RuleKey, asyncio.Lock] = {}

    async def find(self, key: RuleKey) -> StoredRule | None:
        """Return the rule, unless it is deleted."""
        self._demand()
        kept = self._kept.get(key)
        return kept.rule if kept and kept.rule.deleted_at is None else None

    async def search(self, tenant: str, wanted: RuleFilter) -> list[StoredRule]:
        """Return rules by name, then id."""
        self._demand()
        found = [
            kept.rule
            for kept in self._kept.values()
            if kept.rule.tenant == tenant
            and kept.rule.deleted_at is None
            and _is_wanted(kept.rule, wanted)
        ]
        return sorted(found, key=_place)[: wanted.limit]

    async def add(self, rule: StoredRule, *, limit: int) -> None:
        """Store a first revision."""
        self._demand()
        living = [kept for kept in self._kept.values() if kept.rule.deleted_at is None]
        if sum(kept.rule.tenant == rule.tenant for kept in living) >= limit:
            raise TooManyRulesError
        self._kept[rule.tenant, rule.id] = _Kept(rule)
        self._record(None, rule)
        self._confirm()

    async def change(
        self, key: RuleKey, decide: Callable[[StoredRule], StoredRule]
    ) -> StoredRule | None:
        """Store what `decide` makes of the rule."""
        async with self._lock(key):
            before = await self.find(key)
            if before is None:
                return None
            after = decide(before)
            if after is not before:
                self._kept[key].rule = after
                self._record(before, after)
            self._confirm()
            return after

    async def revisions(
        self, key: RuleKey, *, before: int | None, limit: int
    ) -> list[Revision] | None:
        """Return revisions, newest first."""
        self._demand()
        if key not in self._kept:
            return None
        newest_first = reversed(self._kept[key].history)
        wanted = [one for one in newest_first if before is None or one.revision < before]
        return wanted[:limit]

    async def publish(self, key: RuleKey, send: Callable[[StoredRule], Awaitable[None]]) -> None:
        """Send the newest revision, unless it is published."""
        self._demand()
        async with self._lock(key):
            kept = self._kept.get(key)
            if kept is None or kept.rule.published_revision == kept.rule.revision:
                return
            await send(kept.rule)
            self._mark(key, kept.rule.revision)

    async def unpublished(self, *, limit: int) -> list[RuleKey]:
        """Return rules that are owed to the topic."""
        self._demand()
        owed = [
            kept.rule
            for kept in self._kept.values()
            if kept.rule.published_revision != kept.rule.revision
        ]
        owed.sort(key=lambda rule: rule.updated_at)
        return [(rule.tenant, rule.id) for rule in owed][:limit]

    async def heads(self) -> Mapping[RuleKey, Version | None]:
        """Return the newest version of every rule; None for a deleted one."""
        self._demand()
        rules = {key: kept.rule for key, kept in self._kept.items()}
        return {
            key: (rule.revision, rule.updated_at) if rule.deleted_at is None else None
            for key, rule in rules.items()
        }

    async def unpublish(self, keys: Sequence[RuleKey]) -> None:
        """Mark rules as owed to the topic."""
        self._demand()
        for key in keys:
            self._mark(key, 0)

    async def purge(self, *, deleted_before: int) -> int:
        """Forget rules that are long deleted."""
        self._demand()
        gone = [
            key
            for key, kept in self._kept.items()
            if kept.rule.deleted_at is not None
            and kept.rule.deleted_at < deleted_before
            and kept.rule.published_revision == kept.rule.revision
        ]
        for key in gone:
            del self._kept[key]
        return len(gone)

    def _demand(self) -> None:
        if self.away:
            message = "Postgres: connection refused"
            raise TemporaryError(message, retry_after=1.0)

    def _confirm(self) -> None:
        if self.forgets_to_answer:
            message = "Postgres did not answer"
            raise UncertainError(message, retry_after=1.0)

    def _lock(self, key: RuleKey) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    def _mark(self, key: RuleKey, revision: int) -> None:
        kept = self._kept[key]
        kept.rule = msgspec.structs.replace(kept.rule, published_revision=revision)

    def _record(self, before: StoredRule | None, after: StoredRule) -> None:
        step = Revision(after.revision, action_of(before, after), after.updated_at, after.document)
        self._kept[after.tenant, after.id].history.append(step)


def _place(rule: StoredRule) -> tuple[str, str]:
    return (str(rule.document["name"]), rule.id)


def _is_wanted(rule: StoredRule, wanted: RuleFilter) -> bool:
    document = rule.parsed
    text = f"{document.name}\n{document.description}".lower()
    return all(
        (
            not wanted.types or document.type in wanted.types,
            not wanted.severities or document.severity in wanted.severities,
            wanted.enabled is None or document.enabled is wanted.enabled,
            all(document.labels.get(name) == value for name, value in wanted.labels),
            wanted.text.lower() in text,
            wanted.after is None or _place(rule) > wanted.after,
        )
    )
