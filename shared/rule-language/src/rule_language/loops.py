"""Macros at run time: loops over an event's lists and maps, with a bound on all their steps."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from rule_language.results import TOO_MUCH, UNDECIDED, Nothing

MAX_STEPS: Final = 1_000
"""Elements at which all macros of an expression may look together. Texts count, too."""
STEP: Final = 64
"""Characters of a text that count as one step; an element of a list is one, too."""
Test: TypeAlias = Callable[[Any], bool | None]
Body: TypeAlias = Callable[[Any], Any]
_ENDLESS: Final = 1 << 62
_SHORT: Final = 48
_COSTLY: Final = 8
"""Characters of an expression that cost nothing more, and those beyond that cost a step more."""
_PATTERN: Final = 2
"""Steps more that a regular expression costs."""


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

    __slots__ = ("_granted", "_pool", "_stock", "_weight", "left")

    def __init__(self, source: str = "") -> None:
        """`source`: the expression; each step of a long one counts for several, as it costs."""
        longer = max(0, len(source) - _SHORT) // _COSTLY
        self._weight = 1 + longer + _PATTERN * source.count("matches")
        self.left = self._granted = MAX_STEPS
        self._stock = _ENDLESS
        self._pool = NO_POOL

    def refill(self, steps: int, pool: Pool = NO_POOL) -> None:
        """Allow so many steps for all evaluations from now on, and those of a pool.

        At first there is no bound.
        """
        self._stock = steps // self._weight
        self._pool = pool
        self.left = self._granted = 0

    def renew(self) -> bool:
        """Allow the steps of one more evaluation, as far as there are any; always true."""
        self._stock -= self._granted - max(self.left, 0)
        if self._stock <= MAX_STEPS and self._pool.left:
            self._stock += self._pool.take(MAX_STEPS * self._weight) // self._weight
        self.left = self._granted = min(MAX_STEPS, self._stock)
        return True

    def exhausted(self) -> bool:
        """Tell whether all steps are taken, so that nothing can be decided any more."""
        return self._stock <= self._granted - max(self.left, 0)


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


def _stepped(budget: Budget, items: Iterable[Any]) -> Iterator[Any]:
    """Yield elements as long as there are steps left."""
    for item in items:
        budget.left -= 1
        if budget.left < 0:
            return
        yield item


def _search(budget: Budget, items: Iterable[Any], test: Test, *, decisive: bool) -> bool | Nothing:
    """Look for an element that decides alone; as with `&&` and `||`, it absorbs what does not."""
    undecided = False
    for item in _stepped(budget, items):
        found = test(item)
        if found is decisive:
            return decisive
        undecided = undecided or found is None
    if budget.left < 0:
        return TOO_MUCH
    return UNDECIDED if undecided else not decisive


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
