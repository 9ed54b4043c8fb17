"""Which pane specs an event feeds, found without trying every rule.

An event's key is service, level and statusCode. What a key decides by itself is decided once and
remembered: specs whose match reads nothing else (but whether there is a responseTime), and groups
made of nothing else. The rest is tried per event, and only for specs whose equality predicates on
service and level hold.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import product
from operator import attrgetter
from typing import Final

from alert_contracts.events import Event
from alert_rule_engine.domain.evaluators import TIME, Predicate, SpecEvaluator
from alert_rule_engine.domain.readers import is_error
from alert_rule_engine.domain.sieves import Sieve, sieves_of
from alert_rule_engine.domain.tallies import Place

MAX_PLANS: Final = 20_000
Key = tuple[str, str, int | None]
key_of: Final = attrgetter("service", "level", "status_code")


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
        without, having = each.match.test(event), each.match.test(timely)
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

    def __init__(self, evaluators: Sequence[SpecEvaluator]) -> None:
        super().__init__()
        self._index: dict[Predicate, list[SpecEvaluator]] = defaultdict(list)
        tried: dict[Predicate, list[SpecEvaluator]] = defaultdict(list)
        for evaluator in evaluators:
            for predicate in evaluator.predicates():
                (self._index if evaluator.by_key else tried)[predicate].append(evaluator)
        self.everywhere: Sequence[Sieve] = sieves_of(tried.pop((None, None), ()))
        """What is tried on events of every key."""
        self._sieves = {predicate: sieves_of(group) for predicate, group in tried.items()}
        self.looks = bool(self._sieves) or any(e.by_key and not e.whole for e in evaluators)
        """Some specs look at single events of some keys."""
        self.timed = any(TIME in each.reads() for each in evaluators if each.whole)
        """Some specs ask whether there is a responseTime, or which."""
        self._made: dict[Hashable, Plan] = {}
        """Keys whose events are treated alike share a plan."""

    def __missing__(self, key: Key) -> Plan:
        service, level, status = key
        event = Event(0, service, "", level, status)
        timely = Event(0, service, "", level, status, 1.0)
        plan = Plan(error=is_error(level, status))
        for predicate in _predicates(event):
            for each in self._index.get(predicate, ()):
                plan.take(each, event, timely)
            plan.looking.extend(self._sieves.get(predicate, ()))
        self[key] = plan = self._made.setdefault(plan.content(), plan)
        return plan

    def clear(self) -> None:
        """Remember no plan."""
        super().clear()
        self._made.clear()


def _predicates(event: Event) -> Iterable[Predicate]:
    return product((event.service, None), (event.level, None))
