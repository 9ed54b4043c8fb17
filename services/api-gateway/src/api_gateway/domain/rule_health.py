"""How rules fare: the shares that the engine's workers tell, kept while fresh, and added up."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from alert_contracts.rule_status import STALE_MS, RuleStatus

MAX_SHARES: Final = 500_000
"""Shares that are kept; beyond it those that were told longest ago are forgotten."""
MAX_SHARES_OF_RULE: Final = 256
AT_ONCE: Final = 5_000
"""Shares that are forgotten at once, because they are stale: a few milliseconds' work."""
ERROR_MS: Final = 600_000
"""For this long after its newest failure a rule is in error."""
Health = Literal["ok", "error", "quarantined", "unknown", "disabled"]
Teller = tuple[str, str]
"""Stage and share."""
RuleKey = tuple[str, str]
"""Tenant and rule id."""


class Fare(NamedTuple):
    """How one rule fares. Moments are epoch ms; 0 where there was none."""

    health: Health
    last_error: str = ""
    last_error_at: int = 0
    last_evaluation: int = 0
    """Event time up to which all its windows were judged."""
    blind_until: int = 0
    """Event time from which silence counts again."""
    events_matched: int = 0
    groups: int = 0
    state_bytes: int = 0
    firing: int = 0
    late: int = 0
    surplus: int = 0
    cpu_share: float = 0.0
    """Of the CPU time of a worker's evaluation, 0 to 1; the mean over the workers."""
    live_revision: int = 0
    """The oldest revision that a worker has live; 0 until both stages have told of one."""

    @property
    def failing(self) -> bool:
        """Whether it failed at run time."""
        return self.health in {"error", "quarantined"}


def fare(shares: Sequence[RuleStatus], *, revision: int, enabled: bool, now: int) -> Fare:
    """Return what the fresh ones of a rule's shares say together of a revision of it."""
    fresh = [each for each in shares if each.at > now - STALE_MS]
    failed = max(
        (each for each in fresh if each.last_error and each.revision == revision),
        key=lambda each: each.last_error_at,
        default=None,
    )
    counted = [each for each in fresh if each.stage == "aggregate"]
    sampled = [each.cpu_share for each in fresh if each.stage == "evaluate"]
    return Fare(
        health=_health(fresh, revision=revision, now=now) if enabled else "disabled",
        last_error=failed.last_error if failed else "",
        last_error_at=failed.last_error_at if failed else 0,
        last_evaluation=min((each.evaluated_at for each in counted), default=0),
        blind_until=max((each.blind_until for each in counted), default=0),
        events_matched=sum(each.matched for each in counted),
        groups=sum(each.groups for each in counted),
        state_bytes=sum(each.state_bytes for each in counted),
        firing=sum(each.firing for each in counted),
        late=sum(each.late for each in counted),
        surplus=sum(each.surplus for each in counted),
        cpu_share=round(sum(sampled) / len(sampled), 6) if sampled else 0.0,
        live_revision=min(each.revision for each in fresh) if counted and sampled else 0,
    )


def fare_of_newest(shares: Sequence[RuleStatus], *, now: int) -> Fare | None:
    """Return the fare of the newest revision that fresh shares tell of; None if all are stale."""
    newest = max((each.revision for each in shares if each.at > now - STALE_MS), default=None)
    return None if newest is None else fare(shares, revision=newest, enabled=True, now=now)


def _health(fresh: Iterable[RuleStatus], *, revision: int, now: int) -> Health:
    speaking = [each for each in fresh if each.revision == revision]
    if any(each.quarantined for each in speaking):
        return "quarantined"
    if any(each.last_error and each.last_error_at > now - ERROR_MS for each in speaking):
        return "error"
    return "ok" if speaking else "unknown"


class Shares:
    """The newest share of each worker and rule, tenants apart, within bounds."""

    def __init__(self, *, bound: int = MAX_SHARES) -> None:
        self._bound = bound
        self._rules: dict[RuleKey, dict[Teller, RuleStatus]] = {}
        self._order: dict[tuple[str, str, Teller], int] = {}
        """When each was told, the longest ago first."""

    def __len__(self) -> int:
        return len(self._order)

    def note(self, told: Iterable[RuleStatus], *, now: int) -> None:
        """Keep what was told, and forget what was not told again for too long."""
        for each in told:
            if each.at > now - STALE_MS:
                self._keep(each)
        self._forget(now)

    def of(self, tenant: str, rule_id: str) -> list[RuleStatus]:
        """Return the shares of one rule."""
        return list(self._rules.get((tenant, rule_id), {}).values())

    def rules(self) -> list[RuleKey]:
        """Return the rules of which there are shares, of all tenants."""
        return list(self._rules)

    def _keep(self, told: RuleStatus) -> None:
        rule, teller = (told.tenant, told.rule_id), (told.stage, told.share)
        shares = self._rules.setdefault(rule, {})
        known = shares.get(teller)
        if known is None and len(shares) >= MAX_SHARES_OF_RULE:
            return
        if known is not None and known.at > told.at:
            return
        shares[teller] = told
        self._order.pop((*rule, teller), None)
        self._order[(*rule, teller)] = told.at

    def _forget(self, now: int) -> None:
        surplus = len(self._order) - self._bound
        gone: list[tuple[str, str, Teller]] = []
        for teller, at in self._order.items():
            stale = at <= now - STALE_MS and len(gone) < AT_ONCE
            if not stale and len(gone) >= surplus:
                break
            gone.append(teller)
        for tenant, rule_id, share in gone:
            shares = self._rules[tenant, rule_id]
            del shares[share], self._order[tenant, rule_id, share]
            if not shares:
                del self._rules[tenant, rule_id]
