"""What a compiled rule tells the engine, and how it treats events."""

import ast
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_contracts.events import Event
from rule_language import RuleLanguageError, code, compile_match, compile_scalar, compile_value
from rule_language.nodes import canonical
from rule_language.parser import parse, parse_alike

EVENT = Event(
    timestamp=1_769_853_600_000,
    service="payment",
    message="Connection timed out",
    level="ERROR",
    status_code=503,
    response_time=1_250.5,
    attributes={
        "n": 3,
        "ratio": 0.5,
        "flag": True,
        "name": "x",
        "huge": 10**400,
        "at": 1e308,
        "list": [1, 2],
        "map": {"a": 1},
        "nothing": None,
    },
)
BARE = Event(timestamp=0, service="a", message="")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('level == "ERROR"', {"level": {"ERROR"}}),
        ('"ERROR" == level', {"level": {"ERROR"}}),
        ('level in ["ERROR", "FATAL"]', {"level": {"ERROR", "FATAL"}}),
        ('level == "ERROR" || level == "FATAL"', {"level": {"ERROR", "FATAL"}}),
        ('level == "A" || level in ["B"] || level == "C"', {"level": {"A", "B", "C"}}),
        ('level in ["A", "B"] && level in ["B", "C"]', {"level": {"B"}}),
        ('level == "A" && level == "B"', {"level": set()}),
        ("level in []", {"level": set()}),
        (
            'level == "A" && (service == "p" && host in ["h"]) && statusCode > 5',
            {"level": {"A"}, "service": {"p"}, "host": {"h"}},
        ),
        ('tenant == "acme"', {"tenant": {"acme"}}),
        # necessary means: in every event that matches
        ('level == "A" || service == "p"', {}),
        ('level == "A" || true', {}),
        ('(level == "A" && service == "p") || level == "B"', {}),
        ('!(level == "A")', {}),
        ('level != "A"', {}),
        ('level < "A"', {}),
        ('level in ["A", service]', {}),
        ('traceId == "A"', {}),
        ('attributes.region == "eu"', {}),
        ('message == "A"', {}),
        ('service + "x" == "A"', {}),
        ("statusCode == 500", {}),
        ('level == "A" ? service == "p" : false', {}),
        ("attributes.flag", {}),
    ],
)
def test_a_match_tells_which_texts_are_necessary(
    source: str, expected: Mapping[str, set[str]]
) -> None:
    assert compile_match(source).equalities == expected


LEVELS = st.sampled_from(["A", "B", "C"])
FIELDS = st.sampled_from(["level", "service", "host"])
PART = st.tuples(FIELDS, st.sampled_from(["==", "!=", "<"]), LEVELS).map(
    lambda part: f"{part[0]} {part[1]} '{part[2]}'"
) | st.tuples(FIELDS, st.lists(LEVELS)).map(lambda part: f"{part[0]} in {part[1]}")
TREES = st.recursive(
    PART,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: f"({' && '.join(parts)})"),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: f"({' || '.join(parts)})"),
        inner.map(lambda part: f"!({part})"),
    ),
    max_leaves=8,
)


@given(TREES, LEVELS, LEVELS, st.none() | LEVELS)
def test_no_event_matches_without_the_necessary_texts(
    source: str, level: str, service: str, host: str | None
) -> None:
    match = compile_match(source)
    event = Event(timestamp=0, service=service, message="", level=level, host=host)
    fields = {"level": level, "service": service, "host": host}
    if match.test(event):
        assert all(fields[name] in allowed for name, allowed in match.equalities.items())


@given(TREES, LEVELS, LEVELS, st.none() | LEVELS)
def test_an_event_that_has_the_necessary_texts_matches_if_the_rest_holds(
    source: str, level: str, service: str, host: str | None
) -> None:
    match = compile_match(source)
    event = Event(timestamp=0, service=service, message="", level=level, host=host)
    placed = frozenset({"level", "service"})
    fields = {"level": level, "service": service}
    if all(fields[name] in texts for name, texts in match.equalities.items() if name in placed):
        inline = match.inline("e", given=placed)
        rest = code.built(code.function(["e"], inline.expression), inline.constants)
        assert bool(rest(event)) == match.test(event)


TEXTS = st.text(st.sampled_from("ab0 ,'\\\"/\n"), max_size=4)
LITERALS = TEXTS.map(json.dumps) | st.sampled_from(["'x'", 'r"y"', "r'\"'", "true", "1", '""" """'])


@given(
    st.lists(st.tuples(st.sampled_from(["==", "in", "+", ""]), LITERALS), max_size=4),
    st.sampled_from(["", " // a note", ' // a "note"']),
)
def test_expressions_that_differ_in_texts_are_parsed_as_if_each_were_alone(
    parts: list[tuple[str, str]], end: str
) -> None:
    source = " ".join(["level", *(f"{operator}{literal}" for operator, literal in parts)]) + end
    trees = []
    for way in (parse, parse_alike):
        try:
            trees.append(canonical(way(source)))
        except RuleLanguageError:
            trees.append("refused")
    assert trees[0] == trees[1]


def test_a_refusal_tells_where_whatever_texts_stand_before_it() -> None:
    for text in ("a", "a longer text"):
        with pytest.raises(RuleLanguageError) as refused:
            compile_match(f'level == "{text}" && servce == "b"')
        assert refused.value.column == len(text) + 16


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ('service == "a" && message.contains("x")', 'message.contains("x") && service=="b"', True),
        ('service == "a" && level in ["E"]', "true && service == 'b' && level == 'F'", False),
        ('service == "a" && level in ["E"]', "service == 'b' && level == 'F'", True),
        ('service == "a" && host == "h"', 'service == "a" && host == "i"', False),
        ('service == "a" && attributes.n == 1', 'service == "b" && attributes.n == 1.0', False),
        ("attributes.n / 0.0 > 1", "attributes.n / -0.0 > 1", False),
        ('attributes.l.all(x, x == "a")', 'attributes.l.all( x, x == "a" )', False),
        ('attributes.n in [1, "a"]', 'attributes.n in [1, "a" ]', True),
        ('message.contains("a,b")', 'message.contains("a")', False),
    ],
)
def test_matches_with_the_same_rest_ask_the_same(one: str, other: str, *, alike: bool) -> None:
    placed = frozenset({"level", "service"})
    rests = [compile_match(source).rest(placed) for source in (one, other)]
    assert (rests[0] == rests[1]) is alike


def test_a_match_names_what_it_reads() -> None:
    match = compile_match('level == "A" && attributes.region == "eu" || size(message) > 3')
    assert match.variables == {"level", "attributes", "message"}
    assert match.source.startswith('level == "A"')
    assert "test" not in repr(match)
    assert match == compile_match(match.source)


def test_a_rule_sees_the_tenant_that_owns_it() -> None:
    assert compile_match('tenant == "default"').test(EVENT)
    assert compile_match('tenant == "acme"', tenant="acme").test(EVENT)
    assert not compile_match('tenant == "acme"').test(EVENT)
    assert compile_value("size(tenant)", tenant="acme").of(EVENT) == 4


def test_an_event_without_a_level_has_none() -> None:
    assert not compile_match("has(level)").test(BARE)
    assert compile_match("!has(level)").test(BARE)
    assert compile_match('level == ""').test(BARE)
    assert compile_match('level != "INFO"').test(BARE)


def test_ints_become_doubles_where_they_meet_them() -> None:
    assert compile_match("statusCode * 2 > responseTime - 245").test(EVENT)
    assert compile_match("statusCode / 2.0 == 251.5").test(EVENT)
    assert compile_match("attributes.n / 2.0 == 1.5").test(EVENT)
    assert compile_match("attributes.n / 2 == 1").test(EVENT)
    assert compile_match("attributes.ratio + attributes.n == 3.5").test(EVENT)
    assert compile_match("(has(responseTime) ? responseTime : 0) / 2 > 625").test(EVENT)
    assert not compile_match("(has(responseTime) ? responseTime : 0) / 2 > 0").test(BARE)
    assert not compile_match("attributes.ratio % 2 == 0").test(EVENT)


def test_a_division_by_zero_decides_nothing() -> None:
    for source in ("responseTime / 0.0 > 1.0", "statusCode / 0 > 1", "attributes.n % 0 == 1"):
        assert not compile_match(source).test(EVENT)
        assert not compile_match(f"!({source})").test(EVENT)
    assert not compile_match("responseTime / attributes.none > 1.0").test(
        Event(timestamp=0, service="a", message="", response_time=1.0, attributes={"none": 0.0})
    )


def test_numbers_beyond_all_bounds_decide_nothing_in_arithmetic() -> None:
    assert not compile_match("attributes.huge + 1 > 0").test(EVENT)
    assert not compile_match("attributes.huge * 1.5 > 0").test(EVENT)
    assert compile_match("attributes.huge > 1").test(EVENT)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("responseTime", 1_250.5),
        ("statusCode", 503.0),
        ("attributes.n", 3.0),
        ("attributes.n * 2.5", 7.5),
        ("-attributes.ratio", -0.5),
        ("size(message)", 20.0),
        ("2u", 2.0),
        ('has(attributes.n) ? attributes["n"] : 0', 3.0),
        ("attributes.missing", None),
        ("attributes.name", None),
        ("attributes.flag", None),
        ("attributes.huge", None),
        ("attributes.at * 100.0", None),
        ("statusCode / 0", None),
    ],
)
def test_a_value_is_a_finite_number_or_none(source: str, expected: float | None) -> None:
    value = compile_value(source)
    found = value.of(EVENT)
    assert found == expected
    assert found is None or isinstance(found, float)


def test_a_value_of_an_absent_field_is_none() -> None:
    assert compile_value("responseTime").of(BARE) is None
    assert compile_value("responseTime").variables == {"responseTime"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("service", "payment"),
        ("host", None),
        ("statusCode", "503"),
        ("responseTime", "1250.5"),
        ("attributes.n", "3"),
        ("attributes.n * 1.0", "3"),
        ("attributes.ratio", "0.5"),
        ("attributes.flag", "true"),
        ("attributes.flag && false", "false"),
        ("attributes.name", "x"),
        ("attributes.at", "1e+308"),
        ("attributes.at * 100.0", None),
        ("-0.0", "0"),
        ("timestamp", "2026-01-31T10:00:00Z"),
        ("timestamp - timestamp(0)", "1769853600s"),
        ("attributes.missing", None),
        ("attributes.list", None),
        ("attributes.map", None),
        ("attributes.nothing", None),
        ("attributes.list[0]", "1"),
        ("statusCode / 0", None),
        ("2u", "2"),
        ("tenant", "default"),
        ("level == 'ERROR' ? 'bad' : 'good'", "bad"),
    ],
)
def test_a_scalar_is_one_text_or_none(source: str, expected: str | None) -> None:
    assert compile_scalar(source).of(EVENT) == expected


@given(st.integers(-(2**53), 2**53))
def test_equal_numbers_are_one_scalar(number: int) -> None:
    scalar = compile_scalar("attributes.n")
    one, other = (
        Event(timestamp=0, service="a", message="", attributes={"n": kind(number)})
        for kind in (int, float)
    )
    assert scalar.of(one) == scalar.of(other) == str(number)


def test_a_match_on_everything_and_one_on_nothing() -> None:
    assert compile_match("true").test(BARE)
    assert not compile_match("false").test(BARE)
    assert compile_match("true").inline().constants == {}


def test_the_names_of_an_inlined_expression_are_its_own_or_shared() -> None:
    match = compile_match(
        'message.matches("a.b") && attributes.n in [1, 2] && attributes.tags.exists(x, x == "a")'
    )
    inline = match.inline("e", prefix="r7_")
    names = {node.id for node in ast.walk(inline.expression) if isinstance(node, ast.Name)}
    assert {name for name in names if not name.startswith(("r7_", "rl_"))} <= {"e", "str"}
    assert set(inline.constants) <= names


def test_steps_of_macros_are_bounded() -> None:
    many = Event(timestamp=0, service="a", message="b" * 64_000, attributes={"l": [0] * 1_000})
    assert compile_match("attributes.l.all(x, x == 0)").test(many)
    for beyond in (
        "attributes.l.all(x, attributes.l.exists(y, y == 1))",
        "attributes.l.all(x, !message.contains('a'))",
        "size(attributes.l.map(x, message + message)) > 0",
        "size(attributes.l.filter(x, attributes.l == attributes.l)) > 0",
        "size(attributes.l.map(x, message.upperAscii())) > 0",
        "attributes.l.exists_one(x, x in attributes.l && false)",
        "(attributes.l + [0]).all(x, true)",
        "(attributes.l + [0]).filter(x, true) == []",
        "(attributes.l + [0]).map(x, x) == []",
        "!(attributes.l + [0]).exists_one(x, true)",
    ):
        assert not compile_match(beyond).test(many)
        assert not compile_match(f"!({beyond})").test(many)


def test_what_python_cannot_say_is_undecided() -> None:
    huge = Event(timestamp=-62_135_596_800_000, service="a", message="", attributes={"n": 10**5000})
    for source in (
        "string(attributes.n) != ''",
        "double(attributes.n) > 0.0",
        "attributes.n + 1.5 > 0.0",
        "int(attributes.n) > 0",
        "timestamp.getHours('-05:00') >= 0",
        "string(double('nan')) == string(double('inf'))",
    ):
        assert not compile_match(source).test(huge)
    assert compile_scalar("attributes.n").of(huge) is None
    assert compile_match("string(double('-inf')) == '-Inf'").test(huge)
