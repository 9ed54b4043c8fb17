"""A rule that could never fire is refused, with what to write instead."""

from typing import Any

import pytest

from alert_contracts.rules import RuleType
from api_gateway.domain.rule_show import show_document
from api_gateway.testing.rules import problems, resolved, sent


@pytest.mark.parametrize(
    ("source", "text", "column"),
    [
        ('level == "error"', "'error' at line 1, column 10: it is folded, expected 'ERROR'", 10),
        ('"Critical" != level', "it is folded, expected 'FATAL'", 1),
        ('level in ["ERROR", "warning"]', "it is folded, expected 'WARN'", 20),
        ('!(service == "a" && level == "loud")', "known are DEBUG, ERROR, FATAL, INFO", 30),
    ],
)
def test_a_level_that_no_event_has_is_refused(source: str, text: str, column: int) -> None:
    (problem,) = problems(RuleType.EVENT_COUNT, match=source)
    assert problem.pointer == "/match"
    assert (problem.line, problem.column) == (1, column)
    assert "no event has the level" in problem.reason
    assert text in problem.reason


@pytest.mark.parametrize(
    "source",
    [
        'level == "ERROR" || level in ["UNKNOWN", ""]',
        'level.lowerAscii() == "error"',
        'attributes.level == "error" && service == "error"',
        "level == attributes.levels['main']",
        "level in attributes.levels",
    ],
)
def test_what_a_level_may_be_is_taken(source: str) -> None:
    assert problems(RuleType.EVENT_COUNT, match=source) == []


@pytest.mark.parametrize(
    ("changes", "pointer", "text"),
    [
        ({"match": 'level >= "WARN"'}, "/match", 'expected level in ["WARN", "ERROR", "FATAL"]'),
        ({"match": r'message.matches("\bfoo")'}, "/match", r"'\b' is a backspace in this text"),
        ({"value": 'level.contains("err") ? 1 : 0'}, "/value", "no event has a level of which"),
    ],
)
def test_what_compiles_but_nobody_means_is_refused(
    changes: dict[str, Any], pointer: str, text: str
) -> None:
    (problem,) = problems(RuleType.METRIC, **changes)
    assert problem.pointer == pointer
    assert text in problem.reason
    assert (problem.line, problem.column) != (None, None)


def test_a_match_that_does_not_compile_is_told_of_once() -> None:
    assert len(problems(RuleType.EVENT_COUNT, match='level == "error" && nobody')) == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"value": 'level == "error" ? 1 : 0'}, "/value"),
        ({"value": "level", "blacklist": ["ERROR", "error"]}, "/blacklist/1"),
        ({"value": "level", "whitelist": ["error"]}, "/whitelist/0"),
    ],
)
def test_levels_are_looked_at_in_values_and_lists(changes: dict[str, Any], pointer: str) -> None:
    lists = {} if "blacklist" in changes or "whitelist" in changes else {"whitelist": ["1"]}
    (problem,) = problems(RuleType.MATCH, **lists, **changes)
    assert problem.pointer == pointer
    assert "expected 'ERROR'" in problem.reason


def test_a_group_of_a_level_that_no_event_has_is_never_expected() -> None:
    (problem,) = problems(RuleType.ABSENCE, groupBy=["level"], expect=["ERROR", "error"])
    assert problem.pointer == "/expect/1"
    fields = {"groupBy": ["service", "level"]}
    (problem,) = problems(RuleType.ABSENCE, **fields, expect=[["error", "Err"]])
    assert problem.reason == "no event has the level 'Err': it is folded, expected 'ERROR'"
    (problem,) = problems(RuleType.ABSENCE, **fields, expect=[["error"]])
    assert "has 1 texts" in problem.reason
    (problem,) = problems(RuleType.ABSENCE, **fields, expect=[5])
    assert "must be a text" in problem.reason


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"condition": "count == 0"}, 7),
        ({"condition": "count < threshold", "threshold": 1}, 7),
        ({"condition": "count < 5", "minCount": 5}, 7),
        ({"condition": "rate == 0"}, 6),
        ({"condition": "previous.count > 10 && !(count > 0)"}, 24),
        ({"condition": "count < 5 / threshold", "threshold": 5}, 7),
    ],
)
def test_a_condition_that_holds_only_below_min_count_is_refused(
    changes: dict[str, Any], column: int
) -> None:
    (problem,) = problems(RuleType.EVENT_COUNT, **{"threshold": None, **changes})
    assert problem.pointer == "/condition"
    assert (problem.line, problem.column) == (1, column)
    least = changes.get("minCount", 1)
    assert problem.reason == (
        f"asks at line 1, column {column} for fewer events than minCount {least}, so it would"
        ' never fire: say "minCount": 0, or make it an ABSENCE'
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"condition": "count == 0", "minCount": 0},
        {"condition": "count < threshold", "threshold": 2},
        {"condition": "count <= threshold", "threshold": 1},
        {"condition": "errors == 0"},
        {"condition": "rate < 0.0001"},
        {"condition": "count == 0 || errors > 5"},
        {"condition": "threshold / errors > 2", "threshold": 5},
        {"condition": "count < previous.count"},
        {"condition": "count / threshold < 3", "threshold": -5},
    ],
)
def test_a_condition_that_may_hold_is_taken(changes: dict[str, Any]) -> None:
    assert problems(RuleType.EVENT_COUNT, **{"threshold": None, **changes}) == []


@pytest.mark.parametrize("condition", ["count == 5", "count in [3, 4]", "total == threshold"])
def test_a_number_of_events_below_min_count_is_refused_however_it_is_asked_for(
    condition: str,
) -> None:
    threshold = 7 if "threshold" in condition else None
    (problem,) = problems(RuleType.LATENCY, condition=condition, threshold=threshold)
    assert problem.pointer == "/condition"
    assert "for fewer events than minCount 20" in problem.reason
    changes = {"condition": condition, "threshold": threshold}
    assert problems(RuleType.LATENCY, **changes, minCount=2) == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"condition": "errors * 100 / total > threshold", "threshold": 150}, "/threshold"),
        ({"condition": "errors / total > threshold", "threshold": 5}, "/threshold"),
        ({"condition": "count > 50 && errors * 100.0 / count > 100.0"}, "/condition"),
        ({"condition": "errors > total"}, "/condition"),
        ({"condition": "errors < threshold", "threshold": 0}, "/threshold"),
    ],
)
def test_a_bound_that_no_window_passes_is_refused(changes: dict[str, Any], pointer: str) -> None:
    (problem,) = problems(RuleType.EVENT_COUNT, **{"threshold": None, **changes})
    assert problem.pointer == pointer
    assert problem.reason.endswith("not even one of errors only, so it would never fire")
    assert (problem.line is None) is (pointer == "/threshold")


@pytest.mark.parametrize(
    ("condition", "threshold"),
    [
        ("count == 50 || count == 3", None),
        ("count in [3, 100000]", None),
        ("errors > threshold", 150),
        ("errors * 100.0 / total >= threshold", 100),
        ("errors * 100.0 / total > 39.2 && errors * 100.0 / total < 39.3", None),
        ("errors * 1000.0 / total > threshold", 150),
        ("errors * 100 / total == 37", None),
        ("total - errors > threshold", 5000),
        ("total - errors < threshold", 1),
        ("errors < 1", None),
        ("int(errors) * 100 / int(total) > 99", None),
        ("count < " + " + ".join("1" * 60), None),
    ],
)
def test_what_some_window_fulfils_is_taken(condition: str, threshold: float | None) -> None:
    assert problems(RuleType.ERROR_RATE, condition=condition, threshold=threshold) == []


@pytest.mark.parametrize("condition", ["count < 1", "count <= 0.5", "errors >= count"])
def test_what_an_empty_window_fulfils_is_taken_where_those_are_judged(condition: str) -> None:
    changes = {"condition": condition, "threshold": None, "minCount": 0}
    assert problems(RuleType.EVENT_COUNT, **changes) == []


@pytest.mark.parametrize(
    ("match", "name"),
    [
        ('level == "ERROR" && level == "WARN"', "level"),
        ('service in ["a", "b"] && attributes.x > 5 && service == "c"', "service"),
        ("host in []", "host"),
    ],
)
def test_a_match_that_contradicts_itself_is_refused(match: str, name: str) -> None:
    (problem,) = problems(RuleType.EVENT_COUNT, match=match)
    assert problem.pointer == "/match"
    assert problem.reason == f"matches no event: no `{name}` is all that it asks for"
    either = 'level == "ERROR" && service == "a" || level == "WARN" && service == "b"'
    assert problems(RuleType.EVENT_COUNT, match=either) == []


def test_a_latency_of_few_events_is_refused_for_the_min_count_of_its_type() -> None:
    (problem,) = problems(RuleType.LATENCY, condition="p95 > threshold && count < 20")
    assert "minCount 20" in problem.reason
    assert problems(RuleType.LATENCY, condition="p95 > threshold && count < 21") == []
    (problem,) = problems(RuleType.EVENT_COUNT, condition="count == 0 && count < threshold")
    assert problem.column == 7
    (problem,) = problems(RuleType.EVENT_COUNT, condition="count == 0", threshold="x")
    assert problem.pointer == "/threshold"


def test_numbers_in_a_list_are_taken_as_the_texts_that_values_have() -> None:
    rule = resolved(RuleType.MATCH, value="attributes.v", blacklist=[1.5, 2.0, 3, True])
    assert rule.blacklist == ("1.5", "2", "3", "true")


def test_fields_that_would_become_one_label_are_refused() -> None:
    (problem,) = problems(
        RuleType.ABSENCE, groupBy=["attributes.\N{LATIN SMALL LETTER E WITH ACUTE}", "attributes.-"]
    )
    assert problem.reason.startswith("would overwrite the label _, set by")
    (problem,) = problems(RuleType.ABSENCE, groupBy=["attributes.1a", "attributes._1a"])
    assert problem.reason == "would overwrite the label _1a, set by attributes.1a"


def test_a_percentage_of_a_hundred_is_never_exceeded() -> None:
    (problem,) = problems(RuleType.ERROR_RATE, threshold=100)
    assert problem.pointer == "/threshold"
    assert problem.reason == (
        "no window fulfils the condition with this, not even one of errors only,"
        " so it would never fire"
    )
    assert problems(RuleType.ERROR_RATE, threshold=99.9) == []
    own = "errors * 100.0 / total >= threshold"
    assert problems(RuleType.ERROR_RATE, threshold=100, condition=own) == []
    (problem,) = problems(RuleType.ERROR_RATE, threshold="x")
    assert "valid number" in problem.reason


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (RuleType.METRIC, {"condition": "avg > 5.0"}, "is not read by the condition, `avg > 5.0`"),
        (RuleType.EVENT_COUNT, {"condition": "count > 5"}, "by the condition, `count > 5`"),
        (RuleType.ABSENCE, {}, "is not read by the condition of the type, `count == 0`"),
    ],
)
def test_a_threshold_that_the_condition_does_not_read_is_refused(
    kind: RuleType, changes: dict[str, Any], reason: str
) -> None:
    (problem,) = problems(kind, **changes, threshold=3)
    assert problem.pointer == "/threshold"
    assert reason in problem.reason
    assert problems(kind, **changes, threshold=None) == []


@pytest.mark.parametrize("kind", RuleType)
def test_a_rule_is_taken_as_it_is_shown(kind: RuleType) -> None:
    assert problems(kind, **show_document(sent(kind))) == []


def test_a_comment_in_a_condition_is_refused_for_alerts_would_show_it() -> None:
    (problem,) = problems(RuleType.EVENT_COUNT, condition="count > threshold // count many")
    assert problem.pointer == "/condition"
    assert problem.reason.startswith("has a comment")
    assert problems(RuleType.EVENT_COUNT, match="true // any") == []


def test_a_figure_that_is_written_as_a_function_is_shown_without_its_brackets() -> None:
    (problem,) = problems(RuleType.CARDINALITY, condition="distinct(value) > threshold")
    assert problem.pointer == "/condition"
    assert problem.reason.endswith(": it is only named: distinct")


@pytest.mark.parametrize("kind", [RuleType.NEW_TERM, RuleType.CHANGE])
@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("errors > 0", "counts no `errors`; ask for them in `match`"),
        ("count > 3 && errors > 0", "counts no `errors`; ask for them in `match`"),
        ("count > previous.count", "has no `previous`"),
        ("count > 0 && previous.errors == 0", "has no `previous`"),
    ],
)
def test_of_what_is_new_nothing_but_its_number_is_known(
    kind: RuleType, condition: str, text: str
) -> None:
    (problem,) = problems(kind, condition=condition, threshold=None)
    assert problem.pointer == "/condition"
    assert text in problem.reason


@pytest.mark.parametrize("condition", ["count > 5", "total > 2 && rate > 0.1"])
def test_how_much_is_new_may_be_asked(condition: str) -> None:
    assert problems(RuleType.NEW_TERM, condition=condition, threshold=None) == []


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("attributes.queryMs", "has(attributes.queryMs)"),
        ("double(attributes.us) / 1000.0", "has(attributes.name)"),
    ],
)
def test_a_latency_of_another_value_says_which_events_have_it(value: str, form: str) -> None:
    """Those that have a responseTime have not that; a rule is shown with the match of its type."""
    (problem,) = problems(RuleType.LATENCY, value=value)
    assert problems(RuleType.LATENCY, **show_document(sent(RuleType.LATENCY, value=value))) == [
        problem
    ]
    assert problem.pointer == "/match"
    assert problem.reason == (
        "is required with this value: the type's own asks for another, `has(responseTime)`;"
        f' say "match": "{form}"'
    )
    assert problems(RuleType.LATENCY, value=value, match="has(attributes.us)") == []


@pytest.mark.parametrize("value", ["responseTime", "responseTime / 1000.0"])
def test_a_latency_that_is_computed_of_response_times_needs_no_match(value: str) -> None:
    assert problems(RuleType.LATENCY, value=value) == []


def test_a_value_that_is_none_is_told_of_once() -> None:
    (problem,) = problems(RuleType.LATENCY, value="attributes.")
    assert problem.pointer == "/value"
    (problem,) = problems(RuleType.LATENCY, value=5)
    assert problem.pointer == "/value"
