"""A misspelt name has a nearest one, or none."""

from alert_contracts.spelling import nearest

NAMES = ("statusCode", "service", "severity")


def test_the_name_that_looks_most_alike_is_meant_whatever_its_case() -> None:
    assert nearest("STATUSCODE", NAMES) == "statusCode"
    assert nearest("servise", NAMES) == "service"


def test_a_name_like_none_means_none() -> None:
    assert nearest("colour", NAMES) is None
    assert nearest("", NAMES) is None


def test_of_a_huge_text_only_the_beginning_is_looked_at() -> None:
    assert nearest("service" * 1_000_000, NAMES) is None
