"""Random expressions on random events have the answers of CEL's reference implementation.

What both sides are known to answer differently (see `test_standard.py`) is not generated: ints do
not meet doubles in arithmetic, huge ints become no doubles, bools become no ints, and doubles are
not divided.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alert_contracts.events import Event
from rule_language import RuleLanguageError, code, compile_match, compile_scalar, compile_value
from rule_language.parser import MAX_DEPTH, MAX_LOOPS, parse
from rule_language.prices import check_price

UNDECIDED = "undecided"
Side = Callable[[str, Event], Any]
Text = st.SearchStrategy[str]

TEXTS = st.sampled_from(["", "a", "b", "ab", "A b", "5", "-2", "1.5s", "eu", "ERROR", "☃"])
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
        "l": st.lists(LEAVES | DOUBLES | st.lists(LEAVES, max_size=2), max_size=3) | WRONG,
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


def within_bounds(template: str) -> bool:
    """Tell whether an expression that was drawn is none too large, or too dear, to be compiled."""
    if template.count("(x, ") > MAX_LOOPS or template.count("(") >= MAX_DEPTH // 2:
        return False
    try:
        check_price(parse(f"!({template.replace('§', '')})"))
    except RuleLanguageError:
        return False
    return True


def quoted(text: str) -> str:
    return f"'{text}'"


def joined(form: str, *parts: Text) -> Text:
    return st.tuples(*parts).map(lambda values: form.format(*values))


def _pick(*options: str) -> Text:
    return st.sampled_from(options)


ANY = _pick(*(f"§attributes.{key}" for key in "tndblm"), "§attributes.l[0]", "§attributes.m.a")
TEXT: Text = st.deferred(
    lambda: (
        TEXTS.map(quoted)
        | _pick("§service", "§message", "§level", "§host", "§attributes.t", "§attributes['t']")
        | joined("({} + {})", TEXT, TEXT)
        | joined("{}.{}()", TEXT, _pick("lowerAscii", "upperAscii", "trim"))
        | joined("string({})", INT | TEXT | BOOLS | TIME | SPAN)
        | joined("({} ? {} : {})", BOOLS, TEXT, TEXT)
    )
)
INT: Text = st.deferred(
    lambda: (
        INTS.map(str)
        | _pick("§statusCode", "§attributes.n", "§attributes.m.a", "size(§message)")
        | joined("({} {} {})", INT, st.sampled_from("+-*/%"), INT)
        | joined("-({})", INT)
        | joined("int({})", TEXTS.map(quoted) | _pick("§message", "§statusCode") | DOUBLE | TIME)
        | joined("{}.{}()", TIME, GETTER)
        | joined("{}.{}({})", TIME, GETTER, ZONE)
        | joined("{}.{}()", SPAN, _pick("getHours", "getSeconds", "getMilliseconds"))
        | joined("size({})", LIST | TEXT)
    )
)
DOUBLE: Text = st.deferred(
    lambda: (
        DOUBLES.map(str)
        | _pick("§responseTime", "§attributes.d")
        | joined("({} {} {})", DOUBLE, st.sampled_from("+-*"), DOUBLE)
        | joined("double({})", st.integers(-3, 3).map(str) | TEXTS.map(quoted))
    )
)
GETTER: Text = _pick(
    "getHours", "getDayOfWeek", "getDate", "getMonth", "getDayOfYear", "getFullYear"
)
ZONE: Text = _pick("Europe/Berlin", "America/Los_Angeles", "+05:30", "UTC").map(quoted)
TIME: Text = st.deferred(
    lambda: (
        _pick("§timestamp", "timestamp('2026-01-31T10:00:00.5Z')", "timestamp(1000)")
        | joined("({} + {})", TIME, SPAN)
        | joined("({} - {})", TIME, SPAN)
    )
)
SPAN: Text = st.deferred(
    lambda: (
        _pick("duration('90m')", "duration('-1.5s')", "duration('100000h')", "duration('0')")
        | joined("({} - {})", TIME, TIME)
        | joined("({} + {})", SPAN, SPAN)
    )
)
LIST: Text = st.deferred(
    lambda: (
        st.lists(TEXTS.map(quoted) | INTS.map(str), max_size=3).map(
            lambda items: f"[{', '.join(items)}]"
        )
        | joined("{}.filter(x, {})", LIST | ANY, ELEMENT_TEST)
        | joined("{}.map(x, {})", LIST | ANY, ELEMENT)
        | joined("{}.split({})", TEXT, _pick("'a'", "' '"))
    )
)
ELEMENT: Text = _pick("x", "x + 1", "[x]", "x + 'a'", "size(x)", "string(x)")
ELEMENT_TEST: Text = (
    _pick("x", "x == 'a'", "x > 0", "x == null", "x == §attributes.n", "true")
    | joined("(x > 1 || {})", _pick("x == 'b'", "§attributes.b", "x < 0"))
    | joined("!({})", _pick("x > 0", "x == 'a'", "x.exists(y, y == x)", "x.all(x, x == 1)"))
)
ORDER = _pick("<", "<=", ">", ">=", "==", "!=")
ITEMS = st.lists(TEXTS.map(quoted), max_size=3).map(lambda items: f"[{', '.join(items)}]")
NUMBERS = st.lists(INTS.map(str), max_size=3).map(lambda items: f"[{', '.join(items)}]")
PATTERN = _pick("a", "^a", "^(a|b)+$", "[^a]", "", ".").map(quoted)
PRESENT = _pick("host", "statusCode", "responseTime", *(f"attributes.{key}" for key in "tnm"))
BOOLS: Text = _pick("true", "false", "§attributes.b")
ATOM = (
    BOOLS
    | joined("has(§{})", PRESENT | st.just("attributes.m.a"))
    | joined("{} {} {}", TEXT, ORDER, TEXT)
    | joined("{} {} {}", INT | DOUBLE, ORDER, INT | DOUBLE)
    | joined("{} {} {}", TIME, ORDER, TIME)
    | joined("{} {} {}", SPAN, ORDER, SPAN)
    | joined("{} {} {}", ANY, _pick("==", "!="), ANY | _pick("null", "true", "'a'", "1", "[1]"))
    | joined("{} {} {}", ANY, ORDER, ANY)
    | joined("{} in {}", TEXT | ANY, ITEMS)
    | joined("{} in {}", INT | ANY, NUMBERS)
    | joined("{} in {}", ANY, _pick("§attributes.l", "§attributes.m", "[1, 'a', null, true]"))
    | joined("{} in §attributes", TEXTS.map(quoted))
    | joined("{}.{}({})", TEXT, _pick("startsWith", "endsWith", "contains"), TEXT)
    | joined("{}.matches({})", TEXT, PATTERN)
    | joined("{}.{}(x, {})", LIST | ANY, _pick("all", "exists", "exists_one"), ELEMENT_TEST)
    | joined("{} == {}", LIST, LIST)
    | joined("bool({})", TEXT | BOOLS)
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
).filter(within_bounds)


@settings(max_examples=300, deadline=None)
@given(template=BOOL, event=EVENTS)
def test_a_random_expression_has_the_reference_s_answer(
    template: str, event: Event, reference: Side, ours: Side, asked: Side
) -> None:
    expected = reference(template, event)
    assert ours(template, event) == expected
    assert asked(template, event) == (expected if isinstance(expected, bool) else UNDECIDED)


@settings(max_examples=150, deadline=None)
@given(template=(INT | DOUBLE).filter(within_bounds), event=EVENTS)
def test_a_random_number_is_the_reference_s(template: str, event: Event, reference: Side) -> None:
    expected = reference(template, event)
    found = compile_value(template.replace("§", "")).of(event)
    is_number = isinstance(expected, int | float) and not isinstance(expected, bool)
    assert found == (float(expected) if is_number and abs(expected) < 1e308 else None)


@settings(max_examples=150, deadline=None)
@given(template=TEXT.filter(within_bounds), event=EVENTS)
def test_a_random_text_is_the_reference_s(template: str, event: Event, reference: Side) -> None:
    expected = reference(template, event)
    found = compile_scalar(template.replace("§", "")).of(event)
    if isinstance(expected, str):
        assert found == (None if expected == UNDECIDED else expected)


@settings(max_examples=150, deadline=None)
@given(templates=st.lists(BOOL, min_size=1, max_size=4), event=EVENTS)
def test_inlined_into_one_function_matches_answer_as_they_do_alone(
    templates: list[str], event: Event
) -> None:
    matches = [compile_match(template.replace("§", "")) for template in templates]
    parts = [match.inline("e", prefix=f"m{index}_") for index, match in enumerate(matches)]
    constants = {name: value for part in parts for name, value in part.constants.items()}
    tree = code.function(["e"], code.sequence([part.expression for part in parts]))
    answers = code.built(tree, constants)(event)
    assert [bool(answer) for answer in answers] == [match.test(event) for match in matches]
