"""What one evaluator says of events."""

import pytest

from alert_contracts.rules import Rule
from alert_rule_engine.domain.evaluators import evaluator_of
from alert_rule_engine.testing import a_rule, an_error, book_of


def test_an_evaluator_tells_of_one_event_what_it_counts() -> None:
    (spec,) = (each.spec for each in book_of(a_rule(group_by=("service", "host"))).specs.values())
    evaluator = evaluator_of(spec)
    assert evaluator.matches(an_error(host="h1"))
    assert not evaluator.matches(an_error(level="INFO"))
    assert evaluator.group_of(an_error(host="h1")) == ("pay", "h1")
    assert evaluator.text(an_error()) is None


@pytest.mark.parametrize(
    ("rule", "whole", "by_key"),
    [
        (a_rule(), True, True),
        (a_rule(match="statusCode >= 500 && has(responseTime)"), True, True),
        (a_rule(match="responseTime > 5.0 && has(responseTime)"), False, False),
        (a_rule(match="has(responseTime)", group_by=("host",)), False, False),
        (a_rule(group_by=("host",)), False, True),
        (a_rule(match='host == "h"'), False, False),
    ],
)
def test_what_a_key_decides_is_known(rule: Rule, *, whole: bool, by_key: bool) -> None:
    (spec,) = (each.spec for each in book_of(rule).specs.values())
    evaluator = evaluator_of(spec)
    assert (evaluator.whole, evaluator.by_key) == (whole, by_key)
