"""Figures may be whole numbers of any size; a condition is computed in doubles all the same."""

import pytest

from rule_language import Undecided, compile_condition

FIGURES = {"count": 10**12, "previous.count": 10**12}


@pytest.mark.parametrize(
    "factor",
    ["previous.count", "(-previous.count)", "(count > 0 ? count : 1.0)", "([3][0] * count)"],
)
def test_a_product_beyond_all_doubles_is_infinite(factor: str) -> None:
    product = "*".join([factor] * 30)
    condition = compile_condition(f"{product} / 3.0 > count || {product} / 3.0 < -count")
    assert condition.test(FIGURES)
    assert condition.judge(FIGURES) is True


def test_what_is_infinite_can_be_compared_and_taken_from_itself() -> None:
    product = "*".join(["count"] * 30)
    assert not compile_condition(f"{product} - {product} > 0").test(FIGURES)
    assert not isinstance(compile_condition(f"{product} - {product} > 0").judge(FIGURES), Undecided)
