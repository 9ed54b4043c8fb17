"""Kafka for everything but the Faust engine: a producer that awaits its delivery reports."""

import asyncio
import logging
import os
import threading
from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from alert_contracts.topics import MAX_RECORD_BYTES
from service_runtime.errors import PermanentError, TemporaryError
from service_runtime.lifecycle import EXIT_FAILED
from service_runtime.telemetry import logger

log = logger(__name__)
Headers = Mapping[str, str]
POLL_SECONDS: Final = 0.1


def client_log_settings(client_id: str) -> dict[str, Any]:
    """Return the settings that every librdkafka client of ours shares."""
    return {
        "client.id": client_id,
        "logger": logging.getLogger("librdkafka"),  # it logs printf style
        "log.connection.close": False,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1_000,
        "topic.metadata.refresh.interval.ms": 30_000,
    }


class KafkaProducer:
    """Sends records and tells when the broker has them (acks=all, idempotent).

    `timeout` bounds, in seconds, how long a record may wait for its acknowledgement; `buffer_mib`
    bounds what waits in memory.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        client_id: str,
        linger_ms: float = 5,
        timeout: float = 15.0,
        buffer_mib: int = 64,
        compression: str = "lz4",
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(
            {
                **client_log_settings(client_id),
                "bootstrap.servers": bootstrap_servers,
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "compression.type": compression,
                "linger.ms": linger_ms,
                "delivery.timeout.ms": int(timeout * 1000),
                "request.timeout.ms": int(min(timeout, 5.0) * 1000),
                "message.max.bytes": MAX_RECORD_BYTES,
                "queue.buffering.max.kbytes": buffer_mib * 1024,
                "queue.buffering.max.messages": 100_000,
                "error_cb": self._on_error,
            }
        )
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._poll, name=f"{client_id}-poll", daemon=True)
        self._thread.start()

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(POLL_SECONDS)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            # The client can never send again; only a new process can, and nothing acknowledged
            # is lost by ending this one.
            log.error("kafka_producer_fatal", error=error.str())
            os._exit(EXIT_FAILED)

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers | None = None,
    ) -> "asyncio.Future[tuple[int, int]]":
        """Hand a record over; the future gives (partition, offset) once the broker has it.

        The future raises TemporaryError when the broker did not acknowledge in time, and
        PermanentError when it never will. Cancelling it does not recall the record.

        Raises:
            TemporaryError: the local queue is full.
        """
        done: asyncio.Future[tuple[int, int]] = self._loop.create_future()

        def report(error: KafkaError | None, message: Message) -> None:
            self._loop.call_soon_threadsafe(_settle, done, error, message)

        try:
            self._producer.produce(
                topic,
                value=value,
                key=key,
                headers=[(name, text.encode()) for name, text in (headers or {}).items()],
                on_delivery=report,
            )
        except BufferError:
            message = "the queue to Kafka is full"
            raise TemporaryError(message, retry_after=1.0) from None
        except KafkaException as exc:  # refused before it left, such as for its size
            done.set_exception(_failure(exc.args[0]))
        return done

    async def check(self) -> None:
        """Raise TemporaryError unless a broker answers."""
        try:
            await asyncio.to_thread(self._producer.list_topics, timeout=1.5)
        except KafkaException as exc:
            raise TemporaryError(_describe(exc.args[0])) from exc

    async def close(self, grace: float) -> None:
        """Flush what waits, for at most `grace` seconds."""
        left = await asyncio.to_thread(self._producer.flush, grace)
        if left:
            log.warning("kafka_producer_closed_with_unsent", records=left)
        self._closing.set()
        await asyncio.to_thread(self._thread.join)


def _describe(error: KafkaError) -> str:
    return f"Kafka: {error.str()}"


def _settle(
    done: "asyncio.Future[tuple[int, int]]", error: KafkaError | None, message: Message
) -> None:
    if done.done():
        return
    if error is None:
        done.set_result((message.partition() or 0, message.offset() or 0))
    else:
        done.set_exception(_failure(error))


def _failure(error: KafkaError) -> PermanentError | TemporaryError:
    if error.code() in {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.TOPIC_AUTHORIZATION_FAILED}:
        return PermanentError(_describe(error))
    return TemporaryError(_describe(error), retry_after=1.0)
