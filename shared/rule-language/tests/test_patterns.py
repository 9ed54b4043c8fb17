"""Many patterns are found in one pass, and none is ever missed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_contracts.events import Event
from rule_language import PatternSet, compile_match

PATTERNS = ["time(d )?out", "^Conn", "refused$", r"\d{3}", "", "☃", "a.c"]
TEXTS = st.text("Conected timout refsd5☃ac\n\ud800", max_size=12) | st.sampled_from(
    ["Connection timed out", "connection refused", "Conn 503", "☃"]
)


@given(TEXTS)
def test_a_set_finds_what_each_pattern_finds_alone(text: str) -> None:
    together = PatternSet()
    indices = [together.add(pattern) for pattern in PATTERNS]
    assert together.compile()
    alone = set()
    for index, pattern in zip(indices, PATTERNS, strict=True):
        one = PatternSet()
        one.add(pattern)
        assert one.compile()
        if one.match(text):
            alone.add(index)
    assert together.match(text) == alone


def test_equal_patterns_share_an_index() -> None:
    patterns = PatternSet()
    assert [patterns.add(each) for each in ("a", "b", "a")] == [0, 1, 0]
    assert len(patterns) == 2


def test_a_set_that_lacks_memory_answers_all_of_them() -> None:
    patterns = PatternSet(max_memory=10_000)
    for number in range(50):
        patterns.add(f"{number}.*x")
    assert not patterns.compile()
    assert patterns.match("nothing of that") == frozenset(range(50))


def test_a_set_refuses_what_is_no_pattern_and_what_comes_too_late() -> None:
    patterns = PatternSet()
    with pytest.raises(ValueError, match="failed to add"):
        patterns.add("(")
    patterns.compile()
    with pytest.raises(ValueError, match="compiled once"):
        patterns.add("a")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('message.matches("a|b")', {"message": "a|b"}),
        ('message.contains("a.b") && host.endsWith("x")', {"message": r"a\.b", "host": r"(?:x)\z"}),
        ('service.startsWith("pay") && level == "ERROR"', {"service": r"\A(?:pay)"}),
        ('message.contains("a") || level == "ERROR"', {}),
        ('message.contains("a") || service.contains("b")', {}),
        ('message.contains("a") || message.matches("^b")', {"message": "(?:a)|(?:^b)"}),
        ('!message.contains("a")', {}),
        ('attributes.zone.contains("a")', {}),
        ("message.contains(service)", {}),
    ],
)
def test_a_match_tells_which_patterns_are_necessary(source: str, expected: dict[str, str]) -> None:
    assert compile_match(source).patterns == expected


@given(st.text("ab.\n", max_size=4), st.sampled_from(["startsWith", "endsWith", "contains"]))
def test_no_event_matches_without_the_necessary_patterns(message: str, function: str) -> None:
    for part in ("a", "b.", "\n", ""):
        match = compile_match(f"message.{function}({part!r})")
        patterns = PatternSet()
        index = patterns.add(match.patterns["message"])
        patterns.compile()
        event = Event(timestamp=0, service="s", message=message)
        assert match.test(event) is (index in patterns.match(message))
