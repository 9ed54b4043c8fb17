"""The whole process on real Kafka, Redis and Postgres: a record in, notifications out."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from confluent_kafka import Consumer, TopicPartition

from alert_contracts.alerts import Alert, encode_alert
from alert_contracts.notifications import DeliveryResult, Notification, decode_notification, encode
from alert_contracts.topics import Topic
from alert_manager.app import main
from alert_manager.settings import Settings
from alert_manager.testing import an_alert
from service_runtime.kafka import KafkaProducer
from service_runtime.provision import provision
from service_runtime.testing import Backing, free_ports

SHIPPED = Path(__file__).parents[3] / "config" / "tocsin.yml"
PATIENCE = 30.0
pytestmark = pytest.mark.docker


@pytest.fixture
def settings(backing: Backing, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    provision(backing.kafka)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", backing.kafka)
    monkeypatch.setenv("REDIS_URL", backing.redis_url)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TOCSIN_CONFIG", str(SHIPPED))
    monkeypatch.setenv("ALERT_MANAGER_PORT", str(next(free_ports())))
    return Settings()


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    process = asyncio.create_task(main(settings, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(process, PATIENCE)


@asynccontextmanager
async def orders_from_now_on(kafka: str) -> AsyncIterator[Consumer]:
    """Give a reader of what is ordered from now on: the topic is shared, and may hold anything."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": f"test-{secrets.token_hex(4)}"})
    topic = consumer.list_topics(Topic.NOTIFICATIONS, PATIENCE).topics[Topic.NOTIFICATIONS]
    places = [TopicPartition(Topic.NOTIFICATIONS, number) for number in topic.partitions]
    for place in places:
        _, place.offset = await asyncio.to_thread(consumer.get_watermark_offsets, place, PATIENCE)
    consumer.assign(places)
    try:
        yield consumer
    finally:
        await asyncio.to_thread(consumer.close)


async def notifications_about(consumer: Consumer, alert: Alert, count: int) -> list[Notification]:
    """Read until there are that many orders about the alert; others' records are passed over."""
    found: list[Notification] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            message = await asyncio.to_thread(consumer.poll, 0.5)
            if message is None or message.error() is not None:
                continue
            if alert.fingerprint.encode() in (message.key() or b""):
                found.append(decode_notification(message.value() or b""))
    return found


async def test_an_alert_becomes_notifications_and_a_history(
    settings: Settings, backing: Backing
) -> None:
    alert = an_alert(service=f"checkout-{secrets.token_hex(4)}")
    base = f"http://127.0.0.1:{settings.port}"
    producer = KafkaProducer(backing.kafka, client_id="test")
    async with (
        running(settings),
        orders_from_now_on(backing.kafka) as reader,
        aiohttp.ClientSession(base) as session,
    ):
        await producer.send(Topic.NOTIFICATIONS, b"no order", key=b"somebody else's")
        for _ in range(2):
            key = alert.fingerprint.encode()
            await producer.send(Topic.ALERTS, encode_alert(alert), key=key)
        orders = await notifications_about(reader, alert, 2)
        assert {order.receiver for order in orders} == {"pagerduty", "slack"}
        result = _delivered(orders[0])
        await producer.send(Topic.DELIVERY_RESULTS, encode(result), key=b"k")
        reasons = await _reasons_with(session, alert, "delivered")
        assert reasons[0] == "first_seen"
        assert set(reasons) == {"first_seen", "delivered"}
        async with session.get("/health") as answer:
            assert (await answer.json())["status"] == "UP"
    await producer.close(5)


async def _reasons_with(session: aiohttp.ClientSession, alert: Alert, awaited: str) -> list[str]:
    """Return the timeline's reasons once the awaited one is among them."""
    for _ in range(int(PATIENCE * 10)):
        async with session.get(f"/api/alerts/{alert.id}/timeline") as answer:
            reasons = [row["reason"] for row in (await answer.json())["entries"]]
        if awaited in reasons:
            return reasons
        await asyncio.sleep(0.1)
    pytest.fail(f"the timeline never said {awaited}")


def _delivered(order: Notification) -> DeliveryResult:
    return DeliveryResult(
        notification_id=order.id,
        idempotency_key=order.id,
        tenant=order.tenant,
        group_key=order.group_key,
        receiver=order.receiver,
        channel="slack",
        integration="slack[0]",
        outcome="delivered",
        reason="ok",
        alert_ids=[order.alerts[0].id],
        attempts=1,
        at=order.created_at + 5,
    )
