"""What a long outage of ours costs, and what it must not make anybody believe."""

from typing import Any

import pytest

from alert_contracts.rules import RuleType, Window
from alert_rule_engine.domain.bucket import Bucket
from alert_rule_engine.domain.compiling import compile_rule
from alert_rule_engine.domain.due import Span, due
from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def run(pipeline: Pipeline, since: int, until: int, *, beat: int = 0) -> None:
    """Tick each four seconds between two of them after noon; with an event every `beat`."""
    for second in range(since, until, 4):
        if beat and second % beat == 0:
            pipeline.post(an_error(NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND)


SLIDING = Window("sliding", 5 * MINUTE, 10 * SECOND, 0)
TUMBLING = tumbling(5 * MINUTE, 0)


def panes_of(pipeline: Pipeline) -> list[tuple[Bucket, SpecPanes]]:
    """Return the panes of each bucket that has any."""
    return [
        (bucket, panes)
        for journal in pipeline.journals
        for bucket in journal.partition.buckets
        for panes in bucket.specs.values()
    ]


@pytest.mark.parametrize("window", [TUMBLING, SLIDING])
@pytest.mark.parametrize(
    "changes",
    [
        {"kind": RuleType.ABSENCE, "threshold": None},
        {"kind": RuleType.EVENT_COUNT, "no_data": "alerting"},
        {"kind": RuleType.EVENT_COUNT, "no_data": "keepLast", "threshold": 0},
    ],
)
def test_the_hours_of_an_outage_are_not_judged_window_by_window(
    window: Window, changes: dict[str, Any]
) -> None:
    """Only what is near the last events and what lies after the outage is looked at."""
    rule = a_rule(**changes, window=window, min_count=0, resolve_after=MINUTE)
    pipeline = Pipeline(rule)
    run(pipeline, 0, 40, beat=20)
    after = NOON + 8 * HOUR
    ((bucket, panes),) = panes_of(pipeline)
    span = Span(bucket.judged, after + 20 * MINUTE)
    compiled = compile_rule(rule)
    ends = list(due(compiled, panes, span, unseen=after))
    assert all(end <= NOON + 6 * MINUTE or end - window.size >= after for end in ends)
    whole = list(due(compiled, panes, span, unseen=after, whole=True))
    assert whole == [end for end in ends if (end - window.size) % window.step == 0]


@pytest.mark.parametrize("window", [TUMBLING, SLIDING])
def test_a_group_that_falls_silent_after_an_outage_is_absent_in_the_first_whole_window(
    window: Window,
) -> None:
    rule = a_rule(RuleType.ABSENCE, window=window, threshold=None, resolve_after=MINUTE)
    pipeline = Pipeline(rule)
    run(pipeline, 0, 40, beat=20)
    run(pipeline, 8 * 3_600, 8 * 3_600 + 700)
    first = min(alert.window.start for alert in pipeline.alerts)
    assert NOON + 8 * HOUR <= first <= NOON + 8 * HOUR + 5 * MINUTE


def test_what_was_pending_before_an_outage_begins_anew_after_it() -> None:
    """A whole window without events ends it, though nobody was there to see."""
    rule = a_rule(RuleType.EVENT_COUNT, threshold=0, hold=20 * MINUTE, window=TUMBLING)
    pipeline = Pipeline(rule)
    run(pipeline, 0, 40, beat=20)
    run(pipeline, 8 * 3_600, 8 * 3_600 + 60, beat=20)
    pending = [row for bucket, _ in panes_of(pipeline) for row in bucket.alerts.pending.rows()]
    assert [since >= NOON + 8 * HOUR for *_, since in pending] == [True]
    assert pipeline.alerts == []
