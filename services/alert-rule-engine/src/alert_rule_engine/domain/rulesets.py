"""The rule sets of all tenants, and what of them stays when a rule changes."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from alert_rule_engine.domain.evaluators import SpecEvaluator, evaluator_of
from alert_rule_engine.domain.room import MAX_PLACES, Room
from alert_rule_engine.domain.rules import RuleBook
from alert_rule_engine.domain.ruleset import RuleSet
from alert_rule_engine.domain.specs import PaneSpec

NO_RULES: Final = RuleSet([])


class RuleSets:
    """Rule sets by tenant. A spec that stays keeps its evaluator, and a tenant its rule set."""

    def __init__(
        self,
        make: Callable[[PaneSpec], SpecEvaluator] = evaluator_of,
        *,
        remembered: int = MAX_PLACES,
    ) -> None:
        """`remembered`: places that all of them remember together."""
        self._make = make
        self._room = Room(remembered)
        self._evaluators: dict[str, SpecEvaluator] = {}
        self._sets: Mapping[str, RuleSet] = {}
        self._left_out: dict[str, list[str]] = {}

    def follow(self, book: RuleBook, *, without: Iterable[str] = ()) -> Mapping[str, Exception]:
        """Evaluate by these rules, but for some specs, from now on.

        Returns the specs of which no evaluator can be made, and why; they are left out as well.
        """
        known, self._evaluators = self._evaluators, {}
        failed: dict[str, Exception] = {}
        left_out = book.specs.keys() & without
        for spec in (each for each in book.specs if each not in left_out):
            try:
                self._evaluators[spec] = known.get(spec) or self._make(book.specs[spec].spec)
            except Exception as exc:  # noqa: BLE001 - our fault in one rule must not stop the others
                failed[spec] = exc
        self._room.admit(self.evaluators())
        by_tenant: dict[str, list[SpecEvaluator]] = defaultdict(list)
        for each in self._evaluators.values():
            by_tenant[each.spec.tenant].append(each)
        self._sets = {tenant: self._set(tenant, group) for tenant, group in by_tenant.items()}
        self._left_out = defaultdict(list)
        for spec in left_out | failed.keys():
            self._left_out[book.specs[spec].spec.tenant].append(spec)
        return failed

    def _set(self, tenant: str, evaluators: list[SpecEvaluator]) -> RuleSet:
        known = self._sets.get(tenant)
        same = known is not None and known.evaluators == evaluators
        return known if known and same else RuleSet(evaluators, room=self._room, before=known)

    def evaluators(self) -> Sequence[SpecEvaluator]:
        """Return the evaluators of all tenants."""
        return list(self._evaluators.values())

    def of(self, tenant: str) -> RuleSet:
        """Return the rule set of a tenant."""
        return self._sets.get(tenant, NO_RULES)

    def left_out(self, tenant: str) -> Sequence[str]:
        """Return the specs of a tenant that are not evaluated."""
        return self._left_out.get(tenant, ())
