"""What events are grouped by, read as `match` reads it."""

from typing import Any

import pytest

from alert_rule_engine.domain.readers import GroupBy
from alert_rule_engine.domain.speech import label_of
from alert_rule_engine.testing import an_error


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"user": {"plan": "gold"}}, "gold"),
        ({"user.plan": "flat", "user": {"plan": "gold"}}, "flat"),
        ({"user": {"plan": 5}}, "5"),
        ({"user": {"plan": True}}, "true"),
        ({"user": "gold"}, ""),
        ({"user": {"name": "ann"}}, ""),
        ({}, ""),
    ],
)
def test_an_attribute_with_dots_is_that_name_or_what_lies_at_the_path(
    attributes: dict[str, Any], text: str
) -> None:
    event = an_error(attributes=attributes)
    assert GroupBy(["attributes.user.plan"]).of(event) == (text,)


def test_no_label_begins_with_a_digit() -> None:
    assert label_of("attributes.1abc") == "_1abc"
    assert label_of("attributes.k8s.pod") == "k8s_pod"
