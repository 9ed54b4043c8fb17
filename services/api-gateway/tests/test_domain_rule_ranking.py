"""Which rules metrics show: those that fail, then the costliest, and not others every time."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_gateway.domain.rule_health import Fare, RuleKey
from api_gateway.domain.rule_ranking import Ranking, Shown

WELL = Fare("ok", live_revision=1)


def ranked(
    rules: Mapping[str, Fare], *, limit: int, before: Mapping[RuleKey, Fare] | None = None
) -> Shown:
    """Return what is shown of the rules of one tenant."""
    ranking = Ranking(limit, before=before or {})
    for rule_id, fare in rules.items():
        ranking.take(("default", rule_id), fare)
    return ranking.shown()


def ids(shown: Shown) -> list[str]:
    return [rule_id for _, rule_id in shown.rules]


def costing(share: float) -> Fare:
    return WELL._replace(cpu_share=share)


def test_those_that_fail_come_first_then_the_costliest() -> None:
    rules = {
        "cheap": costing(0.1),
        "dear": costing(0.4),
        "failing": WELL._replace(health="error"),
        "left-out": WELL._replace(health="quarantined", cpu_share=0.2),
        "middling": costing(0.2),
    }
    shown = ranked(rules, limit=4)
    assert ids(shown) == ["left-out", "failing", "dear", "middling"]
    assert shown.left_out == 1


@pytest.mark.parametrize(("limit", "left_out"), [(0, 3), (2, 1), (3, 0), (9, 0)])
def test_what_is_left_out_is_counted(limit: int, left_out: int) -> None:
    shown = ranked(dict.fromkeys("abc", WELL), limit=limit)
    assert (len(shown.rules), shown.left_out) == (3 - left_out, left_out)


def test_the_same_rule_of_two_tenants_is_two() -> None:
    ranking = Ranking(9, before={})
    ranking.take(("a", "r"), costing(0.1))
    ranking.take(("b", "r"), costing(0.2))
    assert {key: fare.cpu_share for key, fare in ranking.shown().rules.items()} == {
        ("a", "r"): 0.1,
        ("b", "r"): 0.2,
    }


def test_a_rule_keeps_its_place_until_another_costs_twice_as_much() -> None:
    before = {("default", "held"): costing(0.1)}
    for share, shown in ((0.0, "held"), (0.1, "held"), (0.19, "held"), (0.21, "new")):
        rules = {"new": costing(share), "held": costing(0.1)}
        assert ids(ranked(rules, limit=1, before=before)) == [shown]
    assert ids(ranked({"new": WELL, "held": WELL}, limit=1, before=before)) == ["held"]


@pytest.mark.parametrize(
    ("counted", "shown"),
    [(1_001, 1_001), (1_000, 1_000), (990, 1_000), (500, 1_000), (499, 499), (0, 0)],
)
def test_a_count_that_is_a_little_lower_is_one_that_catches_up(counted: int, shown: int) -> None:
    def at(count: int) -> Fare:
        return WELL._replace(events_matched=count, late=count, surplus=count, groups=count)

    found = ranked({"r": at(counted)}, limit=1, before={("default", "r"): at(1_000)})
    fare = found.rules["default", "r"]
    assert (fare.events_matched, fare.late, fare.surplus) == (shown, shown, shown)
    assert fare.groups == counted


@given(
    shares=st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=12),
    limit=st.integers(0, 12),
)
def test_the_costliest_are_shown_in_whatever_order_they_come(
    shares: dict[str, float], limit: int
) -> None:
    rules = {name: costing(share) for name, share in shares.items()}
    shown = ranked(rules, limit=limit)
    best = sorted(shares.values(), reverse=True)[:limit]
    assert [fare.cpu_share for fare in shown.rules.values()] == best
    assert len(shown.rules) + shown.left_out == len(rules)
