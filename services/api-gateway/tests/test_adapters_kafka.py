"""The link to Kafka: it waits for the report, knows when Kafka is away, and comes back."""

import asyncio

import pytest

from api_gateway.adapters.kafka import KafkaEventLog, KafkaLink
from api_gateway.domain.records import LogRecord
from api_gateway.testing import FakeProducer
from service_runtime.errors import PermanentError, TemporaryError
from service_runtime.testing import until

RECORD = LogRecord("k1", b'{"a":1}\n', 1, "default", 1_800_000_000_000, "00-a-b-01")


async def no_pause(_seconds: float) -> None:
    """Sleep not at all, but let others run."""
    await asyncio.sleep(0)


def linked(producer: FakeProducer) -> KafkaLink:
    """Return a link that is quick to give up."""
    return KafkaLink(producer, timeout=0.02, sleep=no_pause)


async def test_a_record_carries_its_key_and_headers() -> None:
    producer = FakeProducer()
    await KafkaEventLog(linked(producer)).append(RECORD)
    (sent,) = producer.sent
    assert (sent.topic, sent.key, sent.value) == ("log-events", b"k1", b'{"a":1}\n')
    assert sent.headers == {
        "content-type": "application/x-ndjson",
        "schema": "log-batch/1",
        "tenant": "default",
        "count": "1",
        "accepted-at": "1800000000000",
        "traceparent": "00-a-b-01",
    }


async def test_nothing_is_safe_before_its_report() -> None:
    producer = FakeProducer()
    producer.answering = False
    link = KafkaLink(producer, timeout=5)
    waiting = asyncio.create_task(KafkaEventLog(link).append(RECORD))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    producer.sent[0].report.set_result((0, 1))
    await waiting


async def test_once_kafka_is_away_records_are_refused_at_once() -> None:
    producer = FakeProducer()
    producer.answering = False
    link = linked(producer)
    with pytest.raises(TemporaryError, match="did not acknowledge in time"):
        await KafkaEventLog(link).append(RECORD)
    assert link.away
    with pytest.raises(TemporaryError, match="Kafka is away"):
        await KafkaEventLog(link).append(RECORD)
    assert len(producer.sent) == 1
    await link.close()


async def test_it_comes_back_by_itself() -> None:
    producer = FakeProducer()
    producer.answering = False
    link = linked(producer)
    with pytest.raises(TemporaryError):
        await KafkaEventLog(link).append(RECORD)
    await until(lambda: producer.checks > 1, within=10)
    assert link.away
    producer.answering = True
    await until(lambda: not link.away, within=10)
    await KafkaEventLog(link).append(RECORD)
    await link.close()


async def test_records_that_fail_together_start_one_probe() -> None:
    producer = FakeProducer()
    producer.answering = False
    link = KafkaLink(producer, timeout=0.01, sleep=lambda _seconds: asyncio.sleep(60))
    log = KafkaEventLog(link)
    outcomes = await asyncio.gather(*(log.append(RECORD) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(outcome, TemporaryError) for outcome in outcomes)
    await link.close()


async def test_a_record_that_is_refused_for_good_does_not_mean_that_kafka_is_away() -> None:
    producer = FakeProducer()
    producer.answering = False
    link = KafkaLink(producer, timeout=5)
    waiting = asyncio.create_task(KafkaEventLog(link).append(RECORD))
    await asyncio.sleep(0)
    producer.sent[0].report.set_exception(PermanentError("too large"))
    with pytest.raises(PermanentError):
        await waiting
    assert not link.away
