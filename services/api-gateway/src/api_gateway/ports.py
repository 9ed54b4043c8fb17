"""What the use cases need from outside."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from alert_contracts.rule_status import RuleStatus
from alert_contracts.rules import Rule
from api_gateway.domain.records import LogRecord
from api_gateway.domain.rules import Revision, StoredRule

Clock = Callable[[], int]
"""Epoch milliseconds, now."""
RuleKey = tuple[str, str]
"""Tenant and rule id."""
Version = tuple[int, int]
"""Revision, and when it was made (epoch ms): revisions begin anew in a database that was wiped."""


class EventLog(Protocol):
    """Where events are kept. Kafka in production, a list in tests."""

    async def append(self, record: LogRecord) -> None:
        """Return once the record is safe.

        Raises:
            TemporaryError: it could not be made safe in time; it may be tried again.
        """
        ...


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """Which rules to list, by name; empty means any."""

    types: Sequence[str] = ()
    severities: Sequence[str] = ()
    enabled: bool | None = None
    labels: Sequence[tuple[str, str]] = ()
    text: str = ""
    """Part of the name or the description, in any case."""
    after: tuple[str, str] | None = None
    """Name and id of the rule before the first one wanted."""
    limit: int = 50


class TooManyRulesError(Exception):
    """The tenant has as many rules as it may have."""


class RuleRepository(Protocol):
    """Rules and their history. Postgres in production.

    Every method raises TemporaryError when the repository is away. A deleted rule is found by
    nothing but `publish`, `unpublished`, `heads` and `revisions`.
    """

    async def find(self, key: RuleKey) -> StoredRule | None: ...

    async def search(self, tenant: str, wanted: RuleFilter) -> list[StoredRule]:
        """Return at most `limit` rules, by name, then id."""
        ...

    async def add(self, rule: StoredRule, *, limit: int) -> None:
        """Store a first revision.

        Raises:
            TooManyRulesError: the tenant has `limit` rules.
        """
        ...

    async def change(
        self, key: RuleKey, decide: Callable[[StoredRule], StoredRule]
    ) -> StoredRule | None:
        """Store what `decide` makes of the rule, which nobody else changes meanwhile.

        Nothing is stored if `decide` returns its argument, or raises. None: there is no such rule.
        """
        ...

    async def revisions(
        self, key: RuleKey, *, before: int | None, limit: int
    ) -> list[Revision] | None:
        """Return revisions, newest first, beginning below `before`. None: no such rule, ever."""
        ...

    async def publish(self, key: RuleKey, send: Callable[[StoredRule], Awaitable[None]]) -> None:
        """Send the newest revision, unless it is published, and mark it so.

        Nobody else publishes or changes the rule meanwhile, so revisions are sent in order. If
        `send` raises, the rule stays unpublished.
        """
        ...

    async def unpublished(self, *, limit: int) -> list[RuleKey]:
        """Return rules whose newest revision is not published, the longest waiting first."""
        ...

    async def heads(self) -> Mapping[RuleKey, Version | None]:
        """Return the newest version of every rule; None for a deleted one."""
        ...

    async def unpublish(self, keys: Sequence[RuleKey]) -> None:
        """Mark rules as not published, so that they are published again."""
        ...

    async def purge(self, *, deleted_before: int) -> int:
        """Forget rules deleted before then (epoch ms) and published; return how many."""
        ...


class RuleTopic(Protocol):
    """The topic from which the engine reads rules."""

    async def demand(self) -> None:
        """Raise TemporaryError unless the topic can be written to now."""
        ...

    async def put(self, rule: Rule) -> None:
        """Return once the rule is on the topic; raises TemporaryError if it may not be."""
        ...

    async def withdraw(self, key: RuleKey) -> None:
        """Return once the rule's tombstone is on the topic; raises TemporaryError likewise."""
        ...

    async def content(self) -> Mapping[RuleKey, Version]:
        """Return the version of every rule on the topic; raises TemporaryError likewise."""
        ...


class StatusFeed(Protocol):
    """How the engine's workers tell of rules."""

    async def told(self) -> Sequence[RuleStatus]:
        """Return what was told since the last call, after a short wait if that is nothing.

        Raises:
            TemporaryError: the topic cannot be read now.
        """
        ...
