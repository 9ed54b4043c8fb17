"""What events are grouped by, read as `match` reads it."""

from typing import Any

import pytest

from alert_rule_engine.domain.readers import GroupBy
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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (7.0, "7"),
        (-0.0, "0"),
        (7.5, "7.5"),
        (1e300, "1e+300"),
        (18_446_744_073_709_551_615, "18446744073709551615"),
        ("7.0", "7.0"),
        (False, "false"),
        (None, ""),
        ({"b": [1, None, True], "a": "ü"}, '{"a":"ü","b":[1,null,true]}'),
        ([], "[]"),
    ],
)
@pytest.mark.parametrize("name", ["attributes.k", "attributes.k.v"])
def test_a_group_names_numbers_as_lists_of_values_do_and_anything_else_as_json(
    name: str, value: object, text: str
) -> None:
    event = an_error(attributes={"k": {"v": value}} if name.endswith(".v") else {"k": value})
    assert GroupBy([name]).of(event) == (text,)


def test_a_long_text_of_a_group_is_cut_and_told_apart_by_a_digest() -> None:
    one, other = (
        GroupBy(["attributes.k"]).of(an_error(attributes={"k": ["x" * 300, end]})) for end in "ab"
    )
    assert one != other
    assert len(one[0]) == len(other[0]) == 256 + 17
