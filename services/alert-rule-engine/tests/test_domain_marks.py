"""Texts that every event of a group has are what a record is searched for."""

import pytest

from alert_rule_engine.domain.evaluators import evaluator_of
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.readers import MAX_VALUE
from alert_rule_engine.testing import a_rule, book_of


def marks_of(match: str, group_by: tuple[str, ...], group: Group) -> tuple[str, ...]:
    (gathered,) = book_of(a_rule(match=match, group_by=group_by)).specs.values()
    return evaluator_of(gathered.spec).marks(group)


@pytest.mark.parametrize(
    ("match", "group_by", "group", "marks"),
    [
        ("true", ("service",), ("payment",), ("payment",)),
        ("true", ("service", "host"), ("service-1", "host-17"), ("host-17", "service-1")),
        ('service == "checkout" && level == "ERROR"', (), (), ("checkout", "ERROR")),
        ('level == "ERROR"', ("service",), ("pay",), ("pay", "ERROR")),
        ('level in ["ERROR", "FATAL"]', (), (), ()),
        ("statusCode >= 500", ("statusCode",), ("503",), ()),
        ("true", ("attributes.region",), ("eu-west-1",), ()),
        ('tenant == "default"', (), (), ()),
        ("true", ("service",), ("",), ()),
        ("true", ("service",), ("s" * MAX_VALUE + "~digest",), ()),
    ],
)
def test_a_group_is_known_by_the_texts_that_its_events_hold_as_they_are(
    match: str, group_by: tuple[str, ...], group: Group, marks: tuple[str, ...]
) -> None:
    assert marks_of(match, group_by, group) == marks
