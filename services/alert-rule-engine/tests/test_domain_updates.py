"""An alert is updated when there is news of it, and only then."""

from alert_contracts.rules import RuleType
from alert_rule_engine.domain.compiling import compile_rule
from alert_rule_engine.domain.evaluators import evaluator_of
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def fire_and_wait(pipeline: Pipeline) -> None:
    pipeline.post(*(an_error(NOON + number, response_time=5_000.0) for number in range(20)))
    for second in range(4, 5 * 60, 4):
        pipeline.tick(NOON + second * SECOND)


def test_a_window_that_is_judged_again_with_the_same_figures_is_no_news() -> None:
    rule = a_rule(
        RuleType.LATENCY, threshold=1_000, window=tumbling(10 * MINUTE), resolve_after=MINUTE
    )
    pipeline = Pipeline(rule)
    fire_and_wait(pipeline)
    assert pipeline.said() == ["firing pay 20"]


def test_another_count_of_the_same_window_is_news() -> None:
    rule = a_rule(
        RuleType.LATENCY, threshold=1_000, window=tumbling(10 * MINUTE), resolve_after=MINUTE
    )
    pipeline = Pipeline(rule)
    fire_and_wait(pipeline)
    pipeline.post(an_error(NOON + 5 * MINUTE, response_time=5_000.0))
    for second in range(5 * 60, 7 * 60, 4):
        pipeline.tick(NOON + second * SECOND)
    assert pipeline.said() == ["firing pay 20", "updated pay 21"]


def test_a_late_event_of_an_earlier_window_is_no_news() -> None:
    window = tumbling(MINUTE, lateness=10 * MINUTE)
    pipeline = Pipeline(a_rule(RuleType.LATENCY, threshold=1_000, window=window))
    for second in range(0, 120, 4):
        pipeline.tick(NOON + second * SECOND)
    pipeline.post(*(an_error(NOON + 2 * MINUTE + at, response_time=5_000.0) for at in range(20)))
    for second in range(124, 200, 4):
        pipeline.tick(NOON + second * SECOND)
    pipeline.post(*(an_error(NOON + at, response_time=5_000.0) for at in range(30)))
    for second in range(200, 220, 4):
        pipeline.tick(NOON + second * SECOND)
    assert pipeline.said() == ["firing pay 20"]


def test_the_last_word_counts_what_came_late_and_was_not_told_yet() -> None:
    rule = a_rule(threshold=0, window=tumbling(10 * SECOND), resolve_after=5 * SECOND)
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON))
    for second in range(2, 19, 2):
        pipeline.tick(NOON + second * SECOND)
        if second == 12:
            pipeline.post(an_error(NOON + SECOND))
    assert [(alert.status, alert.aggregates["count"]) for alert in pipeline.alerts] == [
        ("firing", 1),
        ("resolved", 2),
    ]


def test_another_new_value_in_the_same_window_is_news_and_named() -> None:
    rule = a_rule(
        RuleType.NEW_TERM,
        value="host",
        threshold=None,
        window=tumbling(10 * MINUTE, lateness=0),
        remember=60 * MINUTE,
    )
    pipeline = Pipeline(rule)
    for second in range(1_300):
        host = {650: "web-2", 680: "web-3"}.get(second, "web-1")
        if second % 10 == 0:
            pipeline.post(an_error(NOON + second * SECOND, host=host))
        pipeline.tick(NOON + second * SECOND)
    found = [(alert.status, alert.reason) for alert in pipeline.alerts]
    assert found[:2] == [("firing", "new value 'web-2'"), ("updated", "new value 'web-3'")]


def test_the_number_of_an_event_is_what_the_rule_looks_at() -> None:
    event = an_error(response_time=9.0)
    looked_at = [a_rule(RuleType.METRIC, value="responseTime * 2.0", condition="max > 1"), a_rule()]
    found = [evaluator_of(compile_rule(rule).spec).number(event) for rule in looked_at]
    assert found == [18.0, None]
