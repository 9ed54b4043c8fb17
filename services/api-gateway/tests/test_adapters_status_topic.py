"""One suite for the feed of statuses: the fake's, and Kafka's where it can be had."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import pytest

from alert_contracts.rule_status import STALE_MS, RuleStatus, encode_status, status_key
from alert_contracts.topics import Topic
from api_gateway.adapters.rule_topic import rule_consumer
from api_gateway.adapters.status_topic import KafkaStatusFeed
from api_gateway.ports import StatusFeed
from api_gateway.testing import FakeStatusFeed
from service_runtime.clock import now_ms
from service_runtime.errors import TemporaryError
from service_runtime.kafka import KafkaProducer
from service_runtime.provision import provision
from service_runtime.testing import Backing

TENANT = f"t{secrets.token_hex(4)}"


class World(NamedTuple):
    """A feed, and a way to have workers speak."""

    feed: StatusFeed
    say: Callable[[RuleStatus], Awaitable[None]]


@pytest.fixture(params=["fake", pytest.param("kafka", marks=pytest.mark.docker)])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        fake = FakeStatusFeed(clock=now_ms)

        async def say(status: RuleStatus) -> None:
            fake.say(status)

        yield World(fake, say)
        return
    backing: Backing = request.getfixturevalue("backing")
    provision(backing.kafka)
    producer = KafkaProducer(backing.kafka, client_id="test")

    async def produce(status: RuleStatus) -> None:
        await producer.send(Topic.RULE_STATUS, encode_status(status), key=status_key(status))
        await producer.send(Topic.RULE_STATUS, b"no status", key=b"poison")
        await producer.send(Topic.RULE_STATUS, None, key=b"tombstone")

    feed = KafkaStatusFeed(lambda: rule_consumer(backing.kafka, {}), clock=now_ms)
    yield World(feed, produce)
    await feed.close()
    await producer.close(5)


async def heard(feed: StatusFeed, count: int) -> list[RuleStatus]:
    """Return the first statuses of this test."""
    found: list[RuleStatus] = []
    for _ in range(40):
        found += [each for each in await feed.told() if each.tenant == TENANT]
        if len(found) >= count:
            break
    return found


async def test_what_was_told_before_and_after_it_listens_is_heard_once(world: World) -> None:
    before = RuleStatus(TENANT, "r1", 1, "aggregate", "0", now_ms(), matched=5)
    after = RuleStatus(TENANT, "r2", 2, "evaluate", "w", now_ms(), cpu_share=0.5)
    await world.say(before)
    assert await heard(world.feed, 1) == [before]
    await world.say(after)
    assert await heard(world.feed, 1) == [after]
    assert not [each for each in await world.feed.told() if each.tenant == TENANT]


async def test_a_fake_feed_forgets_what_is_stale_too() -> None:
    fake = FakeStatusFeed(clock=now_ms)
    fake.say(RuleStatus(TENANT, "r", 1, "aggregate", "0", now_ms() - STALE_MS))
    assert await fake.told() == []


async def test_a_broker_that_is_away_is_told_and_found_again_later() -> None:
    feed = KafkaStatusFeed(lambda: rule_consumer("127.0.0.1:1", {}), clock=now_ms)
    for _ in range(2):
        with pytest.raises(TemporaryError, match="cannot read rule-status"):
            await feed.told()
    await feed.close()
