"""What a compiled rule tells the engine, and how it treats events and windows."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_contracts.events import Event
from rule_language import compile_condition, compile_match, compile_value

EVENT = Event(
    timestamp=1_769_853_600_000,
    service="payment",
    message="Connection timed out",
    level="ERROR",
    status_code=503,
    response_time=1_250.5,
    attributes={"n": 3, "ratio": 0.5, "flag": True, "name": "x", "huge": 10**400, "at": 1e308},
)
BARE = Event(timestamp=0, service="a", message="")
WINDOW = {"count": 120, "total": 200, "errors": 30, "threshold": 100.0, "p95": 950.0}


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
        ("count > threshold", True),
        ("count > 120", False),
        ("count >= 120.0", True),
        ("errors * 100.0 / total > threshold", False),
        ("errors * 100 / total == 15", True),
        ("errors / total == 0.15", True),
        ("count / 7 > 17.1", True),
        ("p95 > 900 && count >= 20", True),
        ("p99 > 900", False),
        ("!(p99 > 900)", False),
        ("p99 > 900 || count > 1", True),
        ("count in [119, 120]", True),
        ("total - total == 0 ? errors > 1 : false", True),
        ("errors / (total - 200) > 0", False),
        ("!(errors / (total - 200) > 0)", False),
    ],
)
def test_a_condition_judges_the_figures(source: str, *, expected: bool) -> None:
    assert compile_condition(source).test(WINDOW) is expected


def test_a_figure_that_is_none_decides_nothing() -> None:
    figures: dict[str, float] = {"count": 1}
    assert not compile_condition("p95 > 1 || p95 <= 1").test(figures)
    assert not compile_condition("!(avg > 1)").test({**figures, "avg": None})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("count > threshold", True),
        ("threshold < count", True),
        ("minCount <= count", True),
        ("count >= 5", True),
        ("errors > threshold * 2 && count >= minCount", True),
        ("sum > 10 || max > threshold || total > 3", True),
        ("threshold > 5 && count > 1", True),
        ("true", True),
        ("count < threshold", False),
        ("threshold > count", False),
        ("count == 5", False),
        ("count != 5", False),
        ("count in [5]", False),
        ("avg > threshold", False),
        ("min > 5", False),
        ("p95 > threshold", False),
        ("rate > threshold", False),
        ("errors * 100 / total > threshold", False),
        ("count > errors", False),
        ("!(count > 5)", False),
        ("count > 5 && avg > 3", False),
        ("count > 5 ? true : false", False),
    ],
)
def test_a_condition_tells_whether_it_can_be_crossed_only_once(
    source: str, *, expected: bool
) -> None:
    assert compile_condition(source).monotonic is expected


GROWING = st.sampled_from(["count", "total", "errors", "sum", "max"])
FIGURE = GROWING | st.sampled_from(["threshold", "minCount", "avg", "2", "3.5"])
COMPARISON = st.tuples(FIGURE, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), FIGURE).map(
    " ".join
)
CONDITIONS = st.recursive(
    COMPARISON,
    lambda inner: st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
        lambda parts: f"({' '.join(parts)})"
    ),
    max_leaves=4,
)
GROWTH = st.fixed_dictionaries(
    dict.fromkeys(
        ["count", "total", "errors", "sum", "max"],
        st.tuples(st.integers(0, 5), st.integers(0, 5)).map(sorted),
    )
)
FIXED = st.fixed_dictionaries(
    dict.fromkeys(["threshold", "minCount", "avg"], st.integers(0, 5).map(float))
)


@given(CONDITIONS, GROWTH, FIXED)
def test_a_monotonic_condition_stays_true_while_the_window_fills(
    source: str, growth: dict[str, list[int]], fixed: dict[str, float]
) -> None:
    condition = compile_condition(source)
    before = {name: low for name, (low, _) in growth.items()} | fixed
    after = {name: high for name, (_, high) in growth.items()} | fixed
    if condition.monotonic and condition.test(before):
        assert condition.test(after)
