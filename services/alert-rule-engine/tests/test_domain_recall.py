"""What NEW_TERM and CHANGE have learnt outlives that a rule is off for a while, or edited."""

from typing import Any

import pytest

from alert_contracts.rules import Rule, RuleType, Severity
from alert_rule_engine.domain.compiling import compile_rule
from alert_rule_engine.domain.memory import Terms, Values
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
KINDS = [RuleType.NEW_TERM, RuleType.CHANGE]
OTHER = a_rule(RuleType.EVENT_COUNT, id="other", threshold=1_000, match="level == 'INFO'")


def finding(kind: RuleType = RuleType.NEW_TERM, **changes: Any) -> Rule:  # noqa: ANN401
    window = tumbling(5 * MINUTE)
    return a_rule(kind, threshold=None, value="attributes.country", window=window, **changes)


def post(pipeline: Pipeline, minute: int, country: str) -> None:
    pipeline.post(an_error(NOON + minute * MINUTE, attributes={"country": country}))


def play(pipeline: Pipeline, first: int, last: int) -> None:
    """Let time pass, in minutes."""
    for minute in range(first, last):
        pipeline.tick(NOON + minute * MINUTE)


def taught(*rules: Rule, countries: str = "DE") -> Pipeline:
    """Return both stages when the rules have learnt countries."""
    pipeline = Pipeline(*rules)
    play(pipeline, 0, 2)
    for country in countries.split():
        post(pipeline, 2, country)
    play(pipeline, 2, 4)
    play(pipeline, 4, 20)
    return pipeline


def learnt(pipeline: Pipeline) -> int:
    """Return how many groups are known to NEW_TERM and CHANGE, whether or not they are read."""
    buckets = [each for journal in pipeline.journals for each in journal.partition.buckets]
    memories = [panes.memory for bucket in buckets for panes in bucket.specs.values()]
    return sum(len(each) for each in memories if isinstance(each, Terms | Values))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("off", [1, 50])
def test_a_rule_that_was_off_for_less_than_an_hour_knows_what_it_had_learnt(
    kind: RuleType, off: int
) -> None:
    pipeline = taught(finding(kind))
    pipeline.change(OTHER)
    play(pipeline, 20, 20 + off)
    pipeline.change(finding(kind))
    play(pipeline, 20 + off, 40 + off)
    post(pipeline, 40 + off, "DE")
    assert pipeline.said() == []
    post(pipeline, 41 + off, "NO")
    assert pipeline.said() == ["firing pay 1"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_rule_had_learnt_is_let_go_an_hour_after_it_was_switched_off(
    kind: RuleType,
) -> None:
    pipeline = taught(finding(kind))
    pipeline.change(OTHER)
    play(pipeline, 20, 75)
    pipeline.flush()
    assert learnt(pipeline) == 1
    play(pipeline, 75, 85)
    assert learnt(pipeline) == 0
    pipeline.flush()
    pipeline.flush()
    pipeline.crash()
    assert learnt(pipeline) == 0
    assert not [key for key in pipeline.stored if b"!" in key]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stopped", [False, True], ids=["stored before", "stored after"])
def test_a_restart_while_a_rule_is_off_forgets_nothing_that_it_had_learnt(
    kind: RuleType,
    stopped: bool,  # noqa: FBT001
) -> None:
    pipeline = taught(finding(kind))
    pipeline.flush()
    if stopped:
        pipeline.change(OTHER)
        play(pipeline, 20, 22)
        pipeline.flush()
    pipeline.crash(OTHER)
    play(pipeline, 22, 25)
    pipeline.flush()
    pipeline.crash()
    pipeline.change(finding(kind))
    play(pipeline, 25, 40)
    post(pipeline, 40, "DE")
    assert pipeline.said() == []
    post(pipeline, 41, "NO")
    assert pipeline.said() == ["firing pay 1"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("days", [1, 60])
def test_an_edit_of_remember_forgets_nothing(kind: RuleType, days: int) -> None:
    pipeline = taught(finding(kind))
    pipeline.change(finding(kind, remember=days * DAY, revision=2, updated_at=1))
    play(pipeline, 20, 40)
    post(pipeline, 40, "DE")
    assert pipeline.said() == []
    post(pipeline, 41, "NO")
    assert pipeline.said() == ["firing pay 1"]


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [(60, 600, False), (600, 60, True), (600, 600, False), (60, 60, True)],
)
@pytest.mark.parametrize("restart", [False, True])
def test_a_value_is_known_for_as_long_as_the_edited_rule_remembers(
    before: int,
    after: int,
    news: bool,  # noqa: FBT001
    restart: bool,  # noqa: FBT001
) -> None:
    pipeline = taught(finding(remember=before * MINUTE), countries="FR DE")
    edited = finding(remember=after * MINUTE, revision=2, updated_at=1)
    pipeline.change(edited)
    if restart:
        pipeline.flush()
        pipeline.crash()
    for minute in range(20, 120, 4):
        post(pipeline, minute, "DE")
        play(pipeline, minute, minute + 4)
    assert pipeline.said() == []
    post(pipeline, 120, "FR")
    assert pipeline.said() == ["firing pay 1"] * news


def test_rules_that_find_the_same_remember_for_as_long_as_the_longest() -> None:
    long = finding(id="long", remember=600 * MINUTE)
    pipeline = taught(long, finding(remember=60 * MINUTE), countries="FR DE")
    for minute in range(20, 120, 4):
        post(pipeline, minute, "DE")
        play(pipeline, minute, minute + 4)
    post(pipeline, 120, "FR")
    assert pipeline.said() == []


def test_what_is_stored_is_found_by_ids_that_stay_as_they_are() -> None:
    ids = {kind: compile_rule(finding(kind)).spec.id for kind in KINDS}
    assert ids == {RuleType.NEW_TERM: "cd32a2b4e035c8c5", RuleType.CHANGE: "3be067df5c86d171"}
    assert compile_rule(OTHER).spec.id == "9539d397a71273ce"


FOUND = {RuleType.NEW_TERM: {"value": "NO"}, RuleType.CHANGE: {"old": "DE", "new": "NO"}}


@pytest.mark.parametrize("kind", KINDS)
def test_an_alert_that_goes_on_with_another_severity_tells_what_was_found(kind: RuleType) -> None:
    pipeline = taught(finding(kind))
    post(pipeline, 21, "NO")
    play(pipeline, 21, 23)
    for revision, severity in enumerate((Severity.LOW, Severity.CRITICAL), 2):
        pipeline.change(finding(kind, severity=severity, revision=revision))
    told = [alert for alert in pipeline.alerts if alert.status == "firing"]
    assert [alert.severity for alert in told] == ["CRITICAL", "LOW", "CRITICAL"]
    assert [alert.found for alert in told] == [FOUND[kind]] * 3
    assert len({(alert.reason, alert.starts_at) for alert in told}) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("id_", ["r1", "twin"])
def test_a_rule_tells_nothing_of_which_it_does_not_know_what_it_was(
    kind: RuleType, id_: str
) -> None:
    waiting = finding(kind, condition="count > 1")
    pipeline = taught(waiting)
    post(pipeline, 21, "NO")
    play(pipeline, 21, 22)
    pipeline.change(finding(kind, id=id_, revision=2), *([] if id_ == "r1" else [waiting]))
    play(pipeline, 22, 24)
    assert pipeline.alerts == []
    post(pipeline, 24, "SE")
    (told,) = [alert for alert in pipeline.alerts if alert.rule.id == id_]
    assert (told.status, told.aggregates["count"]) == ("firing", 2)
    assert "SE" in told.found.values()


@pytest.mark.parametrize("kind", KINDS)
def test_an_edit_of_an_open_alert_says_nothing_new_of_it(kind: RuleType) -> None:
    pipeline = taught(finding(kind))
    post(pipeline, 21, "NO")
    pipeline.change(finding(kind, condition="count > 0 && count < 9", revision=2))
    assert [alert.status for alert in pipeline.alerts] == ["firing"]
    play(pipeline, 21, 23)
    assert all(alert.found == FOUND[kind] for alert in pipeline.alerts)
