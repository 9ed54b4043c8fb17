"""The reconciler: compares at start and after an outage, and never stops."""

import pytest

from api_gateway.domain.rules import StoredRule, own_fields
from api_gateway.entrypoints.timer import Reconciler
from api_gateway.handlers.publishing import Publication
from api_gateway.testing import FakeRuleRepository, FakeRuleTopic, plain_rule
from service_runtime.errors import TemporaryError


async def stocked() -> FakeRuleRepository:
    """Return a repository with one rule that is owed."""
    repository = FakeRuleRepository()
    document = own_fields(plain_rule())
    rule = StoredRule("default", "r1", 1, document, created_at=5, updated_at=5)
    await repository.add(rule, limit=9)
    return repository


def reconciler(repository: FakeRuleRepository, topic: FakeRuleTopic) -> Reconciler:
    return Reconciler(Publication(repository, topic, clock=lambda: 9), pause=60)


async def test_what_is_owed_at_start_is_published() -> None:
    topic = FakeRuleTopic()
    await reconciler(await stocked(), topic).once()
    assert set(topic.rules) == {("default", "r1")}


async def test_a_topic_wiped_in_an_outage_is_filled_when_it_is_back() -> None:
    topic = FakeRuleTopic()
    timer = reconciler(await stocked(), topic)
    await timer.once()
    topic.rules.clear()
    await timer.once()
    assert topic.rules == {}
    topic.breaks_after_demand = True
    await timer.once()
    timer = reconciler(await stocked(), topic)
    await timer.once()
    topic.breaks_after_demand = False
    await timer.once()
    assert set(topic.rules) == {("default", "r1")}


async def test_no_outage_and_no_fault_ends_it() -> None:
    class Broken(FakeRuleTopic):
        async def content(self) -> dict[tuple[str, str], tuple[int, int]]:
            raise ZeroDivisionError

    repository, topic = await stocked(), FakeRuleTopic()
    topic.away = True
    timer = reconciler(repository, topic)
    await timer.once()
    assert topic.rules == {}
    topic.away = False
    await timer.once()
    assert set(topic.rules) == {("default", "r1")}
    await reconciler(repository, Broken()).once()


async def test_it_says_whether_rules_may_be_unpublished_and_why() -> None:
    topic = FakeRuleTopic()
    timer = reconciler(await stocked(), topic)
    with pytest.raises(TemporaryError, match="not been looked yet"):
        await timer.check()
    topic.away = True
    await timer.once()
    with pytest.raises(TemporaryError, match="Kafka is away"):
        await timer.check()
    assert not timer.published.is_set()
    topic.away = False
    await timer.once()
    await timer.check()
    assert timer.published.is_set()


async def test_it_looks_again_soon_until_it_has_published_for_the_first_time() -> None:
    topic = FakeRuleTopic()
    topic.away = True
    timer = reconciler(await stocked(), topic)
    assert [await timer.once() for _ in range(3)] == [0.25, 0.5, 1]
    topic.away = False
    assert await timer.once() == 60
    topic.away = True
    assert await timer.once() == 60
