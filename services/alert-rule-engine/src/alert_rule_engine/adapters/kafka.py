"""Faust apps with the settings that we stand on, and what is sent through their producers."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final

import faust
from aiokafka import codec

from alert_contracts.alerts import Alert, encode_alert
from alert_contracts.topics import (
    MEBIBYTE,
    STATE_PARTITIONS,
    Header,
    Schema,
    Topic,
    dead_letter_topic,
)
from alert_rule_engine.adapters.changelog import STORE_URL
from alert_rule_engine.adapters.handover import EagerConsumer
from alert_rule_engine.adapters.tables import Tables
from alert_rule_engine.adapters.unpacking import unpack_in_place
from service_runtime.consumer import DEAD_LETTERS, Record, dead_letter_headers

SESSION_SECONDS: Final = 8
HEARTBEAT_SECONDS: Final = 2
LZ4_LEVEL: Final = 1
"""aiokafka has no setting and takes 9: five times the CPU for a tenth fewer bytes. Kafka falls back
to Java for lz4 where it may not load native code, which it does not for snappy and zstd."""
RawHeaders = list[tuple[str, bytes]]


class _App(faust.App):
    """Keeps nothing on disk: its state is in memory and in the changelog."""

    def _new_transport(self) -> Any:  # noqa: ANN401 - Faust's
        transport: Any = super()._new_transport()
        transport.Consumer = EagerConsumer
        return transport

    def _create_directories(self) -> None:
        """Make none; the working directory may be read-only."""


def create_app(
    name: str, *, brokers: str, instance_id: str, buffered: int, partitions: int = STATE_PARTITIONS
) -> faust.App:
    """Return a Faust app. `name` is its consumer group; `buffered` bounds records read ahead."""
    codec.lz4_encode.__defaults__ = (LZ4_LEVEL,)
    unpack_in_place()
    urls = ";".join(f"kafka://{broker.strip()}" for broker in brokers.split(","))
    return _App(
        name,
        broker=urls,
        store=STORE_URL,
        TableManager=Tables,
        autodiscover=False,
        key_serializer="raw",
        value_serializer="raw",
        topic_partitions=partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
        worker_redirect_stdouts=False,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=instance_id,
        consumer_max_fetch_size=MEBIBYTE,
        broker_check_crcs=False,
        broker_commit_interval=1.0,
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_rebalance_timeout=30,
        broker_request_timeout=5 * SESSION_SECONDS,
        stream_buffer_maxsize=buffered,
        stream_wait_empty=False,
        producer_acks=-1,
        producer_linger=0.005,
        producer_max_batch_size=262_144,
        producer_max_request_size=10 * MEBIBYTE,
        producer_compression_type="lz4",
        producer_request_timeout=300,
        producer_threaded=False,
    )


class Outlet:
    """Sends through an app's producer, with the partition where it matters.

    Each call returns once the record is queued, with an awaitable that is done when the broker
    has acknowledged it.
    """

    def __init__(self, app: faust.App) -> None:
        self._app = app

    async def to_partition(self, topic: str, partition: int, value: bytes) -> Awaitable[object]:
        """Send a record to one partition."""
        return await self._app.producer.send(topic, None, value, partition, None, None)

    async def keyed(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Mapping[str, str]
    ) -> Awaitable[object]:
        """Send a record to the partition of its key."""
        return await self._app.producer.send(topic, key, value, None, None, _raw(headers))

    async def dead_letter(self, record: Record, *, stage: str, error: BaseException) -> None:
        """Set a record aside, with Kafka Connect's headers; return when that is stored."""
        headers = dead_letter_headers(record, service="alert-rule-engine", stage=stage, error=error)
        topic = dead_letter_topic(record.topic)
        await (await self.keyed(topic, record.key, record.value, headers))
        DEAD_LETTERS.labels(record.topic).inc()


def _raw(headers: Mapping[str, str]) -> RawHeaders:
    return [(str(name), text.encode()) for name, text in headers.items()]


class KafkaAlerts:
    """An AlertSink on the `alerts` topic."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    async def send(self, alert: Alert) -> Awaitable[object]:
        """Send an alert; all of one fingerprint go to one partition, in order."""
        headers: dict[str, str] = {
            Header.CONTENT_TYPE: "application/json",
            Header.SCHEMA: Schema.ALERT,
            Header.TENANT: alert.tenant,
        }
        if alert.accepted_at is not None:
            headers[Header.ACCEPTED_AT] = str(alert.accepted_at)
        if alert.traceparent is not None:
            headers[Header.TRACEPARENT] = alert.traceparent
        key = alert.fingerprint.encode()
        return await self._outlet.keyed(Topic.ALERTS, key, encode_alert(alert), headers)
