"""Look through lists and maps of an event, as far as there are steps.

Neither takes longer for what an event holds than the steps say that it takes from the budget.
"""

from collections.abc import Iterable
from functools import partial
from itertools import islice
from typing import Any, Final

from rule_language.loops import STEP, Budget
from rule_language.operations import equal, member
from rule_language.results import CONTAINERS, TOO_MUCH

_LOOKED_AT: Final = 8
"""Elements of a list at which Python looks in one step."""
_ITEM: Final = 3
"""What it takes to compare two elements one by one,"""
_ENTRY: Final = 6
"""two entries of maps,"""
_CONTAINER: Final = 3
"""and two lists or maps besides."""


def same(budget: Budget, left: Any, right: Any) -> Any:  # noqa: ANN401 - any value of an event
    """Tell whether two values are equal."""
    found = _alike(budget, left, right)
    return found if budget.left >= 0 else TOO_MUCH


def contained(budget: Budget, value: Any, container: Any) -> Any:  # noqa: ANN401 - as above
    """Tell whether a list has an equal element, or a map the key."""
    if container.__class__ is not list:
        return member(value, container)
    budget.left -= len(container) // _LOOKED_AT
    if value.__class__ in CONTAINERS:
        return _found(budget, value, container)
    if budget.left < 0:
        return TOO_MUCH
    # For Python, more is equal than for us: true and 1. Texts are not.
    if value.__class__ is str or value not in container:
        return value in container
    return _found(budget, value, islice(container, container.index(value), None))


def _found(budget: Budget, value: Any, items: Iterable[Any]) -> Any:  # noqa: ANN401 - as above
    for item in items:
        budget.left -= _ITEM
        found = _alike(budget, value, item)
        if budget.left < 0:
            return TOO_MUCH
        if found:
            return True
    return False


def _alike(budget: Budget, left: Any, right: Any) -> bool:  # noqa: ANN401 - as above
    kind = left.__class__
    if kind is not right.__class__ or kind not in _LONG or len(left) != len(right):
        return equal(left, right)
    if kind is str:
        budget.left -= len(left) // STEP
        return budget.left >= 0 and bool(left == right)
    if kind is list:
        budget.left -= _CONTAINER + _ITEM * len(left)
        return budget.left >= 0 and all(map(partial(_alike, budget), left, right))
    budget.left -= _CONTAINER + _ENTRY * len(left)
    if budget.left < 0 or left.keys() != right.keys():
        return False
    return all(_alike(budget, left[key], right[key]) for key in left)


_LONG: Final = CONTAINERS | {str}
