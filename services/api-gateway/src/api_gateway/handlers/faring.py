"""How rules fare: listen to the engine, and tell of one rule."""

from collections.abc import Sequence

from alert_contracts.rule_status import RuleStatus
from api_gateway.domain.rule_health import Fare, Shares, fare
from api_gateway.domain.rules import StoredRule
from api_gateway.ports import Clock


class Fares:
    """What is known of how the rules of all tenants fare; gone with the process, told anew."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._shares = Shares()

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
