"""The use cases of alert rules: decide, store, and have the change live before saying so."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec

from api_gateway.domain.rule_document import Problem
from api_gateway.domain.rule_review import review
from api_gateway.domain.rule_show import show_document
from api_gateway.domain.rule_texts import CheckTemplate
from api_gateway.domain.rules import Revision, StoredRule, merge, own_fields
from api_gateway.handlers.publishing import Publication
from api_gateway.ports import Clock, RuleFilter, RuleKey, RuleRepository, RuleTopic
from service_runtime.errors import TemporaryError, UncertainError

Document = Mapping[str, Any]
Precondition = Callable[[int], bool]
"""Whether a write may change a rule that has this revision."""


class RuleInvalidError(Exception):
    """The rule is refused; `problems` says all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problem(s)")
        self.problems = problems


class RevisionMismatchError(Exception):
    """The rule is not at a revision at which the caller wants to change it."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"the rule is at revision {revision}")
        self.revision = revision


class NotLiveError(Exception):
    """The change is stored but not known to be live; it will be, without another request."""

    def __init__(self, rule: StoredRule, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


class MaybeStoredError(Exception):
    """Nobody knows whether the change is stored: the repository went away while it committed."""

    def __init__(self, key: RuleKey, reason: str) -> None:
        super().__init__(reason)
        self.rule_id = key[1]


@contextmanager
def _doubt(key: RuleKey) -> Iterator[None]:
    try:
        yield
    except UncertainError as exc:
        raise MaybeStoredError(key, str(exc)) from exc


def _same(one: Document, other: Document) -> bool:
    # As JSON, too, for to Python 1 is True, which are two different terms of a list.
    encoded = partial(msgspec.json.encode, order="deterministic")
    return one == other and encoded(one) == encoded(other)


def always(_revision: int) -> bool:
    """Hold whatever the revision is."""
    return True


class Rules:
    """The rules of tenants. Every method raises TemporaryError when the repository is away."""

    def __init__(
        self,
        repository: RuleRepository,
        topic: RuleTopic,
        publication: Publication,
        *,
        clock: Clock,
        new_id: Callable[[], str],
        check_template: CheckTemplate,
        limit: int,
    ) -> None:
        self._repository = repository
        self._topic = topic
        self._publication = publication
        self._clock = clock
        self._new_id = new_id
        self._check_template = check_template
        self._limit = limit

    async def find(self, key: RuleKey) -> StoredRule | None:
        """Return the rule, if there is one."""
        return await self._repository.find(key)

    async def search(self, tenant: str, wanted: RuleFilter) -> list[StoredRule]:
        """Return rules by name."""
        return await self._repository.search(tenant, wanted)

    async def revisions(
        self, key: RuleKey, *, before: int | None, limit: int
    ) -> list[Revision] | None:
        """Return the rule's history, newest first."""
        return await self._repository.revisions(key, before=before, limit=limit)

    def draft(self, tenant: str, sent: Document) -> StoredRule:
        """Return the rule that these fields make, stored nowhere.

        Raises:
            RuleInvalidError: they make none.
        """
        now = self._clock()
        return StoredRule(
            tenant=tenant,
            id=self._new_id(),
            revision=1,
            document=self._valid(tenant, sent),
            created_at=now,
            updated_at=now,
        )

    async def create(self, tenant: str, sent: Document) -> StoredRule:
        """Store a new rule and return it, live.

        Raises:
            RuleInvalidError: it is refused.
            TooManyRulesError: the tenant has as many as it may.
            NotLiveError: it is stored, but not known to be live.
            MaybeStoredError: it is stored or not, and nobody knows.
            TemporaryError: nothing is stored; Kafka or the repository is away.
        """
        rule = self.draft(tenant, sent)
        await self._topic.demand()
        with _doubt((tenant, rule.id)):
            await self._repository.add(rule, limit=self._limit)
        return await self._live(rule)

    async def replace(
        self, key: RuleKey, sent: Document, *, only_if: Precondition
    ) -> StoredRule | None:
        """Put these fields in the place of the rule's; None if there is no such rule.

        Raises: as `create`, and RevisionMismatchError.
        """

        def decide(rule: StoredRule) -> StoredRule:
            # What was taken once is taken when it is sent back, though it may be refused by now.
            if _same(own_fields(sent), show_document(rule.document)):
                return rule
            return self._next(rule, self._valid(key[0], sent))

        return await self._change(key, decide, only_if)

    async def patch(
        self, key: RuleKey, changes: Document, *, only_if: Precondition
    ) -> StoredRule | None:
        """Merge these fields (RFC 7396) into the rule's; None if there is no such rule.

        Raises: as `create`, and RevisionMismatchError.
        """

        def decide(rule: StoredRule) -> StoredRule:
            return self._next(rule, self._valid(key[0], merge(rule.document, changes)))

        return await self._change(key, decide, only_if)

    async def switch(
        self, key: RuleKey, *, enabled: bool, only_if: Precondition
    ) -> StoredRule | None:
        """Enable or disable the rule; None if there is no such rule.

        Raises: as `create`, and RevisionMismatchError.
        """

        def decide(rule: StoredRule) -> StoredRule:
            if rule.document.get("enabled", True) is enabled:
                return rule
            return rule.revised({**rule.document, "enabled": enabled}, self._clock())

        return await self._change(key, decide, only_if)

    async def delete(self, key: RuleKey, *, only_if: Precondition) -> StoredRule | None:
        """Delete the rule and return its last revision; None if there is no such rule.

        Raises: as `create`, and RevisionMismatchError.
        """
        return await self._change(key, lambda rule: rule.deleted(self._clock()), only_if)

    def _valid(self, tenant: str, sent: Document) -> Document:
        document = own_fields(sent)
        problems = review(document, tenant=tenant, check_template=self._check_template)
        if problems:
            raise RuleInvalidError(problems)
        return document

    def _next(self, rule: StoredRule, document: Document) -> StoredRule:
        """Return the next revision; the same one where nobody could see a difference."""
        same = _same(show_document(document), show_document(rule.document))
        return rule if same else rule.revised(document, self._clock())

    async def _change(
        self, key: RuleKey, decide: Callable[[StoredRule], StoredRule], only_if: Precondition
    ) -> StoredRule | None:
        def guarded(rule: StoredRule) -> StoredRule:
            if not only_if(rule.revision):
                raise RevisionMismatchError(rule.revision)
            return decide(rule)

        await self._topic.demand()
        with _doubt(key):
            changed = await self._repository.change(key, guarded)
        return None if changed is None else await self._live(changed)

    async def _live(self, rule: StoredRule) -> StoredRule:
        try:
            await self._publication.publish((rule.tenant, rule.id))
        except TemporaryError as exc:
            raise NotLiveError(rule, str(exc)) from exc
        return rule
