"""Bring what is stored to the topic: at once after a change, and again whenever it was missed."""

import asyncio
from collections.abc import Mapping

from api_gateway.domain.rule_resolve import resolve
from api_gateway.domain.rules import StoredRule
from api_gateway.ports import Clock, RuleKey, RuleRepository, RuleTopic, Version

BATCH = 500
AT_ONCE = 4
KEEP_DELETED_MS = 30 * 86_400_000


class Publication:
    """Publishes stored rules; the repository says which are owed."""

    def __init__(self, rules: RuleRepository, topic: RuleTopic, *, clock: Clock) -> None:
        self._rules = rules
        self._topic = topic
        self._clock = clock

    async def publish(self, key: RuleKey) -> None:
        """Publish one rule's newest revision.

        Raises:
            TemporaryError: it is not known to be on the topic; it stays owed.
        """
        await self._rules.publish(key, self._send)

    async def publish_owed(self) -> int:
        """Publish every rule that is owed, oldest first, and return how many there were.

        Raises:
            TemporaryError: the topic or the repository is away; the rest stays owed.
        """
        published = 0
        while owed := await self._rules.unpublished(limit=BATCH):
            for start in range(0, len(owed), AT_ONCE):
                await asyncio.gather(*map(self.publish, owed[start : start + AT_ONCE]))
            published += len(owed)
        await self._rules.purge(deleted_before=self._clock() - KEEP_DELETED_MS)
        return published

    async def compare(self) -> int:
        """Mark as owed what the topic holds otherwise than the repository; return how much.

        A topic that was wiped, or that holds rules of a repository that was, is mended so.

        Raises:
            TemporaryError: the topic or the repository is away.
        """
        content = await self._topic.content()
        heads = await self._rules.heads()
        differing = differences(content, heads)
        await self._rules.unpublish(differing)
        strangers = [key for key in content if key not in heads]
        for key in strangers:
            await self._topic.withdraw(key)
        return len(differing) + len(strangers)

    async def _send(self, rule: StoredRule) -> None:
        if rule.deleted_at is None:
            await self._topic.put(resolve(rule))
        else:
            await self._topic.withdraw((rule.tenant, rule.id))


def differences(
    content: Mapping[RuleKey, Version], heads: Mapping[RuleKey, Version | None]
) -> list[RuleKey]:
    """Return the stored rules of which the topic holds another version, none, or too much."""
    return [key for key, version in heads.items() if content.get(key) != version]
