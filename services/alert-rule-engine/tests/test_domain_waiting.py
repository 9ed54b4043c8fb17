"""What waits under `for` goes on waiting only while window after window holds."""

from typing import Any

import pytest

from alert_contracts.rules import RuleType
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def play(pipeline: Pipeline, first: int, last: int, *events: int) -> None:
    """Let each other second pass, some with an event."""
    for second in range(first, last, 2):
        for at in events:
            if second <= at < second + 2:
                pipeline.post(an_error(NOON + at * SECOND, response_time=20.0))
        pipeline.tick(NOON + second * SECOND)


def waiting(pipeline: Pipeline) -> list[Any]:
    return [
        row
        for journal in pipeline.journals
        for bucket in journal.partition.buckets
        for row in bucket.alerts.pending.rows()
    ]


def test_an_empty_window_that_does_not_hold_ends_the_wait_of_a_rule_that_asks_for_few() -> None:
    rule = a_rule(
        RuleType.EVENT_COUNT,
        condition="count < threshold",
        threshold=5,
        min_count=1,
        hold=2 * MINUTE,
        window=tumbling(MINUTE),
    )
    pipeline = Pipeline(rule)
    play(pipeline, -10, 154, 4, 160)
    assert waiting(pipeline) == []
    play(pipeline, 154, 400, 160)
    assert pipeline.alerts == []
