"""The use cases of rules: stored first, then live; and what was missed is made up for."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple

import pytest

from api_gateway.domain.rule_show import show
from api_gateway.domain.rules import StoredRule
from api_gateway.handlers.publishing import KEEP_DELETED_MS, Publication
from api_gateway.handlers.ruling import (
    NotLiveError,
    RevisionMismatchError,
    RuleInvalidError,
    Rules,
    always,
)
from api_gateway.ports import RuleFilter, TooManyRulesError
from api_gateway.testing import FakeRuleRepository, FakeRuleTopic, plain_rule
from service_runtime.errors import TemporaryError


class World(NamedTuple):
    """The use cases and what they stand on."""

    rules: Rules
    publication: Publication
    repository: FakeRuleRepository
    topic: FakeRuleTopic


def ticking() -> Callable[[], int]:
    """Return a clock that moves with each look."""
    ticks: Iterator[int] = count(1_000)
    return lambda: next(ticks)


@pytest.fixture
def world() -> World:
    """Return everything, empty."""
    repository, topic, clock = FakeRuleRepository(), FakeRuleTopic(), ticking()
    numbers = count(1)
    publication = Publication(repository, topic, clock=clock)
    rules = Rules(
        repository,
        topic,
        publication,
        clock=clock,
        new_id=lambda: f"r{next(numbers)}",
        check_template=lambda _text, _alert: None,
        limit=3,
    )
    return World(rules, publication, repository, topic)


KEY = ("default", "r1")


async def created(world: World) -> StoredRule:
    """Return a rule that is stored and live."""
    return await world.rules.create("default", plain_rule())


def live(world: World) -> dict[str, tuple[int, float | None, bool]]:
    """Return revision, threshold and state of each rule on the topic."""
    return {
        rule.id: (rule.revision, rule.threshold, rule.enabled)
        for rule in world.topic.rules.values()
    }


async def test_a_new_rule_is_stored_and_live(world: World) -> None:
    rule = await created(world)
    assert (rule.id, rule.revision) == ("r1", 1)
    assert await world.rules.find(KEY) is not None
    assert live(world) == {"r1": (1, 100.0, True)}


async def test_a_bad_rule_is_refused_and_nothing_is_stored(world: World) -> None:
    with pytest.raises(RuleInvalidError) as caught:
        await world.rules.create("default", plain_rule(condition="count >"))
    assert caught.value.problems[0].pointer == "/condition"
    assert await world.rules.search("default", RuleFilter()) == []
    assert live(world) == {}


async def test_a_draft_is_stored_nowhere(world: World) -> None:
    assert world.rules.draft("default", plain_rule()).revision == 1
    assert await world.rules.search("default", RuleFilter()) == []
    with pytest.raises(RuleInvalidError):
        world.rules.draft("default", {})


async def test_a_tenant_has_no_more_rules_than_it_may(world: World) -> None:
    for _ in range(3):
        await created(world)
    with pytest.raises(TooManyRulesError):
        await created(world)


async def test_a_replaced_rule_is_live(world: World) -> None:
    await created(world)
    changed = await world.rules.replace(KEY, plain_rule(threshold=5), only_if=always)
    assert changed is not None
    assert live(world) == {"r1": (2, 5.0, True)}


async def test_the_same_rule_again_is_no_new_revision(world: World) -> None:
    await created(world)
    same = await world.rules.replace(KEY, plain_rule(), only_if=always)
    assert same is not None
    assert same.revision == 1


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"windowMinutes": None, "window": {"size": "90s"}, "labels": {"team": "pay"}},
        {"windowMinutes": None},
        {"type": "ABSENCE", "threshold": None, "condition": None, "expect": ["a"]},
        {"type": "SPIKE", "threshold": None, "condition": None, "factor": 2},
    ],
)
async def test_a_rule_as_it_is_shown_is_no_new_revision(
    world: World, changes: dict[str, Any]
) -> None:
    rule = await world.rules.create("default", plain_rule(**changes))
    same = await world.rules.replace(KEY, show(rule), only_if=always)
    assert same is not None
    assert same.revision == 1
    patched = await world.rules.patch(KEY, {"enabled": True}, only_if=always)
    assert patched is not None
    assert patched.revision == 1
    off = await world.rules.replace(KEY, {**show(rule), "enabled": False}, only_if=always)
    assert off is not None
    assert off.revision == 2


async def test_a_stored_rule_that_would_be_refused_by_now_is_taken_as_it_is_shown(
    world: World,
) -> None:
    stored = StoredRule("default", "r1", 1, plain_rule(condition="count > 5"), 0, 0)
    await world.repository.add(stored, limit=3)
    same = await world.rules.replace(KEY, show(stored), only_if=always)
    assert same is not None
    assert same.revision == 1
    with pytest.raises(RuleInvalidError):
        await world.rules.replace(KEY, {**show(stored), "severity": "LOW"}, only_if=always)


async def test_another_kind_of_term_is_a_change(world: World) -> None:
    match = {"type": "MATCH", "match": "true", "threshold": None, "condition": None}
    listed = {**plain_rule(**match), "value": "attributes.ok"}
    await world.rules.create("default", {**listed, "blacklist": [1]})
    changed = await world.rules.replace(KEY, {**listed, "blacklist": [True]}, only_if=always)
    assert changed is not None
    assert changed.revision == 2


async def test_a_patch_is_checked_as_a_whole(world: World) -> None:
    await created(world)
    patched = await world.rules.patch(KEY, {"threshold": 7}, only_if=always)
    assert patched is not None
    assert live(world) == {"r1": (2, 7.0, True)}
    with pytest.raises(RuleInvalidError):
        await world.rules.patch(KEY, {"threshold": None}, only_if=always)
    assert live(world) == {"r1": (2, 7.0, True)}


async def test_a_rule_is_switched_off_and_on(world: World) -> None:
    await created(world)
    await world.rules.switch(KEY, enabled=False, only_if=always)
    assert live(world) == {"r1": (2, 100.0, False)}
    same = await world.rules.switch(KEY, enabled=False, only_if=always)
    assert same is not None
    assert same.revision == 2
    await world.rules.switch(KEY, enabled=True, only_if=always)
    assert live(world) == {"r1": (3, 100.0, True)}


async def test_a_deleted_rule_is_withdrawn_and_its_history_stays(world: World) -> None:
    await created(world)
    await world.rules.delete(KEY, only_if=always)
    assert live(world) == {}
    assert await world.rules.find(KEY) is None
    history = await world.rules.revisions(KEY, before=None, limit=10)
    assert history is not None
    assert [step.action.value for step in history] == ["deleted", "created"]


async def test_what_is_not_there_is_not_changed(world: World) -> None:
    assert await world.rules.replace(KEY, plain_rule(), only_if=always) is None
    assert await world.rules.patch(KEY, {}, only_if=always) is None
    assert await world.rules.switch(KEY, enabled=True, only_if=always) is None
    assert await world.rules.delete(KEY, only_if=always) is None
    assert await world.rules.revisions(KEY, before=None, limit=10) is None


async def test_a_write_is_guarded_by_the_revision(world: World) -> None:
    await created(world)
    with pytest.raises(RevisionMismatchError) as caught:
        await world.rules.delete(KEY, only_if=lambda revision: revision == 7)
    assert caught.value.revision == 1
    assert live(world) == {"r1": (1, 100.0, True)}


async def test_nothing_is_stored_while_kafka_is_known_to_be_away(world: World) -> None:
    await created(world)
    world.topic.away = True
    with pytest.raises(TemporaryError):
        await world.rules.create("default", plain_rule())
    with pytest.raises(TemporaryError):
        await world.rules.delete(KEY, only_if=always)
    assert len(await world.rules.search("default", RuleFilter())) == 1


async def test_what_was_stored_as_kafka_went_away_is_published_when_it_is_back(
    world: World,
) -> None:
    world.topic.breaks_after_demand = True
    with pytest.raises(NotLiveError) as caught:
        await created(world)
    assert caught.value.rule.id == "r1"
    assert live(world) == {}
    with pytest.raises(TemporaryError):
        await world.publication.publish_owed()
    world.topic.breaks_after_demand = False
    assert await world.publication.publish_owed() == 1
    assert live(world) == {"r1": (1, 100.0, True)}
    assert await world.publication.publish_owed() == 0


async def test_a_topic_that_was_wiped_is_filled_again(world: World) -> None:
    for _ in range(3):
        await created(world)
    await world.rules.delete(("default", "r3"), only_if=always)
    world.topic.rules.clear()
    assert await world.publication.compare() == 2
    assert await world.publication.publish_owed() == 2
    assert set(live(world)) == {"r1", "r2"}
    assert await world.publication.compare() == 0


async def test_a_rule_that_only_the_topic_knows_is_withdrawn(world: World) -> None:
    await created(world)
    (rule,) = world.topic.rules.values()
    world.topic.rules["default", "stranger"] = rule
    assert await world.publication.compare() == 1
    assert set(live(world)) == {"r1"}


async def test_a_tombstone_that_was_missed_is_made_up_for(world: World) -> None:
    await created(world)
    kept = dict(world.topic.rules)
    await world.rules.delete(KEY, only_if=always)
    world.topic.rules.update(kept)
    assert await world.publication.compare() == 1
    await world.publication.publish_owed()
    assert live(world) == {}


async def test_a_deleted_rule_is_forgotten_after_a_month(world: World) -> None:
    await created(world)
    await world.rules.delete(KEY, only_if=always)
    await world.publication.publish_owed()
    assert await world.rules.revisions(KEY, before=None, limit=1)
    later = Publication(world.repository, world.topic, clock=lambda: KEEP_DELETED_MS + 10_000)
    await later.publish_owed()
    assert await world.rules.revisions(KEY, before=None, limit=1) is None


async def test_a_repository_that_is_away_is_said_so(world: World) -> None:
    world.repository.away = True
    with pytest.raises(TemporaryError):
        await world.rules.find(KEY)
    with pytest.raises(TemporaryError):
        await created(world)
