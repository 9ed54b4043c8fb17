"""Our answers are those of CEL's reference implementation: on a table, and on random expressions.

Each expression is put to both sides. `§` stands before an event's field: ours has the fields as
variables, the reference has them in a map `e`, so that `has(e.host)` is standard there.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cel_expr_python import cel
from hypothesis import given, settings
from hypothesis import strategies as st

from alert_contracts.events import Event
from rule_language import code, compile_match, compile_value
from rule_language.checker import check
from rule_language.parser import parse
from rule_language.results import Nothing
from rule_language.schema import Type, event_schema
from rule_language.truth import Program

REFERENCE = cel.NewEnv(
    variables={"e": cel.Type.Map(cel.Type.STRING, cel.Type.DYN), "time": cel.Type.TIMESTAMP}
)
UNDECIDED = "undecided"
EVENT = Event(
    timestamp=1_769_853_600_123,
    service="payment",
    message='Connection to "db" timed out \N{SNOWMAN}',
    level="ERROR",
    status_code=503,
    attributes={
        "region": "eu",
        "n": 7,
        "ratio": 2.5,
        "whole": 3.0,
        "flag": True,
        "nothing": None,
        "list": [1, "a", True, None, [1], {"k": 1}],
        "map": {"a": {"b": "deep"}, "n": 1},
        "text": "",
    },
)


def reference(template: str, event: Event) -> Any:  # noqa: ANN401 - any value of CEL
    fields = {
        "service": event.service,
        "message": event.message,
        "level": event.level,
        "host": event.host,
        "statusCode": event.status_code,
        "responseTime": event.response_time,
        "traceId": event.trace_id,
        "tenant": "default",
        "attributes": event.attributes,
    }
    present = {name: value for name, value in fields.items() if value is not None}
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=event.timestamp)
    source = template.replace("§timestamp", "time").replace("§", "e.")
    answer = REFERENCE.compile(source, disable_check=True).eval(data={"e": present, "time": time})
    return UNDECIDED if answer.type() == cel.Type.ERROR else answer.plain_value()


def ours(template: str, event: Event) -> Any:  # noqa: ANN401 - any value of CEL
    checked = check(
        parse(template.replace("§", "")),
        event_schema("default"),
        expected=frozenset(Type),
        purpose="this",
    )
    program = Program(checked, "event")
    tree = program.perhaps(checked.root)
    found = code.built(code.function(["event"], tree), program.constants)(event)
    return UNDECIDED if isinstance(found, Nothing) else found


def asked(template: str, event: Event) -> Any:  # noqa: ANN401 - a bool or UNDECIDED
    """Put the question in both of its fast forms: is it surely true, is it surely false?"""
    source = template.replace("§", "")
    if compile_match(source).test(event):
        return True
    return False if compile_match(f"!({source})").test(event) else UNDECIDED


TABLE = [
    # numbers
    ("1 + 2 * 3 == 7", True),
    ("(1 + 2) * 3 == 9", True),
    ("7 / 2 == 3", True),
    ("-7 / 2 == -3", True),
    ("7 / -2 == -3", True),
    ("-7 % 3 == -1", True),
    ("7 % -3 == 1", True),
    ("7 - 2 - 1 == 4", True),
    ("§attributes.region * 2 == 4", UNDECIDED),
    ("0x1F == 31", True),
    ("1e3 == 1000.0", True),
    (".5 + 0.25 == 0.75", True),
    ("2u + 3u == 5u", True),
    ("2u - 3u == 0u", UNDECIDED),
    ("18446744073709551615u > 1u", True),
    ("9223372036854775807 + 1 > 0", UNDECIDED),
    ("-9223372036854775808 < 0", True),
    ("-9223372036854775808 / -1 > 0", UNDECIDED),
    ("-(-9223372036854775808 - 0) > 0", UNDECIDED),
    ("1 / 0 == 1", UNDECIDED),
    ("1 % 0 == 1", UNDECIDED),
    ("-9223372036854775808 % -1 == 0", UNDECIDED),
    ("§attributes.ratio / §attributes.ratio == 1.0", True),
    ("--5 == 5", True),
    ("-§attributes.n == -7", True),
    ("-§attributes.region == -7", UNDECIDED),
    ("1e308 * 10.0 > 1e308", True),
    # comparison across numeric types, but never across others
    ("§attributes.n == 7.0", True),
    ("§attributes.n != 7.5", True),
    ("§attributes.whole == 3", True),
    ("§attributes.ratio > 2", True),
    ("§attributes.ratio >= 2.5", True),
    ("§attributes.ratio < 2.5", False),
    ("§attributes.ratio <= 3u", True),
    ("§attributes.flag == 1", False),
    ("§attributes.flag != 1", True),
    ("§attributes.flag == true", True),
    ("§attributes.flag > 0", UNDECIDED),
    ("§attributes.region == 1", False),
    ("§attributes.region > 1", UNDECIDED),
    ("§attributes.region > 'ea'", True),
    ("§attributes.nothing == null", True),
    ("§attributes.region == null", False),
    ("false < true", True),
    ("'a' < 'b' && 'B' < 'a' && 'a' <= 'a' && 'aa' > 'a'", True),
    # texts
    (r"'a\tb' == 'a	b'", True),
    (r"r'a\tb' == 'a\\tb'", True),
    (r"'\x41\u00e9\U0001F600\101\?\"\'\`' == 'Aé😀A?\"\'`'", True),
    ("'''a'b\n''' == 'a\\'b\\n'", True),
    ('"""a"b""" == "a\\"b"', True),
    ("'a' + 'b' == 'ab'", True),
    ("§attributes.region + '-1' == 'eu-1'", True),
    ("§attributes.n + '-1' == '7-1'", UNDECIDED),
    ("§message.contains('timed out')", True),
    ("§message.startsWith('timed')", False),
    ("§message.endsWith('☃')", True),
    ("§attributes.n.contains('7')", UNDECIDED),
    ("§attributes.region.startsWith('e')", True),
    ("§attributes.region.matches('^e.$')", True),
    ("§attributes.n.matches('7')", UNDECIDED),
    ("§message.matches('time(d )?o[u]t')", True),
    ("matches(§message, '^Connection')", True),
    ("§message.matches('^to')", False),
    ("size(§message) == 30", True),
    ("'☃'.size() == 1", True),
    ("size(§attributes.list) == 6", True),
    ("§attributes.map.size() == 2", True),
    ("size(§attributes.n) == 1", UNDECIDED),
    # membership and elements
    ("§level in ['ERROR', 'FATAL']", True),
    ("§level in []", False),
    ("§attributes.n in [1, 7.0]", True),
    ("§attributes.flag in [1, 'a']", False),
    ("§attributes.flag in [1, true]", True),
    ("'a' in §attributes.list", True),
    ("'b' in §attributes.list", False),
    ("[1.0] in §attributes.list", True),
    ("'region' in §attributes", True),
    ("'zone' in §attributes", False),
    ("5 in §attributes.map", False),
    ("'a' in §attributes.region", UNDECIDED),
    ("§attributes['region'] == 'eu'", True),
    ("§attributes['re' + 'gion'] == 'eu'", True),
    ("§attributes.map.a.b == 'deep'", True),
    ("§attributes.map['a']['b'] == 'deep'", True),
    ("§attributes.list[0] == 1", True),
    ("§attributes.list[1.0] == 'a'", True),
    ("§attributes.list[6] == 1", UNDECIDED),
    ("§attributes.list[-1] == 1", UNDECIDED),
    ("§attributes.list['0'] == 1", UNDECIDED),
    ("§attributes.map[1] == 1", UNDECIDED),
    ("§attributes.n[0] == 1", UNDECIDED),
    ("[1, 2,][1] == 2", True),
    ("[1] + ['a'] == [1, 'a']", True),
    ("[1] + §attributes.list == []", False),
    ("§attributes.list + §attributes.list == []", False),
    ("§attributes.list + 'a' == 'a'", UNDECIDED),
    ("[1, 'a'] == [1.0, 'a']", True),
    ("[1, 'a'] == [1, 'b']", False),
    ("[1] == [1, 1]", False),
    ("§attributes.map == §attributes.map", True),
    ("§attributes.map.a == §attributes.map", False),
    # what is absent
    ("has(§host)", False),
    ("has(§statusCode)", True),
    ("has(§level)", True),
    ("has(§service)", True),
    ("has(§attributes.region)", True),
    ("has(§attributes.zone)", False),
    ("has(§attributes.nothing)", True),
    ("has(§attributes.map.a.b)", True),
    ("has(§attributes.map.a.c)", False),
    ("has(§attributes.zone.c)", UNDECIDED),
    ("has(§attributes.region.c)", UNDECIDED),
    ("§host == 'a'", UNDECIDED),
    ("§host != 'a'", UNDECIDED),
    ("§host in ['a', 'b']", UNDECIDED),
    ("§host.startsWith('a')", UNDECIDED),
    ("§responseTime > 5", UNDECIDED),
    ("§responseTime != 5", UNDECIDED),
    ("§attributes.zone == 'a'", UNDECIDED),
    ("§attributes.zone in ['a', 'b']", UNDECIDED),
    ("§attributes.region.c == 1", UNDECIDED),
    ("[§attributes.zone] == []", UNDECIDED),
    # logic absorbs what is undecided, on either side
    ("§host == 'a' || true", True),
    ("true || §host == 'a'", True),
    ("§host == 'a' || false", UNDECIDED),
    ("§host == 'a' && false", False),
    ("false && §host == 'a'", False),
    ("§host == 'a' && true", UNDECIDED),
    ("§level == 'ERROR' && §service == 'payment' && §statusCode == 503", True),
    ("§level == 'ERROR' && §service == 'payment' && §statusCode == 503 && has(§host)", False),
    ("§level == 'INFO' || §service == 'x' || §statusCode == 503", True),
    ("!(§host == 'a')", UNDECIDED),
    ("!!§attributes.flag", True),
    ("§attributes.flag && true", True),
    ("§attributes.region && true", UNDECIDED),
    ("§attributes.region && false", False),
    ("!§attributes.region", UNDECIDED),
    ("(§host == 'a' || true) == true", True),
    ("(§host == 'a' && true) == true", UNDECIDED),
    ("(§attributes.region || false) == true", UNDECIDED),
    ("§attributes.flag ? true : §host == 'a'", True),
    ("§attributes.zone ? true : true", UNDECIDED),
    ("§attributes.region ? true : true", UNDECIDED),
    ("(§attributes.flag ? 1 : 2) == 1", True),
    ("(!§attributes.flag ? 1 : 2) == 2", True),
    ("(§attributes.region ? 1 : 2) == 2", UNDECIDED),
    ("false ? true : false ? false : true", True),
    # times
    ("§timestamp == timestamp('2026-01-31T10:00:00.123Z')", True),
    ("§timestamp >= timestamp('2026-01-31T11:00:00+01:00')", True),
    ("§timestamp < timestamp('2026-01-31T10:00:00Z')", False),
    ("§timestamp in [timestamp('2026-01-31T10:00:00.123Z')]", True),
    ("§attributes.n in [[1], [7][0]]", True),
    # words and blanks
    ("§attributes.for == 1", UNDECIDED),
    ("§level == 'ERROR' // says so\n  && true", True),
    ("§tenant == 'default'", True),
]


@pytest.mark.parametrize(("template", "expected"), TABLE)
def test_the_standard_gives_this_answer_and_so_do_we(template: str, expected: object) -> None:
    assert reference(template, EVENT) == expected
    assert ours(template, EVENT) == expected
    assert asked(template, EVENT) == expected


# --- random expressions on random events -------------------------------------------------------

TEXTS = st.sampled_from(["", "a", "b", "ab", "eu", "ERROR", "payment", "☃"])
INTS = st.integers(-3, 3) | st.sampled_from([2**63 - 1, -(2**63), 500])
DOUBLES = st.sampled_from([-1.5, 0.0, 0.5, 1.0, 2.0, 1e300])
LEAVES = st.none() | st.booleans() | TEXTS | INTS
WRONG = LEAVES | st.lists(LEAVES, max_size=2)
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "t": TEXTS | WRONG,
        "n": INTS | WRONG,
        "d": DOUBLES | TEXTS | st.none(),
        "b": st.booleans() | WRONG,
        "l": st.lists(LEAVES | DOUBLES, max_size=3) | WRONG,
        "m": st.dictionaries(st.sampled_from("ab"), LEAVES, max_size=2) | WRONG,
    },
)
EVENTS = st.builds(
    Event,
    timestamp=st.integers(0, 4_000_000_000_000),
    service=TEXTS,
    message=TEXTS,
    level=st.sampled_from(["ERROR", "INFO"]),
    status_code=st.none() | st.sampled_from([0, 1, 200, 500]),
    response_time=st.none() | DOUBLES,
    host=st.none() | TEXTS,
    attributes=ATTRIBUTES,
)


def quoted(text: str) -> str:
    return f"'{text}'"


def joined(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda values: form.format(*values))


TEXT: st.SearchStrategy[str] = st.deferred(
    lambda: (
        TEXTS.map(quoted)
        | st.sampled_from(
            ["§service", "§message", "§level", "§host", "§attributes.t", "§attributes['t']"]
        )
        | joined("({} + {})", TEXT, TEXT)
    )
)
INT: st.SearchStrategy[str] = st.deferred(
    lambda: (
        INTS.map(str)
        | st.sampled_from(["§statusCode", "§attributes.n", "§attributes.m.a", "size(§message)"])
        | joined("({} {} {})", INT, st.sampled_from("+-*/%"), INT)
        | joined("-({})", INT)
    )
)
DOUBLE: st.SearchStrategy[str] = st.deferred(
    lambda: (
        DOUBLES.map(str)
        | st.sampled_from(["§responseTime", "§attributes.d"])
        | joined("({} {} {})", DOUBLE, st.sampled_from("+-*"), DOUBLE)
    )
)
ORDER = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
ANY = st.sampled_from([f"§attributes.{key}" for key in "tndblm"] + ["§attributes.l[0]"])
ITEMS = st.lists(TEXTS.map(quoted), max_size=3).map(lambda items: f"[{', '.join(items)}]")
TEST = st.sampled_from(["startsWith", "endsWith", "contains"])
PATTERN = st.sampled_from(["a", "^a", "^(a|b)+$", "[^a]", "", "."]).map(quoted)
PRESENT = st.sampled_from(
    ["host", "statusCode", "responseTime", *(f"attributes.{key}" for key in ["t", "n", "m.a"])]
)
ATOM = (
    st.sampled_from(["true", "false", "§attributes.b"])
    | joined("has(§{})", PRESENT)
    | joined("{} {} {}", TEXT, ORDER, TEXT)
    | joined("{} {} {}", INT | DOUBLE, ORDER, INT | DOUBLE)
    | joined("{} {} {}", ANY, st.sampled_from(["==", "!="]), ANY | st.just("null"))
    | joined("{} in {}", TEXT | ANY, ITEMS)
    | joined("{} in {}", ANY, st.sampled_from(["§attributes.l", "[1, 'a', null, true]"]))
    | joined("{} in §attributes", TEXTS.map(quoted))
    | joined("{}.{}({})", TEXT, TEST, TEXT)
    | joined("{}.matches({})", TEXT, PATTERN)
)
BOOL = st.recursive(
    ATOM,
    lambda inner: (
        joined("!({})", inner)
        | joined("({} && {})", inner, inner)
        | joined("({} || {})", inner, inner)
        | joined("({} || {} || {})", inner, inner, inner)
        | joined("({} ? {} : {})", inner, inner, inner)
        | joined("({}) == ({})", inner, inner)
    ),
    max_leaves=8,
)


@settings(max_examples=500, deadline=None)
@given(template=BOOL, event=EVENTS)
def test_a_random_expression_has_the_reference_s_answer(template: str, event: Event) -> None:
    expected = reference(template, event)
    assert ours(template, event) == expected
    assert asked(template, event) == (expected if isinstance(expected, bool) else UNDECIDED)


@settings(max_examples=200, deadline=None)
@given(template=INT, event=EVENTS)
def test_a_random_number_is_the_reference_s(template: str, event: Event) -> None:
    expected = reference(template, event)
    found = compile_value(template.replace("§", "")).of(event)
    is_number = isinstance(expected, int) and not isinstance(expected, bool)
    assert found == (float(expected) if is_number else None)
