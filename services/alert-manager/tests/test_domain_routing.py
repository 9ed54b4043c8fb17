"""The route tree behaves as Alertmanager's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_contracts.config import Route
from alert_manager.domain.routing import receivers, route
from alert_manager.testing import CONFIG


def told(tree: dict[str, Any], **labels: str) -> list[str]:
    return [match.receiver for match in route(Route.model_validate(tree), labels)]


# The tree of Alertmanager's own documentation of `continue` and inheritance, in both notations.
TREE: dict[str, Any] = {
    "receiver": "root",
    "routes": [
        {
            "match": {"team": "db"},
            "routes": [
                {"match_re": {"kind": "mysql|pg"}, "receiver": "sql"},
                {"matchers": ['kind!~"redis|kv"'], "receiver": "not-kv", "continue": True},
                {"matchers": ["kind=mongo"], "receiver": "mongo"},
            ],
        },
        {"matchers": ['team="web"'], "receiver": "web", "continue": True},
        {"matchers": ['{team="web", severity!="low"}'], "receiver": "web-loud"},
        {"matchers": ['team=~"we"'], "receiver": "never"},
    ],
}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, ["root"]),
        ({"team": "x"}, ["root"]),
        ({"team": "db", "kind": "pg"}, ["sql"]),
        ({"team": "db", "kind": "pgx"}, ["not-kv"]),
        ({"team": "db", "kind": "mongo"}, ["not-kv", "mongo"]),
        ({"team": "db", "kind": "kv"}, ["root"]),
        ({"team": "db"}, ["not-kv"]),
        ({"team": "web"}, ["web", "web-loud"]),
        ({"team": "web", "severity": "low"}, ["web"]),
    ],
)
def test_the_first_match_wins_unless_it_continues(
    labels: dict[str, str], expected: list[str]
) -> None:
    assert told(TREE, **labels) == expected


@pytest.mark.parametrize(
    ("matcher", "matches"),
    [('a=""', True), ('a!=""', False), ('a=~".*"', True), ('a=~".+"', False), ('a!~"x"', True)],
)
def test_a_missing_label_is_empty(matcher: str, *, matches: bool) -> None:
    tree = {"receiver": "root", "routes": [{"matchers": [matcher], "receiver": "child"}]}
    assert told(tree) == (["child"] if matches else ["root"])


def test_a_critical_alert_reaches_pagerduty_and_slack_and_says_why() -> None:
    matches = route(CONFIG.route, {"severity": "critical"})
    assert [(one.receiver, one.path, one.reason) for one in matches] == [
        ("pagerduty", (0,), 'severity="critical"'),
        ("slack", (1,), "matches everything"),
    ]


def test_the_root_is_the_default_route() -> None:
    (match,) = route(Route(receiver="root"), {"severity": "low"})
    assert (match.receiver, match.path, match.reason) == ("root", (), "the default route")


def test_a_receiver_that_two_routes_name_is_told_once() -> None:
    tree = Route.model_validate(
        {
            "receiver": "a",
            "routes": [{"continue": True}, {"receiver": "b", "continue": True}, {"receiver": "a"}],
        }
    )
    assert receivers(route(tree, {})) == ("a", "b")


_VALUES = st.sampled_from(["", "x", "y"])
_LEAF = st.fixed_dictionaries(
    {"match": st.dictionaries(st.sampled_from("ab"), _VALUES, max_size=2)},
    optional={"receiver": st.sampled_from("pqr"), "continue": st.booleans()},
)
_NODES = st.recursive(
    _LEAF,
    lambda children: st.builds(
        lambda node, routes: {**node, "routes": routes}, _LEAF, st.lists(children, max_size=3)
    ),
    max_leaves=12,
)


def _alertmanager(node: dict[str, Any], labels: dict[str, str], inherited: str) -> list[str]:
    """Return what Alertmanager's `Route.Match` would, written as its source reads."""
    if any(labels.get(name, "") != value for name, value in node.get("match", {}).items()):
        return []
    receiver = node.get("receiver", inherited)
    found: list[str] = []
    for child in node.get("routes", []):
        matches = _alertmanager(child, labels, receiver)
        found += matches
        if matches and not child.get("continue", False):
            break
    return found or [receiver]


@given(
    children=st.lists(_NODES, max_size=4), labels=st.dictionaries(st.sampled_from("ab"), _VALUES)
)
def test_any_tree_routes_as_alertmanagers(
    children: list[dict[str, Any]], labels: dict[str, str]
) -> None:
    tree = {"receiver": "root", "routes": children}
    assert told(tree, **labels) == _alertmanager(tree, labels, "")
