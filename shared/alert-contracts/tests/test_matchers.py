"""Matchers and durations read as Alertmanager and Prometheus read them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_contracts.matchers import Matcher, make_matcher, parse_duration, parse_matchers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('severity="critical"', [("severity", "=", "critical")]),
        ("severity=critical", [("severity", "=", "critical")]),
        (" severity != critical ", [("severity", "!=", "critical")]),
        ("service=~api|web", [("service", "=~", "api|web")]),
        ('service!~"api.*"', [("service", "!~", "api.*")]),
        ('{a="b", c!="d"}', [("a", "=", "b"), ("c", "!=", "d")]),
        ('{a="b",}', [("a", "=", "b")]),
        ('a="x,y",b=z', [("a", "=", "x,y"), ("b", "=", "z")]),
        ('a="say \\"hi\\"\\n\\\\"', [("a", "=", 'say "hi"\n\\')]),
        ('a=~"\\\\d+"', [("a", "=~", "\\d+")]),
        ('a=~"\\d+"', [("a", "=~", "\\d+")]),
        ("a=", [("a", "=", "")]),
        ('a=""', [("a", "=", "")]),
        ('"a b"="c"', [("a b", "=", "c")]),
        ("k8s.io/name=x", [("k8s.io/name", "=", "x")]),
        ('a="ümläut"', [("a", "=", "ümläut")]),
    ],
)
def test_matchers_in_every_notation(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert [tuple(matcher) for matcher in parse_matchers(text)] == expected


@pytest.mark.parametrize(
    "text",
    ["", "{}", " ", "a", "=b", '""=b', 'a="b', "a=~(", 'a="b" c="d"', "1a=b", "{a=b"],
)
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"matcher|RE2"):
        parse_matchers(text)


@pytest.mark.parametrize(
    ("matcher", "value", "matches"),
    [
        (Matcher("a", "=", "x"), "x", True),
        (Matcher("a", "=", "x"), "xx", False),
        (Matcher("a", "!=", "x"), "xx", True),
        (Matcher("a", "=~", "x|y"), "y", True),
        (Matcher("a", "=~", "x|y"), "xy", False),
        (Matcher("a", "=~", "x"), "axb", False),
        (Matcher("a", "!~", "x.*"), "xyz", False),
        (Matcher("a", "!~", "x.*"), "yz", True),
    ],
)
def test_regexes_match_the_whole_value(matcher: Matcher, value: str, *, matches: bool) -> None:
    assert matcher.matches({"a": value}) is matches


def test_a_missing_label_has_the_empty_value() -> None:
    assert Matcher("a", "=", "").matches({})
    assert not Matcher("a", "!=", "").matches({})
    assert Matcher("a", "=~", "x?").matches({"b": "x"})


@given(value=st.text(), other=st.text())
def test_a_negation_is_the_opposite(value: str, other: str) -> None:
    labels = {"a": other}
    assert Matcher("a", "=", value).matches(labels) is not Matcher("a", "!=", value).matches(labels)


@given(value=st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"])))
def test_any_value_can_be_quoted(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert parse_matchers(f'a="{quoted}"') == (Matcher("a", "=", value),)


def test_a_regex_that_is_none_is_refused_where_it_must_be_one() -> None:
    assert make_matcher("a", "=", "(").value == "("
    with pytest.raises(ValueError, match=r"'\(' is no RE2 regular expression"):
        make_matcher("a", "=~", "(")
    with pytest.raises(ValueError, match="RE2"):
        make_matcher("a", "=~", "(?=lookahead)")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", timedelta(0)),
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("1h30m", timedelta(minutes=90)),
        ("1d12h", timedelta(hours=36)),
        ("2w", timedelta(weeks=2)),
        ("1y", timedelta(days=365)),
        ("1m1ms", timedelta(minutes=1, milliseconds=1)),
    ],
)
def test_durations_are_prometheus(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "5", "m", "5 m", "30m1h", "1.5h", "-1m", "11y", "9" * 400 + "s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|longer"):
        parse_duration(text)
