"""Which pane specs an event feeds, found without trying every rule.

An event's key is service, level and statusCode. What a key decides by itself is decided once and
remembered: specs whose match reads nothing else (but whether there is a responseTime), and groups
made of nothing else. The rest is tried per event, and only for specs whose equality predicates on
service and level hold.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import product
from typing import Final

from alert_contracts.events import Event, is_error_outcome
from alert_rule_engine.domain.asks import test_of
from alert_rule_engine.domain.evaluators import TIME, Predicate, SpecEvaluator
from alert_rule_engine.domain.sieves import PatternSieve, Sieve, Tried, gathered, sieves_of
from alert_rule_engine.domain.tallies import Place

MAX_PLANS: Final = 20_000
_EVERYWHERE: Final = (None, None)
Key = tuple[str, str, int | None]
"""An event's service, level and status."""


class Plan:
    """What is to be done with the events of some keys; told apart by identity."""

    __slots__ = ("always", "error", "looking", "numbered", "timed", "untimed")

    def __init__(self, *, error: bool) -> None:
        self.error = error
        self.always: list[Place] = []
        """Where all of them are counted."""
        self.timed: list[Place] = []
        """Where those with a responseTime are counted."""
        self.untimed: list[Place] = []
        """Where those without one are counted."""
        self.numbered: list[Place] = []
        """Where their response times are kept."""
        self.looking: list[SpecEvaluator | Sieve] = []
        """What looks at each of them: specs that they match, and sieves."""

    def take(self, each: SpecEvaluator, event: Event, timely: Event) -> None:
        """Take in a spec, if an event of the key matches it, without or with a responseTime."""
        matches = test_of(each.ask)
        without, having = matches(event), matches(timely)
        if not each.whole:
            if without:
                self.looking.append(each)
        elif without or having:
            place = each.place_of(event)
            where = self.untimed if not having else self.always if without else self.timed
            where.append(place)
            if having and each.numeric:
                self.numbered.append(place)

    def content(self) -> Hashable:
        """Return what plans that do the same have in common."""
        places = (self.always, self.timed, self.untimed, self.numbered)
        return self.error, tuple(self.looking), *(tuple(some) for some in places)


class Plans(dict[Key, Plan]):
    """Makes the plans of keys as they are asked for, and remembers them."""

    def __init__(self, evaluators: Sequence[SpecEvaluator], before: "Plans | None" = None) -> None:
        """`before`: plans of other specs; what does not concern those that differ is kept."""
        super().__init__()
        self._known: dict[str, dict[str, dict[int | None, Plan]]] = {}
        """The same plans by service, level and status, which is quicker to look up by."""
        self.evaluators = frozenset(evaluators)
        self._index: dict[Predicate, list[SpecEvaluator]] = defaultdict(list)
        tried: dict[Predicate, list[SpecEvaluator]] = defaultdict(list)
        for evaluator in evaluators:
            for predicate in evaluator.predicates():
                (self._index if evaluator.by_key else tried)[predicate].append(evaluator)
        self._tried: Mapping[Predicate, Sequence[Tried]] = gathered(tried)
        self._made: dict[Hashable, Plan] = {}
        """Keys whose events are treated alike share a plan."""
        self.sieves: dict[Predicate, list[Sieve]] = {}
        changed = self._changed(before)
        for predicate, group in self._tried.items():
            kept = before.sieves.get(predicate) if before and predicate not in changed else None
            self.sieves[predicate] = kept or sieves_of(group)
        if before is not None:
            self._take_over(before, changed)
        self.everywhere: Sequence[Sieve] = self.sieves.get(_EVERYWHERE, ())
        """What is tried on events of every key."""
        self.timed = any(TIME in each.reads() for each in evaluators if each.whole)
        """Some specs ask whether there is a responseTime, or which."""

    def _changed(self, before: "Plans | None") -> set[Predicate]:
        """Return the predicates for which others are tried than before."""
        known = before._tried if before else {}  # noqa: SLF001 - of its own kind
        return {
            predicate
            for predicate in self._tried.keys() | known.keys()
            if self._tried.get(predicate) != known.get(predicate)
        }

    def _take_over(self, before: "Plans", changed: set[Predicate]) -> None:
        """Keep the plans that no spec that differs concerns."""
        differing = [each for each in self.evaluators ^ before.evaluators if each.by_key]
        concerned = {predicate for each in differing for predicate in each.predicates()}
        concerned |= changed - {_EVERYWHERE}
        for key, plan in before.items():
            if concerned.isdisjoint(_predicates(key[0], key[1])):
                self._keep(key, plan)
        self._made = {plan.content(): plan for plan in self.values()}

    def _keep(self, key: Key, plan: Plan) -> None:
        service, level, status = key
        self._known.setdefault(service, {}).setdefault(level, {})[status] = self[key] = plan

    def of(self, events: Sequence[Event]) -> list[Plan]:
        """Return the plan of each event."""
        known = self._known
        try:
            return [known[each.service][each.level][each.status_code] for each in events]
        except KeyError:  # there is a key that is not known yet
            return [self[each.service, each.level, each.status_code] for each in events]

    def __missing__(self, key: Key) -> Plan:
        service, level, status = key
        event = Event(0, service, "", level, status)
        timely = Event(0, service, "", level, status, 1.0)
        plan = Plan(error=is_error_outcome(level, status))
        for predicate in _predicates(service, level):
            for each in self._index.get(predicate, ()):
                plan.take(each, event, timely)
            if predicate != _EVERYWHERE:
                plan.looking.extend(self.sieves.get(predicate, ()))
        plan = self._made.setdefault(plan.content(), plan)
        self._keep(key, plan)
        return plan

    def search_of(self, evaluator: SpecEvaluator) -> PatternSieve | None:
        """Return the sieve that searches for what a spec asks."""
        places = {(name, level) for one, level in evaluator.predicates() for name in (one, None)}
        near = (sieve for place in places for sieve in self.sieves.get(place, ()))
        searches = (sieve for sieve in near if isinstance(sieve, PatternSieve))
        return next((each for each in searches if evaluator.ask in each.asks), None)

    def clear(self) -> None:
        """Remember no plan."""
        super().clear()
        self._known.clear()
        self._made.clear()


def _predicates(service: str, level: str) -> Iterable[Predicate]:
    return product((service, None), (level, None))
