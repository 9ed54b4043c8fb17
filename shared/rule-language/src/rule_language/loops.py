"""Macros at run time: loops over an event's lists and maps, with a bound on all their steps."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from rule_language.costs import Cost
from rule_language.results import TOO_MUCH, UNDECIDED, Nothing

MAX_STEPS: Final = 1_000
"""Elements at which all macros of an expression may look together. Texts count, too."""
STEP: Final = 64
"""Characters of a text that count as one step; an element of a list is one, too."""
Test: TypeAlias = Callable[[Any], bool | None]
Body: TypeAlias = Callable[[Any], Any]
_ENDLESS: Final = 1 << 62
_FREE: Final = Cost()


class Pool:
    """Steps that several budgets share, for what they need beyond their own."""

    __slots__ = ("left",)

    def __init__(self, steps: int) -> None:
        self.left = steps

    def take(self, steps: int) -> int:
        """Take so many, or what there is."""
        taken = min(steps, self.left)
        self.left -= taken
        return taken


NO_POOL: Final = Pool(0)


class Budget:
    """The steps that the macros of one expression may take, each time and all in all."""

    __slots__ = ("_cost", "_cut", "_granted", "_most", "_pool", "_stock", "left")

    def __init__(self, cost: Cost = _FREE) -> None:
        """`cost`: how many steps of those for all evaluations are taken in one of them."""
        self._cost = cost
        self._most = MAX_STEPS * cost.element + cost.once
        """What one evaluation takes at most."""
        self.left = self._granted = MAX_STEPS
        """Elements that this evaluation may look at, and might in the beginning."""
        self._cut = False
        """An evaluation before this one lacked elements."""
        self._stock = _ENDLESS
        self._pool = NO_POOL

    def refill(self, steps: int, pool: Pool = NO_POOL) -> None:
        """Allow so many steps for all evaluations from now on, and those of a pool.

        At first there is no bound.
        """
        self._cut = False
        self._stock = steps
        self._pool = pool
        self.left = self._granted = MAX_STEPS

    def renew(self) -> bool:
        """Allow the steps of one more evaluation; tell whether there are any."""
        if self.left != self._granted:
            self._stock -= self._taken()
            if self.left < 0:
                self._cut = self.cut_short()
        self.left = self._granted = MAX_STEPS if self._stock >= self._most else self._rest()
        return self.left > 0

    def _taken(self) -> int:
        """Return what the last evaluation took: nothing if its macros looked at nothing."""
        elements = self._granted - max(self.left, 0)
        return elements * self._cost.element + self._cost.once if elements else 0

    def _rest(self) -> int:
        """Return at how many elements may be looked where steps are few; take from the pool."""
        self._stock += self._pool.take(self._most)
        return max(0, min(MAX_STEPS, self._stock // self._cost.element))

    def exhausted(self) -> bool:
        """Tell whether an evaluation lacked steps, so that nothing can be decided any more."""
        return self._granted < MAX_STEPS and self.left <= 0

    def cut_short(self) -> bool:
        """Tell whether an evaluation since `refill` met more elements than one may look at."""
        return self._cut or (self.left < 0 and self._granted == MAX_STEPS)


def afford(budget: Budget, value: Any) -> bool:  # noqa: ANN401 - any value of an event
    """Tell whether there are steps left to look through a value, and take them."""
    if isinstance(value, str):
        budget.left -= len(value) // STEP
    elif isinstance(value, list | dict):
        budget.left -= len(value)
    return budget.left >= 0


def every(budget: Budget, items: Iterable[Any], test: Test) -> Any:  # noqa: ANN401 - maybe a bool
    return _search(budget, items, test, decisive=False)


def some(budget: Budget, items: Iterable[Any], test: Test) -> Any:  # noqa: ANN401 - maybe a bool
    return _search(budget, items, test, decisive=True)


def _search(budget: Budget, items: Iterable[Any], test: Test, *, decisive: bool) -> bool | Nothing:
    """Look for an element that decides alone; as with `&&` and `||`, it absorbs what does not."""
    undecided = False
    for item in items:
        budget.left -= 1
        if budget.left < 0:
            return TOO_MUCH
        found = test(item)
        if found is decisive:
            return decisive
        undecided = undecided or found is None
    if budget.left < 0:
        return TOO_MUCH
    return UNDECIDED if undecided else not decisive


def _stepped(budget: Budget, items: Iterable[Any]) -> Iterator[Any]:
    """Yield elements as long as there are steps left."""
    for item in items:
        budget.left -= 1
        if budget.left < 0:
            return
        yield item


def one(budget: Budget, items: Iterable[Any], test: Test) -> Any:  # noqa: ANN401 - maybe a bool
    found = chosen(budget, items, test)
    return len(found) == 1 if found.__class__ is list else found


def chosen(budget: Budget, items: Iterable[Any], test: Test) -> Any:  # noqa: ANN401 - maybe a list
    kept = []
    for item in _stepped(budget, items):
        found = test(item)
        if found is None:
            return UNDECIDED
        if found:
            kept.append(item)
    return kept if budget.left >= 0 else TOO_MUCH


def mapped(budget: Budget, items: Iterable[Any], body: Body) -> Any:  # noqa: ANN401 - maybe a list
    results = []
    for item in _stepped(budget, items):
        result = body(item)
        if result.__class__ is Nothing:
            return result
        results.append(result)
    return results if budget.left >= 0 else TOO_MUCH


LOOPS: Final[Mapping[str, Callable[[Budget, Iterable[Any], Body], Any]]] = {
    "all": every,
    "exists": some,
    "exists_one": one,
    "filter": chosen,
    "map": mapped,
}
