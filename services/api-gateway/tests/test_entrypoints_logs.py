"""The ingest routes over HTTP: statuses, bodies, bounds, and no bytes that make them fail."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Iterable
from typing import Any, cast

import pytest
from starlette.types import Message

from alert_contracts.events import decode_batch
from api_gateway.entrypoints import body as bodies
from api_gateway.testing import World, plain_event

ONE = "/api/logs"
BATCH = "/api/logs/batch"
JSON = {"content-type": "application/json"}
LINES = {"content-type": "application/x-ndjson"}
MEBIBYTE = 1_048_576


def array(*events: object) -> bytes:
    """Return a JSON array."""
    return json.dumps(events).encode()


async def chunks(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Yield a body piece by piece, so that its length is not announced."""
    for part in parts:
        yield part


async def test_one_event_is_accepted_once_it_is_safe(world: World) -> None:
    answer = await world.client.post(ONE, json=plain_event())
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
    assert decode_batch(world.log.records[0].lines)[0].service == "payment-service"


async def test_a_batch_is_accepted_in_both_forms(world: World) -> None:
    events = [plain_event(message=str(number)) for number in range(3)]
    whole = {"accepted": 3, "rejected": 0, "errors": []}
    answer = await world.client.post(BATCH, json=events)
    assert (answer.status_code, answer.json()) == (202, whole)
    lines = "\r\n".join(json.dumps(event) for event in events) + "\n\n"
    answer = await world.client.post(BATCH, content=lines.encode(), headers=LINES)
    assert (answer.status_code, answer.json()) == (202, whole)
    assert sum(record.count for record in world.log.records) == 6


async def test_a_bad_event_is_named_and_its_neighbours_kept(world: World) -> None:
    answer = await world.client.post(BATCH, json=[plain_event(), plain_event(level=5)])
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 1,
        "rejected": 1,
        "errors": [{"index": 1, "pointer": "/level", "reason": "is a text, not a number"}],
    }


async def test_400_when_no_event_is_valid(world: World) -> None:
    answer = await world.client.post(BATCH, json=[plain_event(level=5), 7])
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (
        400,
        "application/problem+json",
    )
    assert (problem["accepted"], problem["rejected"]) == (0, 2)
    assert [error["index"] for error in problem["errors"]] == [0, 1]
    assert len(problem["traceId"]) == 32
    empty = await world.client.post(BATCH, json=[])
    assert (empty.status_code, empty.json()["detail"]) == (400, "the request holds no event")
    assert world.log.records == []


async def test_400_when_the_one_event_is_not_valid(world: World) -> None:
    answer = await world.client.post(ONE, json=plain_event(message=None))
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"pointer": "/message", "reason": "is required"}]


async def test_400_when_the_body_is_no_array(world: World) -> None:
    for body in (b"", b"{}", b"nonsense"):
        answer = await world.client.post(BATCH, content=body, headers=JSON)
        assert (answer.status_code, "JSON array" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (ONE, {"content-type": "text/plain"}, 415),
        (ONE, LINES, 415),
        (BATCH, {"content-type": "application/x-www-form-urlencoded"}, 415),
        (BATCH, {"content-type": "application/json; charset=utf-16"}, 415),
        (BATCH, {"content-type": "application/json; charset=UTF-8"}, 202),
        (BATCH, {"content-type": "Application/Vnd.x+JSON"}, 202),
        (BATCH, {}, 202),
        (BATCH, {**JSON, "content-encoding": "br"}, 415),
        (BATCH, {**JSON, "content-encoding": "identity"}, 202),
        (BATCH, {**JSON, "idempotency-key": "k" * 256}, 400),
    ],
)
async def test_what_a_header_says_is_minded(
    world: World, path: str, headers: dict[str, str], status: int
) -> None:
    answer = await world.client.post(path, content=array(plain_event()), headers=headers)
    assert answer.status_code == status


async def test_other_methods_are_refused(world: World) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = await world.client.request(method, ONE)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_gzip_is_inflated_in_all_its_members(world: World) -> None:
    body = array(plain_event(), plain_event())
    packed = gzip.compress(body[:50]) + gzip.compress(body[50:])
    answer = await world.client.post(
        BATCH, content=packed, headers={**JSON, "content-encoding": "GZIP"}
    )
    assert answer.json()["accepted"] == 2


@pytest.mark.parametrize(
    "body",
    [b"nonsense", gzip.compress(array(plain_event()))[:-12], gzip.compress(b"[]") + b"trailing"],
    ids=["no gzip", "cut off", "trailing"],
)
async def test_400_when_the_gzip_is_broken(world: World, body: bytes) -> None:
    answer = await world.client.post(
        BATCH, content=body, headers={**JSON, "content-encoding": "gzip"}
    )
    assert (answer.status_code, "gzip" in answer.json()["detail"]) == (400, True)


async def test_413_only_for_the_body_as_a_whole(world: World) -> None:
    large = b"[" + b" " * (5 * MEBIBYTE)
    assert (await world.client.post(BATCH, content=large, headers=JSON)).status_code == 413
    unannounced = chunks([large[:MEBIBYTE]] * 6)
    answer = await world.client.post(BATCH, content=unannounced, headers=JSON)
    assert answer.status_code == 413
    long = plain_event(message="x" * 300_000)
    assert (await world.client.post(ONE, json=long)).status_code == 400
    answer = await world.client.post(BATCH, json=[long, plain_event()])
    assert (answer.status_code, answer.json()["rejected"]) == (202, 1)


async def test_413_when_a_small_body_inflates_or_unfolds_too_far(world: World) -> None:
    bombs = {"inflates": b" " * (33 * MEBIBYTE), "unfolds": b"[" + b"{}," * 2_100_000}
    for bomb in bombs.values():
        answer = await world.client.post(
            BATCH, content=gzip.compress(bomb, 1), headers={**JSON, "content-encoding": "gzip"}
        )
        assert answer.status_code == 413


async def test_a_gzip_of_empty_members_costs_no_more_than_its_bytes(world: World) -> None:
    headers = {**JSON, "content-encoding": "gzip"}
    empty = gzip.compress(b"")
    few = empty * 998 + gzip.compress(array(plain_event())) + empty
    answer = await world.client.post(BATCH, content=few, headers=headers)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    many = empty * (4 * MEBIBYTE // len(empty))
    answer = await world.client.post(BATCH, content=many, headers=headers)
    assert (answer.status_code, "1000 gzip members" in answer.json()["detail"]) == (413, True)


async def test_others_have_their_turns_while_a_body_is_inflated(world: World) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def receive() -> Message:
        return {"type": "http.request", "body": gzip.compress(b" " * (30 * MEBIBYTE), 1)}

    reservation = bodies.Reservation(world.front.logs.budget)
    others = asyncio.create_task(count())
    body = await bodies.read(receive, reservation, length=None, encoding="gzip", patience=9)
    others.cancel()
    reservation.release()
    assert len(body) == 30 * MEBIBYTE
    assert turns >= 30


async def test_503_with_retry_after_when_kafka_is_away(world: World) -> None:
    world.log.away = True
    for path, body in ((ONE, plain_event()), (BATCH, [plain_event()] * 100)):
        answer = await world.client.post(path, json=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["detail"] == "the events were not stored: Kafka is away"


async def test_503_when_too_many_bytes_are_in_flight(world: World) -> None:
    world.log.hold()
    body = array(plain_event(message="x" * 200_000)) + b" " * (4 * MEBIBYTE)
    waiting = [
        asyncio.create_task(world.client.post(BATCH, content=body, headers=JSON)) for _ in range(12)
    ]
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    assert {task.result().status_code for task in done} == {503}
    world.log.release()
    assert {task.result().status_code for task in (await asyncio.wait(pending))[0]} <= {202, 503}
    answer = await world.client.post(BATCH, content=body, headers=JSON)
    assert answer.status_code == 202
    assert world.registry.get_sample_value("tocsin_ingest_in_flight_bytes") == 0


async def test_408_when_the_body_comes_too_slowly(world: World) -> None:
    async def dribble() -> AsyncIterator[bytes]:
        yield b"["
        await asyncio.sleep(5)

    answer = await world.client.post(BATCH, content=dribble(), headers=JSON)
    assert answer.status_code == 408


async def test_a_client_that_hangs_up_is_not_answered(world: World) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "path": ONE, "method": "POST", "headers": []}
    await world.front(scope, receive, send)
    assert sent == []


async def test_a_fault_of_ours_is_a_problem_too(world: World) -> None:
    class Broken:
        async def append(self, record: object) -> None:
            raise ZeroDivisionError(record)

    cast("Any", world.front.logs.ingestion)._log = Broken()  # noqa: SLF001 - no port fails so
    answer = await world.client.post(BATCH, json=[plain_event()] * 100)
    assert (answer.status_code, answer.headers["content-type"]) == (
        500,
        "application/problem+json",
    )


async def test_a_repeated_post_under_one_key_is_one_batch(world: World) -> None:
    for _ in range(2):
        await world.client.post(ONE, json=plain_event(), headers={"idempotency-key": "abc"})
    await world.client.post(ONE, json=plain_event())
    keys = [record.key for record in world.log.records]
    assert keys[0] == keys[1] != keys[2]


async def test_a_trace_is_continued(world: World) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    header = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    await world.client.post(ONE, json=plain_event(), headers=header)
    assert world.log.records[0].traceparent.split("-")[1] == trace


async def test_what_came_in_is_counted(world: World) -> None:
    await world.client.post(BATCH, json=[plain_event(), plain_event(), 5])
    await world.client.post(ONE, content=b"x", headers=JSON)
    value = world.registry.get_sample_value
    assert value("tocsin_ingest_events_total", {"outcome": "accepted"}) == 2
    assert value("tocsin_ingest_events_total", {"outcome": "rejected"}) == 2
    assert value("tocsin_ingest_requests_total", {"route": BATCH, "status": "202"}) == 1
    assert value("tocsin_ingest_requests_total", {"route": ONE, "status": "400"}) == 1
    assert value("tocsin_ingest_request_seconds_count", {"route": BATCH}) == 1


BODIES = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[{]}",
    b'[{"service":"\\ud800"}]',
    b'{"service":"a","message":"m","timestamp":1e308}',
    b'{"service":"a","message":"m","attributes":{"a":' + b"9" * 10_000 + b"}}",
    b"null",
    b"\n\n\n",
    zlib.compress(b"[]"),
    bytes(range(256)),
]


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[-12:]))
async def test_no_body_makes_a_5xx(world: World, body: bytes, encoding: str) -> None:
    for path, kind in ((ONE, JSON), (BATCH, JSON), (BATCH, LINES)):
        headers = {**kind, "content-encoding": encoding}
        answer = await world.client.post(path, content=body, headers=headers)
        assert 400 <= answer.status_code < 500
        assert answer.json()["detail"]
