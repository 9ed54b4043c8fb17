"""Durations: Prometheus' way of writing them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_contracts.durations import parse, show


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("90s", 90_000),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("1d", 86_400_000),
        ("1w2d", 777_600_000),
        ("250ms", 250),
        ("0s", 0),
    ],
)
def test_a_duration_is_read(text: str, milliseconds: int) -> None:
    assert parse(text) == milliseconds


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "30m1h", "1.5h", "5M", "5m\n", "٣m"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        parse(text)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0s"), (250, "250ms"), (5_400_000, "1h30m"), (90_000, "1m30s"), (777_600_000, "9d")],
)
def test_a_duration_is_shown_in_its_shortest_form(milliseconds: int, text: str) -> None:
    assert show(milliseconds) == text


@given(milliseconds=st.integers(0, 10**14))
def test_what_is_shown_reads_back(milliseconds: int) -> None:
    assert parse(show(milliseconds)) == milliseconds
