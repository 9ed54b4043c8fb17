"""The real thing: over real Kafka and Postgres, started and stopped as in production."""

import asyncio

import httpx2
import pytest
from confluent_kafka import Consumer, TopicPartition
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from alert_contracts.events import decode_batch
from alert_contracts.topics import LOG_EVENTS_PARTITIONS, Topic
from api_gateway.app import build, serve_gateway
from api_gateway.settings import Settings
from api_gateway.testing import plain_event, plain_rule
from service_runtime.provision import provision
from service_runtime.testing import Backing, free_ports


def settings(kafka: str, database: str, *, kafka_timeout: float = 20) -> Settings:
    """Return settings for a gateway on a free port."""
    return Settings.model_validate(
        {
            "port": next(free_ports()),
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "DATABASE_URL": database,
            "kafka_timeout": kafka_timeout,
        }
    )


def ends(kafka: str) -> list[TopicPartition]:
    """Return where each partition of the topic ends now."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "t"})
    places = [TopicPartition(Topic.LOG_EVENTS, number) for number in range(LOG_EVENTS_PARTITIONS)]
    for place in places:
        _, place.offset = consumer.get_watermark_offsets(place, timeout=10)
    consumer.close()
    return places


def messages(kafka: str, since: list[TopicPartition]) -> list[str]:
    """Return the message of every event on the topic from there on."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "t", "enable.partition.eof": True})
    consumer.assign(since)
    found: list[str] = []
    ended = 0
    while ended < LOG_EVENTS_PARTITIONS:
        for record in consumer.consume(100, timeout=5):
            if record.error():
                ended += 1
            else:
                found += [event.message for event in decode_batch(record.value() or b"")]
    consumer.close()
    return found


async def until_up(client: httpx2.AsyncClient) -> None:
    """Return once the gateway takes work."""
    async with asyncio.timeout(60):
        while True:
            try:
                if (await client.get("/health/ready")).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.05)


@pytest.mark.docker
async def test_it_takes_logs_and_rules_and_stops_in_good_order(
    backing: Backing, database_url: str
) -> None:
    provision(backing.kafka)
    chosen = settings(backing.kafka, database_url)
    stop = asyncio.Event()
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{chosen.port}", timeout=60) as client:
        running = asyncio.create_task(serve_gateway(chosen, stop))
        await until_up(client)
        before = await asyncio.to_thread(ends, backing.kafka)
        mark = f"mark {chosen.port}"
        answer = await client.post("/api/logs", json=plain_event(message=mark))
        assert answer.status_code == 202
        assert mark in await asyncio.to_thread(messages, backing.kafka, before)
        rule = await client.post("/api/alert-rules", json=plain_rule())
        assert rule.status_code == 201
        health = (await client.get("/health")).json()
        assert {part["status"] for part in health["components"].values()} == {"UP"}
        assert (await client.delete(rule.headers["location"])).status_code == 204
        stop.set()
        await asyncio.wait_for(running, 60)


async def test_it_starts_and_answers_503_while_all_others_are_away() -> None:
    limit = 2
    chosen = settings("127.0.0.1:1", "postgresql://nobody@127.0.0.1:1/none", kafka_timeout=limit)
    async with build(chosen, CollectorRegistry()) as gateway:
        transport = httpx2.ASGITransport(app=gateway.front)
        async with httpx2.AsyncClient(transport=transport, base_url="http://g") as client:
            began = asyncio.get_running_loop().time()
            first = await client.post("/api/logs", json=plain_event())
            assert first.status_code == 503
            assert asyncio.get_running_loop().time() - began < 5 * limit
            began = asyncio.get_running_loop().time()
            second = await client.post("/api/logs", json=plain_event())
            assert (second.status_code, second.headers["retry-after"]) == (503, "1")
            assert asyncio.get_running_loop().time() - began < limit
            for step in gateway.steps:
                await step()


@pytest.mark.parametrize(
    "wrong", [{"linger_ms": -1}, {"kafka_timeout": 0}, {"share_below": 5_001}, {"max_rules": 0}]
)
def test_a_setting_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)
