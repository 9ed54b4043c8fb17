"""The whole process, killed and stopped."""

import asyncio
import os
import secrets
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from confluent_kafka import Consumer

from alert_contracts.notifications import DeliveryResult, decode_result, encode
from alert_contracts.topics import Topic, dead_letter_topic
from notification_service.adapters.catalog import build_catalog, read_config
from notification_service.adapters.ledger import PostgresLedger
from notification_service.adapters.postgres import PostgresOutbox
from notification_service.handlers import plan
from notification_service.testing import order
from service_runtime.clock import now_ms
from service_runtime.kafka import KafkaProducer
from service_runtime.postgres import Database, open_database
from service_runtime.provision import provision
from service_runtime.testing import Backing, until

CONFIG = """
global: {{slack_api_url: "{url}"}}
route: {{receiver: slack}}
receivers: [{{name: slack, slack_configs: [{{channel: "#ops"}}]}}]
"""


class Slack:
    """Takes messages, and holds its answers while `slow`."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.slow = True
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers["Idempotency-Key"])
        while self.slow:  # noqa: ASYNC110 - a peer that does not answer
            await asyncio.sleep(0.02)
        return web.Response(text="ok")


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    fake = Slack()
    app = web.Application()
    app.router.add_post("/hook", fake.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield fake
    await runner.cleanup()


@asynccontextmanager
async def service(
    config: Path, database_url: str, kafka: str = "127.0.0.1:1"
) -> AsyncIterator[Process]:
    """Run the service, without Redis and, by default, without Kafka: deliveries need neither."""
    environment = {
        **os.environ,
        "TOCSIN_CONFIG": str(config),
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "NOTIFICATION_SERVICE_PORT": "0",
        "NOTIFICATION_SERVICE_INSTANCE": "same",
        "NOTIFICATION_SERVICE_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
        "NOTIFICATION_SERVICE_SHUTDOWN_GRACE": "8",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "notification_service",
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def status(database: Database) -> str:
    (row,) = await PostgresLedger(database).attempts({}, before=None, limit=9)
    return str(row["status"])


@pytest.mark.docker
async def test_a_message_that_was_in_flight_when_the_process_died_has_the_same_key_again(
    database_url: str, slack: Slack, tmp_path: Path
) -> None:
    config = tmp_path / "tocsin.yml"
    config.write_text(CONFIG.format(url=slack.url))
    book = build_catalog(read_config(config, {})).directory
    async with open_database(database_url, name="test") as database:
        outbox = PostgresOutbox(database, book.endpoints(), owner="test", lease_ms=1_000)
        await outbox.add(plan(book, order(), "slack", ("slack",)), now=now_ms())
        async with service(config, database_url) as first:
            await until(lambda: slack.keys)
            first.send_signal(signal.SIGKILL)
            await first.wait()
        assert await status(database) == "SENDING"
        async with service(config, database_url) as second:
            await until(lambda: len(slack.keys) == 2)
            second.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.3)
            slack.slow = False  # the drain lets the send end
            assert await second.wait() == 0
        assert await status(database) == "DELIVERED"
    assert set(slack.keys) == {"n1:slack:slack[0]"}


def read_until(kafka: str, topic: str, wanted: Callable[[bytes], bool]) -> bytes:
    """Return the first record of a topic that is wanted, within 30 s."""
    group = f"test-{secrets.token_hex(4)}"
    consumer = Consumer(
        {"bootstrap.servers": kafka, "group.id": group, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            message = consumer.poll(0.1)
            value = message.value() if message is not None and message.error() is None else None
            if value is not None and wanted(value):
                return value
    finally:
        consumer.close()
    pytest.fail(f"nothing wanted on {topic}")


@pytest.mark.docker
async def test_an_order_is_delivered_and_reported_although_rubbish_came_before_it(
    backing: Backing, database_url: str, slack: Slack, tmp_path: Path
) -> None:
    await asyncio.to_thread(provision, backing.kafka)
    slack.slow = False
    config = tmp_path / "tocsin.yml"
    config.write_text(CONFIG.format(url=slack.url))
    name = secrets.token_hex(8)
    producer = KafkaProducer(backing.kafka, client_id="test")
    await producer.send(Topic.NOTIFICATIONS, f"rubbish {name}".encode(), key=name.encode())
    await producer.send(
        Topic.NOTIFICATIONS, encode(order(id=name, group_key=name)), key=name.encode()
    )
    await producer.close(5)
    key = f"{name}:slack:slack[0]"

    def ours(value: bytes) -> bool:
        return decode_result(value).notification_id == name

    async with service(config, database_url, backing.kafka) as process:
        await until(lambda: key in slack.keys)
        raw = await asyncio.to_thread(read_until, backing.kafka, Topic.DELIVERY_RESULTS, ours)
        letters = dead_letter_topic(Topic.NOTIFICATIONS)
        rubbish = f"rubbish {name}".encode()
        await asyncio.to_thread(read_until, backing.kafka, letters, lambda one: one == rubbish)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    result: DeliveryResult = decode_result(raw)
    assert (result.outcome, result.reason, result.idempotency_key) == ("delivered", "ok", key)
    assert slack.keys.count(key) == 1
