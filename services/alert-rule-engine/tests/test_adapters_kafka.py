"""What our Faust apps send with."""

import asyncio
from typing import Any

from aiokafka.codec import lz4_encode

from alert_rule_engine.adapters.handover import FETCH_MS
from alert_rule_engine.adapters.kafka import LZ4_LEVEL, create_app


def test_records_are_compressed_at_the_cheap_level() -> None:
    create_app("test", brokers="127.0.0.1:1", instance_id="i", buffered=1)
    value = b"".join(b'{"service":"s%d","count":%d}' % (n % 7, n) for n in range(500))
    assert lz4_encode(value) == lz4_encode(value, level=LZ4_LEVEL)
    assert lz4_encode(value) != lz4_encode(value, level=9)


async def test_a_question_to_the_broker_waits_for_no_fetch_that_is_held_for_long() -> None:
    app: Any = create_app("test", brokers="127.0.0.1:1", instance_id="i", buffered=1)
    thread = app.consumer._thread  # noqa: SLF001 - what Faust starts
    consumer = thread._create_consumer(asyncio.get_running_loop())  # noqa: SLF001
    assert consumer._fetch_max_wait_ms == FETCH_MS  # noqa: SLF001 - nothing public tells
    await consumer.stop()
    thread.thread_loop.close()
