"""A rule has its own `maxGroups` and `allowedLateness`, whoever counts the same."""

from typing import Any

import msgspec.structs
import pytest

from alert_contracts.rules import Rule, RuleType
from alert_rule_engine.domain.compiling import compile_rule
from alert_rule_engine.domain.memory import MAX_GROUP_TERMS
from alert_rule_engine.domain.partials import MAX_CHANGES, Block
from alert_rule_engine.domain.statuses import statuses
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def counting(**changes: Any) -> Rule:  # noqa: ANN401
    window = tumbling(MINUTE, lateness=0)
    return a_rule(RuleType.EVENT_COUNT, match="true", **{"window": window, **changes})


def test_a_rule_with_room_for_more_groups_gives_no_other_rule_more() -> None:
    small = counting(threshold=0, max_groups=1)
    large = counting(id="large", threshold=10**9, max_groups=500)
    pipeline = Pipeline(small, large)
    pipeline.post(*(an_error(service=f"group{number}") for number in range(20)))
    names = sorted(each.labels["alertname"] for each in pipeline.alerts)
    assert names == ["A rule", "A rule: too many groups"]


def test_a_rule_that_waits_longer_lets_no_other_rule_count_late_events() -> None:
    prompt = counting(threshold=0)
    patient = counting(id="patient", threshold=0, window=tumbling(MINUTE, lateness=60 * MINUTE))
    pipeline = Pipeline(prompt, patient)
    for second in range(0, 600, 4):
        pipeline.tick(NOON + second * SECOND)
    pipeline.post(an_error(NOON + 5 * SECOND))
    assert {each.rule.id for each in pipeline.alerts} == {"patient"}


@pytest.mark.parametrize(
    "change", [{"max_groups": 600}, {"window": tumbling(MINUTE, lateness=SECOND)}]
)
def test_another_bound_counts_anew_and_ends_the_alerts_of_the_rule(change: dict[str, Any]) -> None:
    rule = counting(threshold=1, max_groups=500)
    edited = msgspec.structs.replace(rule, revision=2, **change)
    assert compile_rule(rule).spec.id != compile_rule(edited).spec.id
    pipeline = Pipeline(rule)
    pipeline.post(an_error(), an_error())
    pipeline.change(edited)
    assert [each.status for each in pipeline.alerts] == ["firing", "resolved"]
    assert pipeline.alerts[-1].reason == "the rule was changed: it starts anew"
    pipeline.post(an_error(NOON + 2))
    assert len(pipeline.alerts) == 2
    pipeline.post(an_error(NOON + 3))
    assert [each.status for each in pipeline.alerts[2:]] == ["firing"]


def test_events_of_a_group_without_room_add_nothing_to_the_figures_of_another() -> None:
    rule = a_rule(
        RuleType.METRIC,
        condition="sum > threshold",
        value="responseTime",
        threshold=5,
        max_groups=1,
    )
    pipeline = Pipeline(rule)
    pipeline.post(an_error(response_time=3.0), an_error(service="other", response_time=9.0))
    assert not [each for each in pipeline.alerts if "service" in each.group]
    pipeline.post(an_error(NOON + 1, response_time=3.0))
    (alert,) = [each for each in pipeline.alerts if "service" in each.group]
    assert alert.aggregates["sum"] == 6.0


def surplus(pipeline: Pipeline) -> int:
    journals = pipeline.journals
    return sum(each.surplus for j in journals for each in statuses(j.partition, pipeline.now))


def crowded(max_groups: int = 3, **changes: Any) -> Rule:  # noqa: ANN401
    """Return a rule that misses groups, and has room for the three of `beat`."""
    window = tumbling(MINUTE, lateness=0)
    return a_rule(RuleType.ABSENCE, threshold=None, window=window, max_groups=max_groups, **changes)


def beat(pipeline: Pipeline, since: int, until: int, *further: str) -> None:
    """Let groups a, b and c send every 10 s, and those that come later right behind them."""
    for second in range(since, until):
        at = NOON + second * SECOND
        if second % 10 == 0:
            names = ("a", "b", "c", *further)
            pipeline.post(*(an_error(at, service=name) for name in names))
        pipeline.tick(at + SECOND)


def missed(pipeline: Pipeline) -> list[tuple[str, str]]:
    return [(each.status, each.group["service"]) for each in pipeline.alerts if each.group]


def test_a_group_that_is_expected_has_room_when_others_took_all_of_it() -> None:
    pipeline = Pipeline(crowded(expect=(("backup",),)))
    beat(pipeline, 0, 10)
    beat(pipeline, 10, 300, "backup")
    assert missed(pipeline) == []
    beat(pipeline, 300, 420)
    assert missed(pipeline) == [("firing", "backup")]
    assert surplus(pipeline) == 0


def test_a_group_that_is_expected_counts_among_those_that_are_kept() -> None:
    pipeline = Pipeline(crowded(4, expect=(("backup",),)))
    beat(pipeline, 0, 10, "backup", "other")
    assert surplus(pipeline) == 1


def test_a_group_that_is_expected_has_room_after_a_restart_from_what_was_stored() -> None:
    pipeline = Pipeline(crowded(expect=(("backup",),)))
    beat(pipeline, 0, 50)
    pipeline.flush()
    pipeline.crash()
    beat(pipeline, 50, 300, "backup")
    assert (missed(pipeline), surplus(pipeline)) == ([], 0)


@pytest.mark.parametrize("restarted", [True, False])
def test_a_group_that_had_no_room_before_it_was_expected_is_not_missed(*, restarted: bool) -> None:
    pipeline = Pipeline(crowded())
    beat(pipeline, 0, 110, "backup")
    edited = crowded(expect=(("backup",),), revision=2)
    pipeline.edit(edited, away=restarted)
    # All that it sent in this minute was turned away: nothing says that it was silent.
    beat(pipeline, 110, 130)
    beat(pipeline, 130, 180, "backup")
    assert missed(pipeline) == []
    beat(pipeline, 180, 270)
    assert missed(pipeline) == [("firing", "backup")]


def test_a_value_that_flaps_beyond_what_is_kept_of_a_batch_pages_nobody() -> None:
    rule = a_rule(RuleType.CHANGE, value="message", threshold=None, min_count=10**6, max_groups=500)
    pipeline = Pipeline(rule)
    flapping = (an_error(NOON + n, message="ab"[n % 2]) for n in range(200))
    losses = [each.losses for each in pipeline.post(*flapping)]
    assert pipeline.alerts == []
    assert sum(each.surplus for each in losses) == 0
    assert sum(each.excess for each in losses) == surplus(pipeline) == 200 - MAX_CHANGES


def test_a_group_that_flaps_leaves_the_alerts_of_others_alone() -> None:
    minute: dict[str, Any] = {"window": tumbling(MINUTE), "resolve_after": MINUTE}
    minute["max_groups"] = 100  # so few are all in one place
    pipeline = Pipeline(a_rule(RuleType.CHANGE, value="message", threshold=None, **minute))
    for second in range(0, 300, 4):
        if second in {0, 60}:
            pipeline.post(an_error(NOON + second * SECOND, "calm", message=f"at {second}"))
        if second % 20 == 0:
            times = range(NOON + second * SECOND, NOON + second * SECOND + 200)
            pipeline.post(*(an_error(at, "flaps", message="ab"[at % 2]) for at in times))
        pipeline.tick(NOON + second * SECOND)
    assert surplus(pipeline) > 0
    calm = [alert for alert in pipeline.alerts if alert.group == {"service": "calm"}]
    assert [alert.status for alert in calm] == ["firing", "resolved"]
    flaps = [alert for alert in pipeline.alerts if alert.group == {"service": "flaps"}]
    assert {alert.status for alert in flaps} == {"firing", "updated"}


@pytest.mark.parametrize("more", [0, 1])
def test_rows_that_had_no_room_are_told_from_values_that_flap(more: int) -> None:
    runs = [(NOON + number, "ab"[number % 2]) for number in range(MAX_CHANGES)]
    block = Block("s", NOON, 10_000, [0, 0], [("a",), ("b",)], [100, 1], changes=[runs, runs[:1]])
    block.surplus = 100 - MAX_CHANGES + more
    assert block.lacks_rows is bool(more)


def test_terms_beyond_those_that_are_kept_page_nobody() -> None:
    rule = a_rule(RuleType.NEW_TERM, value="message", threshold=None, max_groups=500)
    pipeline = Pipeline(rule)
    terms = MAX_GROUP_TERMS + 5
    losses = [
        each.losses
        for begin in range(0, terms, 2_500)
        for each in pipeline.post(
            *(an_error(message=f"v{n}") for n in range(begin, min(begin + 2_500, terms)))
        )
    ]
    assert pipeline.alerts == []
    assert sum(each.surplus for each in losses) == 0
    assert sum(each.excess for each in losses) == surplus(pipeline) == 5
