"""An expression that would take too long for one event is refused, and told what takes so long."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alert_contracts.events import Event
from rule_language import RuleLanguageError, compile_match, compile_scalar, compile_value
from rule_language.conversions import holds

PATTERN = 'message.matches("time(d )?out")'
LONG = "ab" * 60


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("||".join(['message.contains("abc")'] * 45), r"takes 450 steps .* \(450 of them for cont"),
        ("(" + "+".join(["message"] * 30) + ').matches("a.b")', "480 of them for matches"),
        ("(" + "+".join(["message"] * 60) + ') == "a"', "1328 of them for '\\+'"),
        (f"('{'a' * 2_000}' + service)" + ".upperAscii()" * 8 + " == 'a'", "for upperAscii"),
        ("||".join(["duration(host) == duration('5s')"] * 7), "448 of them for duration"),
        ("||".join(["message.contains(service)"] * 5), "450 of them for contains"),
        ("||".join([f"message.contains('{'a' * 60}')"] * 5), "for contains"),
        ("[" + ",".join(["host"] * 200) + "] == ['a']", "for '=='"),
        ("||".join(["attributes.a.b.c == 1"] * 120), "for fields"),
        (
            "||".join(["{'a': host, 'b': host, 'c': 1}.a == 'x'"] * 70),
            "490 of them for lists and maps",
        ),
    ],
)
def test_what_takes_too_long_for_an_event_is_refused_by_name(source: str, told: str) -> None:
    with pytest.raises(RuleLanguageError, match=told):
        compile_match(source)


def test_the_dearest_of_its_kind_is_pointed_at() -> None:
    dear = f"message.contains({'a' * 90!r})"
    cheap = "||".join(['message.contains("b")'] * 30)
    with pytest.raises(RuleLanguageError) as refused:
        compile_match(f"{cheap}||\n{dear}")
    assert (refused.value.line, refused.value.column) == (2, 9)


def test_values_are_bounded_as_matches_are() -> None:
    many = "+".join(["attributes.a"] * 60)
    for compile_ in (compile_scalar, compile_value):
        with pytest.raises(RuleLanguageError, match="steps for an event"):
            compile_(many)


@pytest.mark.parametrize(
    "source",
    [
        "||".join([PATTERN] * 20),
        "||".join(['message.lowerAscii().contains("refused")'] * 20),
        "||".join(["host != 'a'"] * 300),
        "service in [" + ",".join(["'a'"] * 900) + "]",
        "message.contains(attributes.user) && attributes.a + '/' + attributes.b == 'x/y'",
        "duration(attributes.took) > duration('5s') || message.split('')[0] == 'a'",
        f"message.contains('{LONG}')",
        "attributes.l.map(x, string(x) + host)[0].contains('a')",
        "attributes.l.exists(x, " + "||".join(["string(x) == 'a'"] * 20) + ")",
    ],
)
def test_what_rules_ask_is_taken(source: str) -> None:
    compile_match(source)


@given(st.text("ab", max_size=12), st.text("ab", min_size=1, max_size=3), st.integers(0, 90))
@example(text="a", part="ab", times=1)
@example(text="a", part="ab", times=90)
def test_a_long_part_is_found_where_python_finds_it(text: str, part: str, times: int) -> None:
    whole, sought = text + part * times + text, part * times
    assert holds(whole, sought)
    assert holds(text, sought) is (sought in text)
    assert holds(whole, sought + "c" + sought) is False
    assert holds(whole, whole + "\0") is False


def test_a_long_text_is_contained_where_it_is_and_parts_nothing() -> None:
    event = Event(timestamp=0, service=LONG, message=f"x{LONG}y")
    for source in (f"message.contains('{LONG}')", "message.contains(service)"):
        assert compile_match(source).test(event)
        assert not compile_match(source).test(Event(0, LONG, LONG[1:]))
    assert compile_match(f"message.matches('{LONG}')").test(event)
    assert not compile_match("size(message.split(service)) > 0").test(event)
