"""One suite for the rule repository: the fake's, and Postgres' where it can be had."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api_gateway.adapters.postgres import PostgresRuleRepository
from api_gateway.domain.rules import Action, StoredRule, own_fields
from api_gateway.ports import RuleFilter, RuleRepository, TooManyRulesError
from api_gateway.testing import FakeRuleRepository, plain_rule
from service_runtime.errors import TemporaryError
from service_runtime.postgres import open_database

TENANT = "acme"
NOW = 1_769_853_600_123
ALL = RuleFilter()


@pytest.fixture(params=["fake", pytest.param("postgres", marks=pytest.mark.docker)])
async def rules(request: pytest.FixtureRequest) -> AsyncIterator[RuleRepository]:
    if request.param == "fake":
        yield FakeRuleRepository()
        return
    async with open_database(request.getfixturevalue("database_url"), name="test") as database:
        yield PostgresRuleRepository(database)


def a_rule(rule_id: str = "r1", *, at: int = NOW, **changes: Any) -> StoredRule:  # noqa: ANN401 - any JSON
    document = own_fields(plain_rule(**changes))
    return StoredRule(TENANT, rule_id, 1, document, created_at=at, updated_at=at)


def key(rule_id: str = "r1") -> tuple[str, str]:
    return (TENANT, rule_id)


def renamed(name: str) -> Any:  # noqa: ANN401 - a decision
    return lambda rule: rule.revised({**rule.document, "name": name}, NOW + 5)


async def found(rules: RuleRepository, wanted: RuleFilter) -> list[str]:
    return [rule.id for rule in await rules.search(TENANT, wanted)]


async def owed(rules: RuleRepository) -> list[str]:
    return [rule_id for tenant, rule_id in await rules.unpublished(limit=100) if tenant == TENANT]


async def sent(_rule: StoredRule) -> None:
    """Stand in for the topic."""


async def test_what_is_added_is_found_as_it_was(rules: RuleRepository) -> None:
    rule = a_rule(labels={"team": "pay"}, description="\u00fc \U0001f525", threshold=2.5)
    await rules.add(rule, limit=9)
    assert await rules.find(key()) == rule
    assert await rules.find(key("other")) is None
    assert await rules.find(("other", "r1")) is None


async def test_a_tenant_has_at_most_so_many_rules(rules: RuleRepository) -> None:
    await rules.add(a_rule("r1"), limit=2)
    await rules.add(a_rule("r2"), limit=2)
    with pytest.raises(TooManyRulesError):
        await rules.add(a_rule("r3"), limit=2)
    await rules.change(key("r1"), lambda rule: rule.deleted(NOW))
    await rules.add(a_rule("r3"), limit=2)


async def test_a_change_is_stored_with_its_history(rules: RuleRepository) -> None:
    await rules.add(a_rule(), limit=9)
    changed = await rules.change(key(), renamed("new"))
    assert changed is not None
    assert (changed.revision, changed.updated_at, changed.created_at) == (2, NOW + 5, NOW)
    assert await rules.find(key()) == changed
    history = await rules.revisions(key(), before=None, limit=9)
    assert history is not None
    assert [(step.revision, step.action, step.at) for step in history] == [
        (2, Action.UPDATED, NOW + 5),
        (1, Action.CREATED, NOW),
    ]
    assert history[0].document["name"] == "new"
    assert await rules.revisions(key(), before=2, limit=9) == history[1:]
    assert await rules.revisions(key(), before=None, limit=1) == history[:1]
    assert await rules.revisions(key("other"), before=None, limit=9) is None


async def test_nothing_is_stored_when_nothing_changes_or_the_decision_fails(
    rules: RuleRepository,
) -> None:
    def refuse(rule: StoredRule) -> StoredRule:
        raise ZeroDivisionError(rule.id)

    await rules.add(a_rule(), limit=9)
    assert await rules.change(key(), lambda rule: rule) == a_rule()
    with pytest.raises(ZeroDivisionError):
        await rules.change(key(), refuse)
    assert await rules.find(key()) == a_rule()
    assert await rules.change(key("other"), refuse) is None


async def test_changes_at_once_lose_nothing(rules: RuleRepository) -> None:
    await rules.add(a_rule(), limit=9)
    await asyncio.gather(*(rules.change(key(), renamed(str(number))) for number in range(8)))
    rule = await rules.find(key())
    assert rule is not None
    assert rule.revision == 9


async def test_a_deleted_rule_is_gone_but_owed_to_the_topic(rules: RuleRepository) -> None:
    await rules.add(a_rule(), limit=9)
    await rules.publish(key(), sent)
    await rules.change(key(), lambda rule: rule.deleted(NOW + 9))
    assert await rules.find(key()) is None
    assert await found(rules, ALL) == []
    assert await rules.change(key(), renamed("x")) is None
    assert await owed(rules) == ["r1"]
    heads = await rules.heads()
    assert heads[key()] is None
    seen: list[StoredRule] = []

    async def send(rule: StoredRule) -> None:
        seen.append(rule)

    await rules.publish(key(), send)
    assert (seen[0].deleted_at, seen[0].revision) == (NOW + 9, 2)
    assert await owed(rules) == []


async def test_a_list_is_in_the_order_of_names(rules: RuleRepository) -> None:
    for rule_id, name in (("1", "b"), ("2", "B"), ("3", "a"), ("4", "\u00e4"), ("5", "a")):
        await rules.add(a_rule(rule_id, name=name), limit=9)
    assert await found(rules, ALL) == ["2", "3", "5", "1", "4"]
    assert await found(rules, RuleFilter(limit=2)) == ["2", "3"]
    assert await found(rules, RuleFilter(after=("a", "3"))) == ["5", "1", "4"]
    assert await rules.search("other", ALL) == []


async def test_a_list_is_filtered(rules: RuleRepository) -> None:
    await rules.add(a_rule("1", name="a", labels={"team": "pay", "x": "1"}), limit=9)
    await rules.add(a_rule("2", name="b", severity="LOW", description="100% OF_all"), limit=9)
    await rules.add(a_rule("3", name="c", type="LATENCY", enabled=False), limit=9)
    assert await found(rules, RuleFilter(types=["LATENCY"])) == ["3"]
    assert await found(rules, RuleFilter(severities=["LOW", "INFO"])) == ["2"]
    assert await found(rules, RuleFilter(enabled=False)) == ["3"]
    assert await found(rules, RuleFilter(enabled=True)) == ["1", "2"]
    assert await found(rules, RuleFilter(labels=[("team", "pay"), ("x", "1")])) == ["1"]
    assert await found(rules, RuleFilter(labels=[("team", "x")])) == []
    assert await found(rules, RuleFilter(text="100% of_A")) == ["2"]
    assert await found(rules, RuleFilter(text="%")) == ["2"]


async def test_what_is_published_is_owed_no_more_until_it_changes(rules: RuleRepository) -> None:
    await rules.add(a_rule("r1"), limit=9)
    await rules.add(a_rule("r2", at=NOW + 1), limit=9)
    assert await owed(rules) == ["r1", "r2"]
    await rules.publish(key("r1"), sent)
    assert await owed(rules) == ["r2"]
    await rules.change(key("r1"), renamed("x"))
    assert await owed(rules) == ["r2", "r1"]


async def test_a_publication_that_fails_stays_owed(rules: RuleRepository) -> None:
    async def fail(_rule: StoredRule) -> None:
        raise TemporaryError("away")  # noqa: EM101 - a test

    await rules.add(a_rule(), limit=9)
    with pytest.raises(TemporaryError):
        await rules.publish(key(), fail)
    assert await owed(rules) == ["r1"]


async def test_what_is_published_is_not_sent_again(rules: RuleRepository) -> None:
    async def fail(rule: StoredRule) -> None:
        raise ZeroDivisionError(rule.id)

    await rules.add(a_rule(), limit=9)
    await rules.publish(key(), sent)
    await rules.publish(key(), fail)
    await rules.publish(key("other"), fail)


async def test_revisions_are_sent_in_order_whatever_comes_at_once(rules: RuleRepository) -> None:
    seen: list[int] = []

    async def send(rule: StoredRule) -> None:
        await asyncio.sleep(0.01)
        seen.append(rule.revision)

    await rules.add(a_rule(), limit=9)
    first = asyncio.create_task(rules.publish(key(), send))
    await asyncio.sleep(0.005)
    await rules.change(key(), renamed("x"))
    await asyncio.gather(first, rules.publish(key(), send), rules.publish(key(), send))
    assert seen in ([1, 2], [2])
    assert await owed(rules) == []


async def test_rules_can_be_marked_as_owed_again(rules: RuleRepository) -> None:
    for rule_id in ("r1", "r2"):
        await rules.add(a_rule(rule_id), limit=9)
        await rules.publish(key(rule_id), sent)
    await rules.unpublish([key("r2")])
    await rules.unpublish([])
    assert await owed(rules) == ["r2"]
    heads = await rules.heads()
    assert (heads[key("r1")], heads[key("r2")]) == ((1, NOW), (1, NOW))


async def test_deleted_rules_are_forgotten_once_published(rules: RuleRepository) -> None:
    for rule_id in ("r1", "r2", "r3"):
        await rules.add(a_rule(rule_id), limit=9)
    for rule_id in ("r1", "r2"):
        await rules.change(key(rule_id), lambda rule: rule.deleted(NOW + 9))
    await rules.publish(key("r1"), sent)
    assert await rules.purge(deleted_before=NOW + 9) == 0
    assert await rules.purge(deleted_before=NOW + 10) == 1
    assert await rules.revisions(key("r1"), before=None, limit=9) is None
    assert await rules.revisions(key("r2"), before=None, limit=9) is not None


@pytest.mark.docker
async def test_a_fresh_install_has_three_rules(database_url: str) -> None:
    async with open_database(database_url, name="test") as database:
        rules = PostgresRuleRepository(database)
        names = [rule.id for rule in await rules.search("default", ALL)]
        assert sorted(names) == ["default-error-count", "default-latency", "default-server-errors"]
        assert len(await rules.unpublished(limit=9)) == 3
        history = await rules.revisions(("default", "default-latency"), before=None, limit=9)
        assert history is not None
        assert [step.action for step in history] == [Action.CREATED]


async def test_postgres_away_is_a_temporary_failure() -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    async with open_database(url, name="test", patience=0.2) as database:
        with pytest.raises(TemporaryError):
            await PostgresRuleRepository(database).find(key())
