"""The route tree, as Alertmanager walks it: depth first, the first match wins unless `continue`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from alert_contracts.config import Route


class RouteMatch(NamedTuple):
    """One receiver that is to be told, and why."""

    receiver: str
    path: tuple[int, ...]
    """Which node: the index of the child at each level; () is the root."""
    reason: str
    """The node's own matchers, or that nothing else matched."""


def route(root: Route, labels: Mapping[str, str]) -> list[RouteMatch]:
    """Return every node that takes an alert with these labels, in the order of the tree."""
    return list(_descend(root, labels, (), ""))


def receivers(matches: Sequence[RouteMatch]) -> tuple[str, ...]:
    """Return the receivers once each, in order."""
    return tuple(dict.fromkeys(match.receiver for match in matches))


def _descend(
    node: Route, labels: Mapping[str, str], path: tuple[int, ...], inherited: str
) -> Iterator[RouteMatch]:
    receiver = node.receiver or inherited
    found = False
    for index, child in enumerate(node.routes):
        if all(matcher.matches(labels) for matcher in child.conditions):
            found = True
            yield from _descend(child, labels, (*path, index), receiver)
            if not child.continue_:
                return
    if not found:
        yield RouteMatch(receiver, path, _reason(node, path))


def _reason(node: Route, path: tuple[int, ...]) -> str:
    if not path:
        return "the default route"
    return ", ".join(map(str, node.conditions)) or "matches everything"
