"""NEW_TERM and CHANGE where the first stage has a rule before the second, or for longer."""

from typing import Any

import pytest

from alert_contracts.rules import Rule, RuleType
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
SERVICES = [f"s{number}" for number in range(40)]
"""So many that both rules have some of them in one bucket."""
OTHER = a_rule(RuleType.EVENT_COUNT, id="other", threshold=1_000, window=tumbling(5 * MINUTE))


def finding(kind: RuleType, **changes: Any) -> Rule:  # noqa: ANN401
    window = tumbling(5 * MINUTE)
    return a_rule(kind, threshold=None, value="attributes.country", window=window, **changes)


def post(
    pipeline: Pipeline, second: int, country: str, count: int = 1, accepted: int | None = None
) -> None:
    at = NOON + second * SECOND
    attributes = {"country": country}
    pipeline.post(
        *[
            an_error(at + number, service, attributes=attributes)
            for service in SERVICES
            for number in range(count)
        ],
        accepted=accepted,
    )


def play(pipeline: Pipeline, first: int, last: int) -> None:
    """Let time pass, in seconds, and store what changes."""
    for second in range(first, last, 4):
        pipeline.tick(NOON + second * SECOND)
        if second % 20 == 0:
            pipeline.flush()


@pytest.mark.parametrize("kind", [RuleType.NEW_TERM, RuleType.CHANGE])
def test_events_that_came_before_the_second_stage_knew_the_rule_are_nothing_new(
    kind: RuleType,
) -> None:
    pipeline = Pipeline(OTHER)
    play(pipeline, 0, 32)
    pipeline.lead(OTHER, finding(kind))
    post(pipeline, 30, "DE", count=5)
    pipeline.change(OTHER, finding(kind))
    play(pipeline, 32, 700)
    assert pipeline.said() == []


@pytest.mark.parametrize("kind", [RuleType.NEW_TERM, RuleType.CHANGE])
def test_events_that_came_after_the_second_stage_had_let_go_of_the_rule_are_nothing_new(
    kind: RuleType,
) -> None:
    pipeline = Pipeline(OTHER, finding(kind))
    play(pipeline, 0, 32)
    post(pipeline, 32, "DE")
    play(pipeline, 36, 60)
    pipeline.change(OTHER)
    pipeline.lead(OTHER, finding(kind))
    post(pipeline, 60, "DE", count=5)
    pipeline.change(OTHER, finding(kind))
    play(pipeline, 64, 700)
    assert pipeline.said() == []


def test_what_came_before_the_second_stage_knew_the_rule_does_not_come_back_with_a_restart() -> (
    None
):
    rule = finding(RuleType.CHANGE)
    pipeline = Pipeline(OTHER)
    play(pipeline, 0, 32)
    pipeline.lead(OTHER, rule)
    post(pipeline, 30, "DE", count=5)
    play(pipeline, 32, 60)
    post(pipeline, 60, "DE")
    play(pipeline, 60, 100)
    pipeline.change(OTHER, rule)
    play(pipeline, 100, 120)
    pipeline.crash()
    post(pipeline, 120, "DE")
    post(pipeline, 124, "FR")
    assert sorted(pipeline.said()) == sorted(f"firing {service} 1" for service in SERVICES)


def test_a_rule_that_goes_at_once_lets_what_is_stored_for_it_go_in_time() -> None:
    """Its events are dated ahead: what is stored of them could come back for longer."""
    rule = finding(RuleType.CHANGE)
    pipeline = Pipeline(OTHER)
    play(pipeline, 0, 32)
    pipeline.lead(OTHER, rule)
    post(pipeline, 60, "DE", accepted=NOON + 32 * SECOND)
    play(pipeline, 32, 40)
    pipeline.change(OTHER, rule)
    pipeline.change(OTHER)
    assert _specs(pipeline) == 2
    play(pipeline, 40, 52)
    assert _specs(pipeline) == 2
    play(pipeline, 52, 80)
    assert _specs(pipeline) == 1


def _specs(pipeline: Pipeline) -> int:
    buckets = [each for journal in pipeline.journals for each in journal.partition.buckets]
    return len(set().union(*[bucket.specs for bucket in buckets]))
