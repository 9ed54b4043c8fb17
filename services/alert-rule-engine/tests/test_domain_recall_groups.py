"""Groups that a rule knew are missed when it was off for a while: never by windows of that time."""

from typing import Any

import pytest

from alert_contracts.rules import Rule, RuleType
from alert_rule_engine.domain.memory import Groups
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
HEARTBEAT: dict[str, Any] = {
    "match": "level == 'ERROR'",
    "window": tumbling(2 * MINUTE),
    "max_groups": 100,
}
OTHER = a_rule(RuleType.EVENT_COUNT, id="other", threshold=1_000, match="level == 'INFO'")
BESIDE = a_rule(RuleType.EVENT_COUNT, id="beside", threshold=1_000, **HEARTBEAT)
"""Counts the same by the same groups, but remembers none."""
SILENCES: list[dict[str, Any]] = [
    {"kind": RuleType.ABSENCE, "threshold": None},
    {"kind": RuleType.EVENT_COUNT, "threshold": 1_000, "no_data": "alerting"},
    {
        "kind": RuleType.EVENT_COUNT,
        "threshold": 5,
        "condition": "count < threshold",
        "min_count": 0,
    },
]
IDS = ["absence", "no data", "few"]


def live(pipeline: Pipeline, first: float, last: float, *, alive: str = "") -> None:
    """Let time pass, in minutes; a service may send all the while."""
    for at in range(NOON + int(first * MINUTE), NOON + int(last * MINUTE), 4 * SECOND):
        if alive:
            pipeline.post(*[an_error(at, service=alive)] * 5)
        pipeline.tick(at)


def known(changes: dict[str, Any], *others: Rule) -> tuple[Pipeline, Rule]:
    """Return both stages, and their rule, that have seen `pay` until the tenth minute."""
    rule = a_rule(**HEARTBEAT, **changes)
    pipeline = Pipeline(rule, *others)
    live(pipeline, 0, 10, alive="pay")
    assert pipeline.alerts == []
    return pipeline, rule


def remembered(pipeline: Pipeline) -> int:
    buckets = [each for journal in pipeline.journals for each in journal.partition.buckets]
    memories = [panes.memory for bucket in buckets for panes in bucket.specs.values()]
    return sum(len(each) for each in memories if isinstance(each, Groups))


def off(pipeline: Pipeline, until: int, *rules: Rule) -> None:
    """Let other rules be all until a minute."""
    pipeline.change(*rules)
    live(pipeline, 10, min(14, until))
    for minute in range(14, until, 2):
        pipeline.tick(NOON + minute * MINUTE)
    live(pipeline, max(12, until - 1), until)


@pytest.mark.parametrize("others", [(OTHER,), (BESIDE,)], ids=["alone", "shared"])
@pytest.mark.parametrize("changes", SILENCES, ids=IDS)
@pytest.mark.parametrize("minutes", [2, 10, 50])
def test_who_fell_silent_while_a_rule_was_off_is_missed_when_it_is_on_again(
    minutes: int, changes: dict[str, Any], others: tuple[Rule, ...]
) -> None:
    """It is switched on as a window begins, of which some seconds are not counted.

    Where another rule counts the same all the while, nothing is missing.
    """
    pipeline, rule = known(changes, *others)
    off(pipeline, 10 + minutes, *others)
    pipeline.change(rule, *others)
    live(pipeline, 10 + minutes, 20 + minutes)
    first = next(alert for alert in pipeline.alerts if alert.status == "firing")
    after = (first.window.start - NOON) // MINUTE - (10 + minutes)
    assert after in ((-2, 0) if BESIDE in others else (2,))


@pytest.mark.parametrize("others", [(OTHER,), (BESIDE,)], ids=["alone", "shared"])
@pytest.mark.parametrize("changes", SILENCES, ids=IDS)
def test_who_is_back_when_a_rule_is_on_again_was_not_absent_while_it_was_off(
    changes: dict[str, Any], others: tuple[Rule, ...]
) -> None:
    pipeline, rule = known(changes, *others)
    off(pipeline, 30, *others)
    pipeline.change(rule, *others)
    live(pipeline, 30, 40, alive="pay")
    assert pipeline.alerts == []


@pytest.mark.parametrize("others", [(OTHER,), (BESIDE,)], ids=["alone", "shared"])
@pytest.mark.parametrize("changes", SILENCES, ids=IDS)
def test_groups_are_let_go_an_hour_after_their_rule_was_switched_off(
    changes: dict[str, Any], others: tuple[Rule, ...]
) -> None:
    pipeline, rule = known(changes, *others)
    off(pipeline, 66, *others)
    pipeline.flush()
    assert remembered(pipeline) == 1
    for minute in range(66, 76):
        pipeline.tick(NOON + minute * MINUTE)
    assert remembered(pipeline) == 0
    pipeline.flush()
    pipeline.flush()
    pipeline.crash()
    assert remembered(pipeline) == 0
    assert not [key for key in pipeline.stored if b"!" in key]
    pipeline.change(rule, *others)
    live(pipeline, 76, 82)
    assert pipeline.alerts == []


@pytest.mark.parametrize("others", [(OTHER,), (BESIDE,)], ids=["alone", "shared"])
@pytest.mark.parametrize("stopped", [False, True], ids=["stored before", "stored after"])
def test_a_restart_while_a_rule_is_off_forgets_no_group(
    stopped: bool,  # noqa: FBT001
    others: tuple[Rule, ...],
) -> None:
    pipeline, rule = known(SILENCES[0], *others)
    pipeline.flush()
    if stopped:
        pipeline.change(*others)
        live(pipeline, 10, 13)
        pipeline.flush()
    pipeline.crash(*others)
    live(pipeline, 13, 20)
    pipeline.flush()
    pipeline.crash()
    live(pipeline, 20, 24)
    pipeline.change(rule, *others)
    live(pipeline, 24, 34)
    assert [alert.status for alert in pipeline.alerts][:1] == ["firing"]


def test_groups_that_come_while_nobody_remembers_any_are_let_go_with_the_others() -> None:
    pipeline, _ = known(SILENCES[0], BESIDE)
    off(pipeline, 40, BESIDE)
    pipeline.post(an_error(NOON + 41 * MINUTE, service="shop"))
    assert remembered(pipeline) == 2
    for minute in range(41, 76):
        pipeline.tick(NOON + minute * MINUTE)
    assert remembered(pipeline) == 0
