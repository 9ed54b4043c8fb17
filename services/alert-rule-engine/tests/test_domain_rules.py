"""Rules share panes where they count the same, and are judged when it makes sense."""

from typing import Any

import msgspec
import msgspec.structs
import pytest

from alert_contracts.rules import RuleType, encode_rule
from alert_rule_engine.domain.catalog import Catalog
from alert_rule_engine.domain.compiling import compile_rule
from alert_rule_engine.domain.conditions import Judgement
from alert_rule_engine.domain.rules import allowance, compile_rules
from alert_rule_engine.domain.specs import MAX_TOGETHER, Kind
from alert_rule_engine.testing import Pipeline, a_rule, an_error, sliding, tumbling


def test_thresholds_conditions_and_windows_share_the_panes_of_one_match() -> None:
    rules = [
        a_rule(id="a"),
        a_rule(id="b", threshold=5, condition="count >= threshold"),
        a_rule(id="c", window=sliding(600_000)),
        a_rule(id="d", match='level == "WARN"'),
        a_rule(id="e", group_by=("service", "host")),
        a_rule(id="f", window=tumbling(10_000)),
        a_rule(id="g", max_groups=10),
        a_rule(id="h", tenant="other"),
    ]
    specs = {rule.id: compile_rule(rule).spec.id for rule in rules}
    assert specs["a"] == specs["b"] == specs["c"]
    assert len(set(specs.values())) == 6
    assert len(compile_rules(rules).specs) == 6


@pytest.mark.parametrize(
    ("changes", "judgement"),
    [
        ({"condition": "count > threshold"}, Judgement.CROSSING),
        ({"condition": "errors * 100.0 / total > threshold"}, Judgement.CLOSE),
        ({"condition": "p95 > threshold", "value": "responseTime"}, Judgement.CLOSE),
        ({"condition": "count < threshold"}, Judgement.END),
        ({"condition": "count < 3", "threshold": None}, Judgement.END),
        ({"condition": "sum > threshold", "value": "responseTime"}, Judgement.CROSSING),
        ({"condition": "sum > threshold", "value": "attributes.delta"}, Judgement.CLOSE),
        ({"condition": "sum < threshold", "value": "responseTime"}, Judgement.END),
        ({"condition": "sum < threshold", "value": "attributes.delta"}, Judgement.END),
        ({"condition": "max > threshold", "value": "attributes.depth"}, Judgement.CROSSING),
        ({"condition": "max < threshold", "value": "attributes.depth"}, Judgement.END),
        ({"condition": "max - min < threshold", "value": "attributes.depth"}, Judgement.END),
        ({"condition": "max - min > threshold", "value": "attributes.depth"}, Judgement.CROSSING),
        ({"condition": "min > threshold", "value": "attributes.depth"}, Judgement.END),
        ({"condition": "min < threshold", "value": "attributes.depth"}, Judgement.CROSSING),
        ({"condition": "avg < threshold", "value": "attributes.depth"}, Judgement.CLOSE),
        ({"condition": "p95 - p50 > threshold", "value": "responseTime"}, Judgement.CLOSE),
        ({"condition": "avg > threshold && count < 9", "value": "responseTime"}, Judgement.END),
        ({"condition": "rate > threshold"}, Judgement.CROSSING),
        ({"condition": "rate > 0 && rate < threshold"}, Judgement.END),
        ({"condition": "errors < threshold && count > 10"}, Judgement.END),
        ({"condition": "count > 0 && count < threshold"}, Judgement.END),
        ({"condition": "!(count > 5) && count > 0"}, Judgement.END),
        ({"condition": "errors != 0"}, Judgement.CROSSING),
        ({"condition": "errors / threshold > 0.8"}, Judgement.CROSSING),
        ({"condition": "errors / threshold > 0.8", "threshold": -1.0}, Judgement.END),
        ({"condition": "total - errors < threshold"}, Judgement.END),
        ({"condition": "errors * 20 > total"}, Judgement.CLOSE),
        ({"condition": "count > previous.count * 3"}, Judgement.CLOSE),
        ({"condition": "count > 0 && count * 3 < previous.count"}, Judgement.END),
        ({"condition": "sum * 2 < previous.sum", "value": "attributes.n"}, Judgement.END),
        ({"condition": "p95 > previous.p95 * 2", "value": "responseTime"}, Judgement.CLOSE),
    ],
)
def test_a_condition_decides_when_its_window_is_judged(
    changes: dict[str, Any], judgement: Judgement
) -> None:
    assert compile_rule(a_rule(**changes)).judgement is judgement


def test_a_sketch_is_kept_only_where_a_percentile_is_asked_for() -> None:
    assert compile_rule(a_rule(RuleType.LATENCY)).spec.kind is Kind.SKETCH
    averaged = compile_rule(a_rule(RuleType.LATENCY, condition="avg > threshold"))
    assert averaged.spec.kind is Kind.NUMBER
    assert compile_rule(a_rule(value="responseTime")).spec.kind is Kind.COUNT


@pytest.mark.parametrize(
    ("changes", "low", "exact"),
    [
        ({}, 101, True),
        ({"condition": "count >= threshold"}, 100, True),
        ({"condition": "count > threshold || total >= 7"}, 7, True),
        ({"condition": "count > threshold", "min_count": 500}, 500, True),
        ({"condition": "count >= 0"}, 1, True),
        ({"condition": "errors > threshold"}, 101, False),
        ({"condition": "sum > threshold", "value": "responseTime"}, 1, False),
        ({"condition": "sum > 5 && count > 20", "value": "responseTime"}, 21, False),
        ({"condition": "max - min > 5 && count > 2", "value": "attributes.n"}, 3, False),
        ({"condition": "rate >= 2", "window": tumbling(10_000)}, 20, True),
        ({"condition": "count / 5 > 2"}, 1, False),
        ({"condition": "int(max) > 1000", "value": "attributes.n"}, 1, False),
        ({"condition": "int(max) > 1 && count > 4", "value": "attributes.n"}, 5, False),
        ({"condition": "int(max) > 9 || count > 4", "value": "attributes.n"}, 1, False),
        ({"threshold": 1e300}, 1 << 53, False),
    ],
)
def test_it_is_known_how_many_events_a_growing_condition_takes_at_least(
    changes: dict[str, Any], low: int, *, exact: bool
) -> None:
    rule = compile_rule(a_rule(**changes))
    assert (rule.judgement, rule.low, rule.exact) == (Judgement.CROSSING, low, exact)


@pytest.mark.parametrize(
    "condition", ["int(max) > 1000", "int(sum) > 1000", "int(min) < 5 && int(max) > 1000"]
)
def test_a_figure_that_is_made_whole_fires_at_once(condition: str) -> None:
    """Though the largest number that there is cannot be."""
    rule = a_rule(RuleType.METRIC, value="responseTime", condition=condition, threshold=None)
    pipeline = Pipeline(rule)
    pipeline.post(an_error(response_time=900.0), an_error(response_time=1.0))
    assert pipeline.alerts == []
    pipeline.post(an_error(response_time=1_001.0))
    assert [alert.status for alert in pipeline.alerts] == ["firing"]


def test_what_must_hold_for_a_while_is_not_judged_at_once() -> None:
    assert compile_rule(a_rule(hold=60_000)).judgement is Judgement.CLOSE


def test_a_rule_that_does_not_compile_is_left_out_alone_and_a_disabled_one_is_known() -> None:
    book = compile_rules(
        [
            a_rule(id="good"),
            a_rule(id="bad", match="level =="),
            a_rule(id="worse", value="1 +", condition="sum > threshold"),
            a_rule(id="off", enabled=False),
        ]
    )
    assert set(book.rules) == {"default/good"}
    assert set(book.errors) == {"default/bad", "default/worse"}
    assert book.disabled == {"default/off"}


def test_a_small_bound_of_groups_is_exact_and_a_large_one_is_shared_out() -> None:
    assert allowance(10) == 10
    assert allowance(MAX_TOGETHER) == MAX_TOGETHER
    assert allowance(10_000) == 156 + 4 * 12 + 1


def test_the_catalog_keeps_the_highest_revision_until_the_tombstone() -> None:
    catalog = Catalog()
    assert catalog.take(b"default/r1", encode_rule(a_rule(revision=2)))
    assert not catalog.take(b"default/r1", encode_rule(a_rule(revision=1, threshold=1)))
    assert not catalog.take(b"default/r1", encode_rule(a_rule(revision=2)))
    assert catalog.compile().rules["default/r1"].rule.threshold == 100
    with pytest.raises(msgspec.DecodeError):
        catalog.take(b"default/r1", b"{}")
    assert catalog.take(b"default/r1", None)
    assert not catalog.take(b"default/r1", None)
    assert not catalog.compile().rules


def test_rules_that_have_not_changed_are_not_compiled_again() -> None:
    stays, edited = a_rule(id="stays"), a_rule(id="edited", threshold=7)
    shared = a_rule(id="alone", match="true")
    before = compile_rules([stays, edited, shared])
    after = compile_rules([stays, msgspec.structs.replace(edited, revision=2), shared], before)
    assert after.rules["default/stays"] is before.rules["default/stays"]
    assert after.rules["default/edited"].rule.revision == 2
    alone = before.rules["default/alone"].spec.id
    assert after.specs[alone] is before.specs[alone]
    both = before.rules["default/stays"].spec.id
    assert [each.rule.revision for each in after.specs[both].rules] == [1, 2]
    assert after == compile_rules([each.rule for each in after.rules.values()])
