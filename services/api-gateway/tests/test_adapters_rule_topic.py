"""One suite for the topic of rules: the fake's, and Kafka's where it can be had."""

import secrets
from collections.abc import AsyncIterator

import msgspec
import pytest

from alert_contracts.rules import Rule, rule_key
from alert_contracts.topics import Topic
from api_gateway.adapters.kafka import KafkaLink
from api_gateway.adapters.rule_topic import KafkaRuleTopic, rule_consumer
from api_gateway.domain.rule_resolve import resolve
from api_gateway.domain.rules import StoredRule, own_fields
from api_gateway.ports import RuleTopic
from api_gateway.testing import FakeProducer, FakeRuleTopic, plain_rule
from service_runtime.errors import TemporaryError
from service_runtime.kafka import KafkaProducer
from service_runtime.provision import provision
from service_runtime.testing import Backing

TENANT = f"t{secrets.token_hex(4)}"
NOWHERE = "127.0.0.1:1"


@pytest.fixture(params=["fake", pytest.param("kafka", marks=pytest.mark.docker)])
async def topic(request: pytest.FixtureRequest) -> AsyncIterator[RuleTopic]:
    if request.param == "fake":
        yield FakeRuleTopic()
        return
    backing: Backing = request.getfixturevalue("backing")
    provision(backing.kafka)
    producer = KafkaProducer(backing.kafka, client_id="test")
    link = KafkaLink(producer, timeout=10)
    yield KafkaRuleTopic(link, lambda: rule_consumer(backing.kafka, {}), clock=lambda: 7)
    await link.close()
    await producer.close(5)


def a_rule(rule_id: str, *, revision: int = 1, at: int = 5) -> Rule:
    document = own_fields(plain_rule())
    return resolve(StoredRule(TENANT, rule_id, revision, document, created_at=at, updated_at=at))


async def held(topic: RuleTopic) -> dict[str, tuple[int, int]]:
    content = await topic.content()
    return {rule_id: version for (tenant, rule_id), version in content.items() if tenant == TENANT}


async def test_the_topic_holds_the_newest_revision_of_each_rule(topic: RuleTopic) -> None:
    await topic.demand()
    await topic.put(a_rule("r1"))
    await topic.put(a_rule("r/2"))
    await topic.put(a_rule("r1", revision=2, at=6))
    assert await held(topic) == {"r1": (2, 6), "r/2": (1, 5)}
    await topic.withdraw((TENANT, "r1"))
    await topic.withdraw((TENANT, "never there"))
    assert await held(topic) == {"r/2": (1, 5)}
    await topic.withdraw((TENANT, "r/2"))
    assert await held(topic) == {}


@pytest.mark.docker
async def test_a_record_that_is_no_rule_is_no_version_of_any(backing: Backing) -> None:
    provision(backing.kafka)
    producer = KafkaProducer(backing.kafka, client_id="test")
    link = KafkaLink(producer, timeout=10)
    topic = KafkaRuleTopic(link, lambda: rule_consumer(backing.kafka, {}), clock=lambda: 7)
    key = rule_key(tenant=TENANT, rule_id="odd")
    await link.send(Topic.ALERT_RULES, b"nonsense", key=key, headers={})
    assert await held(topic) == {"odd": (0, 0)}
    await topic.withdraw((TENANT, "odd"))
    await link.close()
    await producer.close(5)


async def test_a_rule_carries_its_key_and_headers() -> None:
    producer = FakeProducer()
    topic = KafkaRuleTopic(
        KafkaLink(producer, timeout=1), lambda: rule_consumer(NOWHERE, {}), clock=lambda: 7
    )
    await topic.put(a_rule("r1"))
    await topic.withdraw((TENANT, "r1"))
    put, withdrawn = producer.sent
    assert (put.topic, put.key) == ("alert-rules", f"{TENANT}/r1".encode())
    assert msgspec.json.decode(put.value or b"", type=Rule).id == "r1"
    assert withdrawn.value is None
    headers = dict(put.headers)
    assert headers.pop("traceparent").startswith("00-")
    assert headers == {
        "content-type": "application/json",
        "schema": "rule/1",
        "tenant": TENANT,
        "count": "1",
        "accepted-at": "7",
    }


async def test_a_topic_that_cannot_be_read_is_a_temporary_failure() -> None:
    producer = FakeProducer()
    settings = {"log_level": 0, "socket.timeout.ms": 100}
    topic = KafkaRuleTopic(
        KafkaLink(producer, timeout=1), lambda: rule_consumer(NOWHERE, settings), clock=lambda: 7
    )
    with pytest.raises(TemporaryError, match="cannot read alert-rules"):
        await topic.content()
    producer.answering = False
    with pytest.raises(TemporaryError):
        await topic.demand()
