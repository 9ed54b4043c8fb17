"""What comes late fires what was never told of, and nothing twice."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, permutations, tuples

from alert_contracts.rules import RuleType, Window
from alert_rule_engine.domain.compiling import compile_rule
from alert_rule_engine.domain.past import MOST, buried, hides
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
SHORT = tumbling(10 * SECOND, lateness=30 * MINUTE)
MANY = [an_error(NOON, response_time=900.0)] * 9


def late(pipeline: Pipeline, second: int) -> None:
    """Let nine errors of a second come now."""
    at = NOON + second * SECOND
    pipeline.post(*[an_error(at, response_time=900.0)] * 9, accepted=pipeline.now)


def play(pipeline: Pipeline, first: int, last: int, step: int = 1) -> None:
    for second in range(first, last, step):
        pipeline.tick(NOON + second * SECOND)


def fired(pipeline: Pipeline) -> list[int]:
    """Return the seconds at which the windows begin that fired; all those alerts are over."""
    first = [each for each in pipeline.alerts if each.status == "firing"]
    over = [each.id for each in pipeline.alerts if each.status == "resolved"]
    assert [each.id for each in first] == over
    return [(each.window.start - NOON) // SECOND for each in first]


@pytest.mark.parametrize(
    ("changes", "windows"),
    [
        ({"threshold": 5}, [590, 300]),
        ({"kind": RuleType.LATENCY, "threshold": 500, "min_count": 5}, [590, 300]),
        # Of two that hold, the last is shown.
        (
            {"threshold": 5, "window": Window("hopping", 10 * SECOND, 5 * SECOND, 30 * MINUTE)},
            [590, 305],
        ),
    ],
    ids=["on crossing", "at the close", "hopping"],
)
@pytest.mark.parametrize("crash", [False, True])
def test_a_window_that_late_events_make_hold_fires_though_a_newer_alert_is_over(
    changes: dict[str, Any], windows: list[int], *, crash: bool
) -> None:
    """Five minutes of what a host could not send, after another alert of the same service."""
    pipeline = Pipeline(a_rule(**{"window": SHORT, "resolve_after": 10 * SECOND, **changes}))
    play(pipeline, 0, 600)
    late(pipeline, 597)
    play(pipeline, 600, 660)
    assert fired(pipeline) == windows[:1]
    if crash:
        pipeline.flush()
        pipeline.crash()
    late(pipeline, 307)
    play(pipeline, 660, 700)
    assert fired(pipeline) == windows
    assert pipeline.alerts[-1].late_by >= 300 * SECOND
    for second in (597, 307):
        late(pipeline, second)
    play(pipeline, 700, 800)
    assert fired(pipeline) == windows


@pytest.mark.parametrize(("second", "fires"), [(585, False), (575, True), (605, True)])
def test_a_window_from_which_on_an_alert_would_have_lasted_belongs_to_it(
    second: int, *, fires: bool
) -> None:
    """A window after its last one does not: that the alert was over then is not true."""
    pipeline = Pipeline(a_rule(threshold=5, window=SHORT, resolve_after=10 * SECOND))
    play(pipeline, 0, 600)
    late(pipeline, 595)
    play(pipeline, 600, 660)
    late(pipeline, second)
    play(pipeline, 660, 700)
    assert fired(pipeline) == [590, *[second - 5] * fires]


@given(permutations(range(MOST)), lists(integers(0, 60), min_size=MOST, max_size=MOST))
def test_windows_that_come_late_in_whatever_order_fire_once_each(
    order: list[int], again: Iterable[int]
) -> None:
    pipeline = Pipeline(a_rule(threshold=5, window=SHORT, resolve_after=10 * SECOND))
    play(pipeline, 399, 400)
    now = 400
    for count, (number, other) in enumerate(zip(order, again, strict=True), 1):
        for second in (number * 40, order[other % count] * 40):
            late(pipeline, second)
            play(pipeline, now, now + 25, 4)
            now += 25
    assert fired(pipeline) == [number * 40 for number in order]


@given(lists(tuples(integers(0, 90), integers(0, 5)), min_size=1, max_size=30))
def test_what_is_remembered_is_bounded_and_forgets_nothing_that_was_told(
    told: list[tuple[int, int]],
) -> None:
    rule = compile_rule(a_rule(threshold=5, window=SHORT, resolve_after=10 * SECOND))
    pipeline = Pipeline(rule.rule)
    play(pipeline, 0, 1)
    pipeline.post(*MANY)
    (alert,) = [
        alert
        for journal in pipeline.journals
        for bucket in journal.partition.buckets
        for alert in bucket.alerts.all_firing()
    ]
    past = None
    for number, more in told:
        start = NOON + number * 10 * SECOND
        alert.held = [(start, start + (1 + more) * 10 * SECOND)]
        past = buried(alert, rule, past, NOON + 20 * MINUTE)
    assert past is not None
    assert len(past) <= 3 + 2 * MOST
    for number, more in told:
        for window in range(number, number + more + 1):
            assert hides(past, rule, NOON + window * 10 * SECOND)
    last = max(number + more for number, more in told)
    assert not hides(past, rule, NOON + (last + 1) * 10 * SECOND)
