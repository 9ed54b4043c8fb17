"""How rules fare: listen to the engine, and tell of one rule, or of those that metrics show."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

from alert_contracts.rule_status import RuleStatus
from api_gateway.domain.rule_health import Fare, RuleKey, Shares, fare, fare_of_newest
from api_gateway.domain.rule_ranking import Ranking, Shown
from api_gateway.domain.rules import StoredRule
from api_gateway.ports import Clock

SLICE: Final = 100
"""Rules that are looked at before requests have their turn: a millisecond's work."""


class Fares:
    """What is known of how the rules of all tenants fare; gone with the process, told anew."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._shares = Shares()
        self._shown = Shown({})

    def note(self, told: Sequence[RuleStatus]) -> None:
        """Take what workers told."""
        self._shares.note(told, now=self._clock())

    def of(self, rule: StoredRule) -> Fare:
        """Return how a rule fares; unknown if nobody told of it lately."""
        return fare(
            self._shares.of(rule.tenant, rule.id),
            revision=rule.revision,
            enabled=rule.document.get("enabled", True),
            now=self._clock(),
        )

    async def show(self, limit: int) -> Shown:
        """Return at most so many rules, of all that were told of lately."""
        ranking = Ranking(limit, before=self._shown.rules)
        rules = self._shares.rules()
        for start in range(0, len(rules), SLICE):
            for key, known in self._told(rules[start : start + SLICE]):
                ranking.take(key, known)
            await asyncio.sleep(0)
        self._shown = ranking.shown()
        return self._shown

    def _told(self, rules: Sequence[RuleKey]) -> Iterator[tuple[RuleKey, Fare]]:
        now = self._clock()
        for key in rules:
            known = fare_of_newest(self._shares.of(*key), now=now)
            if known is not None:
                yield key, known
