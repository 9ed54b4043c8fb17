"""Macros at run time: loops over an event's lists and maps, with a bound on all their steps."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from rule_language.results import TOO_MUCH, UNDECIDED, Nothing

MAX_STEPS: Final = 10_000
"""Elements that one macro may look at, those of the macros in it included. Texts count, too."""
STEP: Final = 64
"""Characters of a text that count as one step; an element of a list is one, too."""
Budget: TypeAlias = list[int]
Test: TypeAlias = Callable[[Any], bool | None]
Body: TypeAlias = Callable[[Any], Any]


def afford(budget: Budget, value: Any) -> bool:  # noqa: ANN401 - any value of an event
    """Tell whether there are steps left to look through a value, and take them."""
    if isinstance(value, str):
        budget[0] -= len(value) // STEP
    elif isinstance(value, list | dict):
        budget[0] -= len(value)
    return budget[0] >= 0


def every(budget: Budget, items: Iterable[Any], test: Test) -> Any:  # noqa: ANN401 - maybe a bool
    return _search(budget, items, test, decisive=False)


def some(budget: Budget, items: Iterable[Any], test: Test) -> Any:  # noqa: ANN401 - maybe a bool
    return _search(budget, items, test, decisive=True)


def _stepped(budget: Budget, items: Iterable[Any]) -> Iterator[Any]:
    """Yield elements as long as there are steps left."""
    for item in items:
        budget[0] -= 1
        if budget[0] < 0:
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
    if budget[0] < 0:
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
    return kept if budget[0] >= 0 else TOO_MUCH


def mapped(budget: Budget, items: Iterable[Any], body: Body) -> Any:  # noqa: ANN401 - maybe a list
    results = []
    for item in _stepped(budget, items):
        result = body(item)
        if result.__class__ is Nothing:
            return result
        results.append(result)
    return results if budget[0] >= 0 else TOO_MUCH


LOOPS: Final[Mapping[str, Callable[[Budget, Iterable[Any], Body], Any]]] = {
    "all": every,
    "exists": some,
    "exists_one": one,
    "filter": chosen,
    "map": mapped,
}
