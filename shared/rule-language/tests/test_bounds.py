"""Whatever text comes in, the answer is a program or a refusal, soon."""

import random
import string
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alert_contracts.events import Event
from rule_language import (
    RuleLanguageError,
    compile_condition,
    compile_match,
    compile_scalar,
    compile_value,
)
from rule_language.checker import MAX_PATTERNS
from rule_language.operations import MAX_ITEMS, MAX_TEXT
from rule_language.parser import MAX_DEPTH, MAX_LENGTH, MAX_NODES
from rule_language.patterns import MAX_GROUPS, MAX_PATTERN, searcher
from rule_language.times import MAX_UNITS

EVENT = Event(timestamp=0, service="a", message="timeout", attributes={"n": 1, "t": "a" * 100})
WINDOW = {"count": 1.0, "threshold": 0.0}
LONG = 200_000
WORDS = [
    *("level", "service", "host", "statusCode", "attributes", "count", "threshold", "a", "has"),
    *("size", "matches", "startsWith", "in", "true", "false", "null", "1", "1.5", "2u", "'a'"),
    *('"b"', "r'\\d'", "(", ")", "[", "]", "{", "}", ",", ".", "?", ":", "+", "-", "*", "/", "%"),
    *(".all(a, ", ".map(a, ", "timestamp", "duration", "'5m'", "int", "string", "{'a': 1}"),
    *("previous", "distinct", "lowerAscii", "split", "getHours", "`a.b`", "exists_one"),
    *("!", "==", "!=", "<", "<=", ">", ">=", "&&", "||", " ", "\n", "//", "\\", "'", '"', "'''"),
]
REGEX = [
    *("a", "b", ".", "(", "(?:", ")", "|", "*", "+", "?", "{2}", "{0,9}", "{3,}", "^", "$", "-"),
    *("[ab]", "[^a-c]", "[]a]", "[a-]", "[[:alpha:]b]", "[[:^digit:]]", "(?i)", "(?m:", "(?P<n>"),
    *(
        r"\d",
        r"\W",
        r"[\D\s-]",
        r"\A",
        r"\z",
        r"\b",
        r"\Qa.",
        r"\E",
        r"\x61",
        r"\07",
        r"\pL",
        r"\C",
    ),
]


def attempt(source: str) -> None:
    """Compile and, where that works, run: only one kind of error may come out."""
    for compile_ in (compile_match, compile_value, compile_scalar):
        try:
            program = compile_(source)
        except RuleLanguageError:
            continue
        run: Callable[[Event], object] = getattr(program, "test", None) or program.of  # type: ignore[union-attr]
        assert isinstance(run(EVENT), bool | float | str | None)
    try:
        condition = compile_condition(source)
    except RuleLanguageError:
        return
    assert condition.test(WINDOW) is bool(condition.judge(WINDOW))


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet=string.printable, max_size=60))
def test_random_text_is_compiled_or_refused(source: str) -> None:
    attempt(source)


@settings(max_examples=1_000, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=20).map("".join))
def test_random_words_of_the_language_are_compiled_or_refused(source: str) -> None:
    attempt(source)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("!" * (MAX_LENGTH - 4) + "true", "nests deeper"),
        ("-" * (MAX_LENGTH - 4) + "1==1", "nests deeper"),
        ("!(" * 1_000 + "true" + ")" * 1_000, "nests deeper"),
        ("[" * 2_000 + "]" * 2_000, "nests deeper"),
        ("size(" * 600 + "'a'" + ")" * 600, "nests deeper"),
        ("attributes" + ".a" * 2_000, "nests deeper"),
        ("attributes" + "[0]" * 1_000, "nests deeper"),
        ("attributes" + "[attributes" * 300 + "]" * 300, "nests deeper"),
        ("1" + "+1" * 2_000 + "==1", "nests deeper"),
        ("true" + "?true:true" * 400, "nests deeper"),
        ("(" * 2_048, "ends too early"),
        ("[" * 4_096, "ends too early"),
        ("level in [" + "1," * 1_500 + "1]", "more than 1000 operands"),
        ("!a||" * 1_000 + "a", "more than 1000 operands"),
        ("'" + "\\" * 4_000, "never ends"),
        ('"""' + '"' * 4_000, "unexpected"),
        ("1" * 4_000, "out of the range"),
        ("1" * 4_000 + ".0", "too large"),
        ("[1].all(a, " * 4 + "true" + ")" * 4, "macros nest deeper than 3 levels"),
        ("[1].all(a, true) && " * 10 + "[1].all(a, true)", "more than 10 macros"),
        (" " * MAX_LENGTH + "a", "has 4097 characters, more than 4096, at line 1, column 4097"),
        ("a" * 10_000_000, "has 10000000 characters, more than 4096"),
    ],
)
def test_huge_and_deep_texts_are_refused(source: str, reason: str) -> None:
    with pytest.raises(RuleLanguageError, match=reason):
        compile_match(source)


def test_what_is_within_the_bounds_compiles_and_runs() -> None:
    deepest = "!" * (MAX_DEPTH - 1) + "true"
    assert not compile_match(deepest).test(EVENT)
    with pytest.raises(RuleLanguageError, match="deeper than 64 levels at line 1, column 65"):
        compile_match("!" + deepest)
    assert compile_match("1 in [" + "1," * (MAX_NODES - 5) + "1]").test(EVENT)
    assert compile_match("false||" * 500 + "true").test(EVENT)
    assert not compile_match("true&&" * 500 + "false").test(EVENT)
    assert compile_match("(" * 2_000 + "true" + ")" * 2_000).test(EVENT)


def test_a_pattern_is_bounded_in_text_program_and_number() -> None:
    with pytest.raises(RuleLanguageError, match="the pattern has 1001 characters, more than 1000"):
        compile_match(f"message.matches('{'a' * (MAX_PATTERN + 1)}')")
    with pytest.raises(RuleLanguageError, match="RE2 instructions, more than 2000"):
        compile_match(f"message.matches('{'a{900}' * 3}')")
    with pytest.raises(RuleLanguageError, match="pattern too large"):
        compile_match(r"message.matches(r'(\pL{100}\pN{100}){10}')")
    one = "message.matches('a.')"
    assert not compile_match(" && ".join([one] * MAX_PATTERNS)).test(EVENT)
    with pytest.raises(RuleLanguageError, match="more than 20 patterns"):
        compile_match(" && ".join([one] * (MAX_PATTERNS + 1)))


def test_a_pattern_that_kills_backtrackers_is_answered_at_once() -> None:
    slow = Event(timestamp=0, service="a", message="a" * 200_000)
    assert not compile_match("message.matches('(a+)+$') && message.matches('(a|a)*b')").test(slow)


@pytest.mark.parametrize(
    "wanted",
    [
        "double(attributes.x) > 5.0",
        "duration(attributes.x) > duration('5s')",
        "timestamp(attributes.x) > timestamp('2020-01-01T00:00:00Z')",
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "1" * LONG + "x",
        "1." + "1" * LONG + "x",
        "1s" * LONG + "x",
        "2020-01-01T00:00:00." + "1" * LONG,
    ],
)
def test_a_long_text_that_is_no_figure_is_answered_at_once(wanted: str, text: str) -> None:
    # By a backtracker that tries each way to part the digits, one takes half an hour.
    assert not compile_match(wanted).test(Event(0, "a", "", "", attributes={"x": text}))


def test_a_pattern_that_overflows_re2_s_automaton_still_finds_what_is_there() -> None:
    letters = "".join(random.Random(1).choices("ab", k=20_000))  # noqa: S311 - a repeatable text
    assert searcher("a[ab]{300}c|b[ab]{300}c")(f"{letters}c")
    assert not searcher("a[ab]{300}d")(f"{letters}c")


@pytest.mark.parametrize(
    "pattern",
    [
        "a[ab]{25}c",
        "a.{25}c",
        "(a|b)*a" + "(a|b)" * 20 + "c",
        "error.{0,100}timeout",
        r"(?i)[A]\pN[^\W]{20}",
        r"a[ab](?i){25}c",
        r"(?m)^[^\n]{20}$|[a-c]\w{20}",
        r"\ba\w+\b.{20}c",
    ],
)
def test_a_pattern_for_which_re2_may_build_a_state_for_each_character_is_refused(
    pattern: str,
) -> None:
    told = "RE2 lacks room for all states of the pattern at line 2, column 17: expected shorter"
    with pytest.raises(RuleLanguageError, match=told) as refused:
        compile_match(f"service == 'a' &&\nmessage.matches(r'{pattern}')")
    assert (refused.value.line, refused.value.column) == (2, 17)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(\d{1,3}\.){3}\d{1,3}",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "[a-f0-9]{32}|[a-f0-9]{40}|[a-f0-9]{64}",
        r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
        r"^\[[A-Z]+\] .{0,40}refused$",
        r"\Aa.{10}b|failed.*user.*from",
        r"(?i)\Qa.b\E{2,}\x41\x{263A}[]\-a-z]+[^]\141]|x|y|z|(?P<n>a|b)+",
        r"[[:alpha:]]+[[:^digit:]]\D\S\W\C\n\p{Greek}\z",
    ],
)
def test_a_pattern_whose_states_are_few_is_taken(pattern: str) -> None:
    assert not compile_match(f"message.matches(r'{pattern}')").test(EVENT)


def test_a_pattern_has_few_groups() -> None:
    for groups, taken in ((MAX_GROUPS, True), (MAX_GROUPS + 1, False)):
        source = f"message.matches('{'(' * groups}{'a' * 20}{')' * groups}')"
        if taken:
            assert not compile_match(source).test(EVENT)
        else:
            with pytest.raises(RuleLanguageError, match="more than 64 groups at line 1, column 17"):
                compile_match(source)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(REGEX), max_size=12).map("".join))
def test_random_patterns_are_compiled_or_refused(pattern: str) -> None:
    attempt(f"message.matches({(pattern + 'aaaaaaaaaaaaaaaaa')!r})")


def test_concatenation_is_bounded() -> None:
    half = Event(timestamp=0, service="a" * (MAX_TEXT // 2), message="b" * (MAX_TEXT // 2))
    assert compile_match("size(service + message) > 0").test(half)
    assert not compile_match("size(service + message + 'c') > 0").test(half)
    many = Event(timestamp=0, service="a", message="", attributes={"l": [1] * (MAX_ITEMS // 2)})
    assert compile_match("size(attributes.l + attributes.l) > 0").test(many)
    assert not compile_match("size(attributes.l + attributes.l + [1]) > 0").test(many)


def test_a_duration_has_few_parts() -> None:
    for parts, expected in ((MAX_UNITS, True), (MAX_UNITS + 1, False)):
        event = Event(timestamp=0, service="a", message="1.5s" * parts)
        assert compile_match("duration(message) > duration('5s')").test(event) is expected


def test_half_a_surrogate_pair_harms_no_case() -> None:
    event = Event(timestamp=0, service="a", message="\ud800\u0130\u00c4Bc")
    assert compile_match("message.lowerAscii().endsWith('\u0130\u00c4bc')").test(event)
    assert compile_match("message.upperAscii().endsWith('\u0130\u00c4BC')").test(event)
    assert compile_match("message.lowerAscii() + 'C' == message.lowerAscii() + 'C'").test(event)


def test_half_a_surrogate_pair_harms_no_pattern() -> None:
    event = Event(timestamp=0, service="a", message="a\ud800")
    assert not compile_match("message.matches('b')").test(event)
    assert compile_match("message.matches('^a')").test(event)
