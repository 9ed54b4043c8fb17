"""A window proves something by what it lacks only if all of its events would have been counted."""

from typing import Any

import pytest
from msgspec.structs import replace

from alert_contracts.rules import SPIKES, Direction, Rule, RuleType
from alert_rule_engine.domain.rulesets import RuleSets
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, sliding, told, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def run(
    pipeline: Pipeline, since: int, until: int, *, beat: int = 0, events: int = 1, each: int = 4
) -> None:
    """Tick between two seconds after noon; with so many events every `beat`."""
    for second in range(since, until, each):
        at = NOON + second * SECOND
        if beat and second % beat == 0:
            pipeline.post(*(an_error(at) for _ in range(events)))
        pipeline.tick(at)


def absence(**changes: Any) -> Rule:  # noqa: ANN401
    quiet: dict[str, Any] = {"threshold": None, "resolve_after": MINUTE}
    return a_rule(RuleType.ABSENCE, **{"window": tumbling(MINUTE, 0), **quiet, **changes})


def spike(**changes: Any) -> Rule:  # noqa: ANN401
    given: dict[str, Any] = {
        "window": tumbling(MINUTE, 0),
        "condition": SPIKES["up"],
        "factor": 3.0,
        "threshold": None,
        "min_reference": 3,
        "min_count": 0,
    }
    return a_rule(RuleType.SPIKE, **{**given, **changes})


def revised(rule: Rule, **changes: Any) -> Rule:  # noqa: ANN401
    return replace(rule, revision=rule.revision + 1, updated_at=rule.updated_at + 1, **changes)


@pytest.mark.parametrize("restart", [False, True])
def test_a_longer_window_waits_until_no_pane_of_it_had_been_forgotten(*, restart: bool) -> None:
    """The events that the shorter one had no more use for are not taken for silence."""
    rule = absence()
    pipeline = Pipeline(rule)
    run(pipeline, 0, 300, beat=20)
    run(pipeline, 300, 480)
    pipeline.alerts.clear()
    longer = revised(rule, window=tumbling(10 * MINUTE, 0), resolve_after=10 * MINUTE)
    if restart:
        pipeline.flush()
        pipeline.crash()
    pipeline.change(longer)
    run(pipeline, 480, 800)
    assert "firing" not in [alert.status for alert in pipeline.alerts]
    run(pipeline, 800, 1_220)
    assert [alert.window.start for alert in pipeline.alerts if alert.status == "firing"] == [
        NOON + 10 * MINUTE
    ]


def test_a_longer_window_is_compared_with_none_whose_panes_were_forgotten() -> None:
    rule = spike(window=sliding(MINUTE))
    pipeline = Pipeline(rule)
    run(pipeline, 0, 600, beat=20)
    pipeline.change(revised(rule, window=sliding(5 * MINUTE)))
    run(pipeline, 600, 1_300, beat=20)
    assert pipeline.alerts == []
    pipeline.post(*(an_error(NOON + 1_300 * SECOND) for _ in range(60)))
    run(pipeline, 1_304, 1_400)
    assert [alert.status for alert in pipeline.alerts][:1] == ["firing"]


def test_what_happened_while_a_rule_was_disabled_is_no_silence() -> None:
    rule = absence()
    pipeline = Pipeline(rule)
    run(pipeline, 0, 20, beat=20)
    pipeline.change(revised(rule, enabled=False))
    run(pipeline, 20, 124, beat=20)
    pipeline.change(revised(rule))
    run(pipeline, 124, 190)
    assert pipeline.alerts == []
    run(pipeline, 190, 260)
    assert [alert.window.start for alert in pipeline.alerts] == [NOON + 3 * MINUTE]


def test_a_rule_that_expects_a_group_looks_no_further_back_than_to_its_own_beginning() -> None:
    """Its panes were there before, for another rule that expects nobody, from when is not known."""
    rule = absence(max_groups=100)
    pipeline = Pipeline(rule)
    run(pipeline, 0, 40, beat=20)
    pipeline.change(rule, replace(rule, id="r2", expect=(("pay",), ("shop",))))
    run(pipeline, 40, 110, beat=20)
    assert pipeline.alerts == []
    run(pipeline, 110, 130, beat=20)
    assert {(a.group["service"], a.window.start) for a in pipeline.alerts} == {
        ("shop", NOON + MINUTE)
    }


@pytest.mark.parametrize("restart", [0, 1, 20, 40])
def test_a_restart_puts_no_watch_off_that_began_before_the_first_event(restart: int) -> None:
    rule = absence(expect=(("shop",),))
    pipeline = Pipeline(rule)
    pipeline.change(rule)
    run(pipeline, 0, restart, beat=20, each=1)
    pipeline.flush()
    pipeline.crash()
    run(pipeline, restart, 130, beat=20, each=1)
    assert {(a.group["service"], a.window.start) for a in pipeline.alerts} >= {("shop", NOON)}


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_window_is_compared_with_none_of_which_we_saw_half(direction: Direction) -> None:
    """We were away for 40 s: neither twice as many afterwards nor none is a spike."""
    condition = SPIKES[direction]
    factor = 2.0
    pipeline = Pipeline(spike(condition=condition, factor=factor, min_reference=1))
    beat = 4 if direction == "up" else 8
    run(pipeline, 0, 128, beat=beat)
    run(pipeline, 172, 184, beat=beat)
    run(pipeline, 184, 244, beat=beat if direction == "up" else 0)
    assert pipeline.alerts == []


def test_a_group_is_not_absent_because_a_record_had_no_room_for_its_events() -> None:
    """What a batch adds to one target is bounded; a block says how many events had no room."""
    pipeline = Pipeline(absence(max_groups=100))
    run(pipeline, 0, 60, beat=20)
    run(pipeline, 60, 64)
    sets, at = RuleSets(), NOON + 64 * SECOND
    sets.follow(pipeline.book)
    many = [an_error(at, service=f"s{number}") for number in range(3)]
    for target, partial in enumerate(told(sets, many, source=1, at=at)):
        for block in partial.blocks:
            block.surplus = 1
        pipeline._append(target, partial)  # noqa: SLF001 - as stage one would
    pipeline._offsets[1] = 1  # noqa: SLF001
    run(pipeline, 64, 240)
    assert {alert.window.start for alert in pipeline.alerts} == {NOON + 2 * MINUTE}
    assert len(pipeline.alerts) == 4
