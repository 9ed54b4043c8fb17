"""Taking events in: what shares a record, what has its own, and that 'accepted' means safe."""

import asyncio
import json
import threading

import pytest

from alert_contracts.events import MAX_BATCH_BYTES, decode_batch
from api_gateway.domain.incoming import Incoming
from api_gateway.domain.ingest import Form, take_array
from api_gateway.handlers.collecting import Collector
from api_gateway.handlers.ingesting import Ingestion, LogRequest
from api_gateway.testing import FakeEventLog, plain_event
from service_runtime.errors import TemporaryError

NOW = 1_800_000_000_000


def request(
    count: int = 1, *, key: str = "", size: int = 10, tenant: str = "default"
) -> LogRequest:
    """Return a request of `count` events with messages of `size` characters."""
    events = [plain_event(message="x" * size)] * count
    body = json.dumps(events).encode()
    return LogRequest(body, take_array, tenant, f"00-trace-{count}", idempotency_key=key)


def ingestion(log: FakeEventLog, *, linger: float = 0.001, share_below: int = 100) -> Ingestion:
    """Return the use case over a fake log."""
    collector = Collector(log, linger=linger)
    return Ingestion(log, collector, clock=lambda: NOW, share_below=share_below)


async def test_small_requests_share_a_record() -> None:
    log = FakeEventLog()
    gateway = ingestion(log)
    await asyncio.gather(*(gateway.take(request(count)) for count in (3, 1, 2)))
    (record,) = log.records
    assert record.count == 6
    assert len(decode_batch(record.lines)) == 6
    assert (record.tenant, record.accepted_at, record.traceparent) == (
        "default",
        NOW,
        "00-trace-3",
    )


async def test_requests_that_come_later_have_another_record() -> None:
    log = FakeEventLog()
    gateway = ingestion(log)
    await gateway.take(request())
    await gateway.take(request())
    assert [record.count for record in log.records] == [1, 1]
    assert log.records[0].key != log.records[1].key


async def test_tenants_never_share_a_record() -> None:
    log = FakeEventLog()
    gateway = ingestion(log)
    await asyncio.gather(gateway.take(request()), gateway.take(request(tenant="other")))
    assert {record.tenant for record in log.records} == {"default", "other"}


async def test_a_large_request_has_its_own_record_at_once() -> None:
    log = FakeEventLog()
    gateway = ingestion(log, linger=60)
    intake = await gateway.take(request(100))
    assert intake.accepted == 100
    assert [record.count for record in log.records] == [100]


async def test_few_events_of_many_bytes_have_their_own_record() -> None:
    log = FakeEventLog()
    await ingestion(log, linger=60).take(request(3, size=100_000))
    assert [record.count for record in log.records] == [3]


async def test_a_request_beyond_a_record_is_cut_into_several() -> None:
    log = FakeEventLog()
    await ingestion(log).take(request(300, size=10_000))
    assert sum(record.count for record in log.records) == 300
    assert len(log.records) == 3
    assert all(len(record.lines) <= MAX_BATCH_BYTES for record in log.records)
    assert len({record.key for record in log.records}) == 3


async def test_a_full_record_does_not_wait() -> None:
    log = FakeEventLog()
    gateway = ingestion(log, linger=60, share_below=5_000)
    waiting = [asyncio.create_task(gateway.take(request(1_800))) for _ in range(3)]
    await asyncio.wait_for(asyncio.gather(*waiting[:2]), 5)
    assert [record.count for record in log.records] == [3_600]
    waiting[2].cancel()


async def test_the_same_post_under_the_same_key_has_the_same_batch_ids() -> None:
    log = FakeEventLog()
    gateway = ingestion(log)
    await gateway.take(request(2, key="k1"))
    await gateway.take(request(2, key="k1"))
    await gateway.take(request(2, key="k2"))
    await gateway.take(request(3, key="k1"))
    keys = [record.key for record in log.records]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


async def test_nothing_valid_stores_nothing() -> None:
    log = FakeEventLog()
    intake = await ingestion(log).take(LogRequest(b"[5]", take_array, "default", ""))
    assert (intake.accepted, intake.rejected, log.records) == (0, 1, [])


async def test_an_answer_waits_until_the_events_are_safe() -> None:
    log = FakeEventLog()
    log.hold()
    gateway = ingestion(log)
    waiting = [asyncio.create_task(gateway.take(request(count))) for count in (1, 100)]
    done, _ = await asyncio.wait(waiting, timeout=0.05)
    assert not done
    log.release()
    await asyncio.gather(*waiting)


@pytest.mark.parametrize(("count", "size"), [(1, 10), (100, 10), (300, 10_000)])
async def test_what_cannot_be_stored_is_never_accepted(count: int, size: int) -> None:
    log = FakeEventLog()
    log.away = True
    with pytest.raises(TemporaryError):
        await ingestion(log).take(request(count, size=size))


async def test_a_caller_that_goes_away_takes_nothing_from_the_others() -> None:
    log = FakeEventLog()
    gateway = ingestion(log, linger=0.02)
    leaving = asyncio.create_task(gateway.take(request()))
    staying = asyncio.create_task(gateway.take(request()))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).accepted == 1
    assert [record.count for record in log.records] == [2]


async def test_draining_stores_what_waits() -> None:
    log = FakeEventLog()
    collector = Collector(log, linger=60)
    await collector.drain()
    gateway = Ingestion(log, collector, clock=lambda: NOW, share_below=100)
    waiting = asyncio.create_task(gateway.take(request()))
    await asyncio.sleep(0)
    await collector.drain()
    assert (await waiting).accepted == 1


@pytest.mark.parametrize("count", [1, 500])
async def test_a_long_body_that_is_not_plain_is_read_beside_the_loop(count: int) -> None:
    readers: list[int] = []

    def split(body: bytes) -> list[bytes]:
        readers.append(threading.get_ident())
        return [body]

    events = [plain_event(level=5)] * count
    form = Form(take_array.regular, take_array.decode, split)
    body = json.dumps(events).encode()
    await ingestion(FakeEventLog()).take(LogRequest(body, form, "default", ""))
    assert [reader == threading.get_ident() for reader in readers] == [count == 1]


@pytest.mark.parametrize(("size", "on_loop"), [(10, True), (900_000, True), (1_100_000, False)])
async def test_a_long_body_is_read_beside_the_loop_even_if_it_is_plain(
    *, size: int, on_loop: bool
) -> None:
    readers: list[int] = []

    def decode(body: bytes) -> list[Incoming]:
        readers.append(threading.get_ident())
        return take_array.decode(body)

    body = json.dumps([plain_event()]).encode() + b" " * size
    form = Form(take_array.regular, decode, take_array.split)
    await ingestion(FakeEventLog()).take(LogRequest(body, form, "default", ""))
    assert [reader == threading.get_ident() for reader in readers] == [on_loop]
