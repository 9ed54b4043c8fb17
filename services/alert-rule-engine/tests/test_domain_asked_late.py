"""What stage one was not asked for is no silence, whenever stage two hears of the rule."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from alert_contracts.rules import Rule, RuleType
from alert_rule_engine.domain.applied import Applied
from alert_rule_engine.domain.rules import compile_rules
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
OTHER = a_rule(id="other", match="service == 'nobody'")
MADE = NOON + 300 * SECOND
ABSENT = a_rule(
    RuleType.ABSENCE,
    id="absent",
    threshold=None,
    window=tumbling(MINUTE, 10 * SECOND),
    expect=(("backup",),),
    updated_at=MADE,
)
SCARCE: dict[str, Any] = {
    "condition": "count < threshold",
    "threshold": 299,
    "window": tumbling(5 * MINUTE, 10 * SECOND),
}


class Behind(Pipeline):
    """Two stages that hear of rules apart, and the second may wait with what the first tells."""

    waiting: list[tuple[int, int]] | None = None

    def ask(self, *rules: Rule) -> None:
        """Change the rules in the first stage."""
        self._sets.follow(compile_rules(rules))

    def apply(self, target: int, offset: int) -> list[Applied]:
        if self.waiting is None:
            return super().apply(target, offset)
        self.waiting.append((target, offset))
        return []

    def catch_up(self) -> None:
        waiting: Sequence[tuple[int, int]] = self.waiting or []
        self.waiting = None
        for target, offset in waiting:
            self.apply(target, offset)


def speak(pipeline: Pipeline, first: int, last: int) -> None:
    """Let the backup speak twice every other second."""
    for second in range(first, last, 2):
        pipeline.post(*[an_error(NOON + second * SECOND, "backup")] * 2)
        pipeline.tick(NOON + second * SECOND)


@pytest.mark.parametrize("stored", [False, True])
def test_a_rule_made_while_we_were_away_takes_nothing_uncounted_for_silence(
    *, stored: bool
) -> None:
    pipeline = Behind(OTHER)
    speak(pipeline, 0, 30)
    if stored:
        pipeline.flush()
    speak(pipeline, 30, 300)
    pipeline.ask(OTHER, ABSENT)
    speak(pipeline, 300, 330)
    pipeline.crash(OTHER, ABSENT)
    speak(pipeline, 330, 500)
    assert pipeline.alerts == []
    for second in range(500, 700, 4):
        pipeline.tick(NOON + second * SECOND)
    assert [alert.window.start for alert in pipeline.alerts][:1] == [NOON + 540 * SECOND]


def test_nor_does_one_made_while_we_were_behind() -> None:
    pipeline = Behind(OTHER)
    speak(pipeline, 0, 180)
    pipeline.waiting = []
    speak(pipeline, 180, 300)
    pipeline.change(OTHER, ABSENT)
    speak(pipeline, 300, 330)
    pipeline.catch_up()
    speak(pipeline, 330, 500)
    assert pipeline.alerts == []


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"match": "level == 'FATAL'"}, {"revision": 2, "updated_at": NOON + 120 * SECOND}),
        ({}, {"revision": 3, "updated_at": NOON + 120 * SECOND}),
    ],
    ids=["another match", "switched off and on again"],
)
def test_a_rule_edited_while_we_were_away_takes_no_half_counted_window_for_scarce(
    first: dict[str, Any], then: dict[str, Any], *, told: bool
) -> None:
    """Some of what it counts now may even be stored already; some was not asked for at times."""
    after = a_rule(RuleType.EVENT_COUNT, **{**SCARCE, "match": "level == 'ERROR'"})
    before, after = replace(after, **first), replace(after, **then)
    pipeline = Behind(before)
    speak(pipeline, -600, 60)
    pipeline.ask()
    speak(pipeline, 60, 120)
    pipeline.ask(after)
    if told:
        speak(pipeline, 120, 122)
    pipeline.flush()
    pipeline.crash(after)
    speak(pipeline, 122 if told else 120, 700)
    assert pipeline.alerts == []


@pytest.mark.parametrize("away", [False, True])
def test_a_threshold_edited_while_we_were_away_leaves_no_window_unjudged(*, away: bool) -> None:
    before = a_rule(RuleType.EVENT_COUNT, **SCARCE)
    after = replace(before, threshold=301, revision=2, updated_at=NOON + 120 * SECOND)
    pipeline = Behind(before)
    speak(pipeline, -600, 120)
    pipeline.edit(after, away=away)
    speak(pipeline, 120, 330)
    assert [alert.window.start for alert in pipeline.alerts] == [NOON]


def test_what_was_counted_for_a_rule_before_we_heard_of_it_is_in_its_tally() -> None:
    rule = a_rule(RuleType.EVENT_COUNT, threshold=1e6)
    pipeline = Behind()
    pipeline.ask(rule)
    speak(pipeline, 0, 10)
    pipeline.change(rule)
    speak(pipeline, 10, 20)
    tallies = [journal.partition.vector.tallies for journal in pipeline.journals]
    assert sum(tally.matched for each in tallies for tally in each.values()) == 20
