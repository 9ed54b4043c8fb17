"""Bad input is refused by name, its neighbours are kept, and nothing behind the gateway chokes."""

import json

import pytest
from blackbox.events import errors, moment
from blackbox.fixtures import Naming
from blackbox.flow import deliveries
from blackbox.rest import Answer, Stack
from blackbox.sink_client import SinkClient
from blackbox.wait import eventually

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
"""A body that is refused midway leaves aiohttp a transport that closes after its loop."""

NDJSON = "application/x-ndjson"
GOOD = '{"service":"good","message":"fine"}'
DEEP = '{"service":"s","message":"m","attributes":{"a":' + "[" * 100_000 + "]" * 100_000 + "}}"
BAD_EVENTS = {
    "no service": ('{"message":"m"}', "/service"),
    "a service that is a number": ('{"service":5,"message":"m"}', "/service"),
    "an empty service": ('{"service":"","message":"m"}', "/service"),
    "a message that is an object": ('{"service":"s","message":{}}', "/message"),
    "a level that is a list": ('{"service":"s","message":"m","level":[]}', "/level"),
    "a status that is a text": ('{"service":"s","message":"m","statusCode":"x"}', "/statusCode"),
    "NUL in the message": ('{"service":"s","message":"a\\u0000b"}', "/message"),
    "a response time of NaN": ('{"service":"s","message":"m","responseTime":NaN}', None),
    "a response time out of range": ('{"service":"s","message":"m","responseTime":1e999}', None),
    "the year 300000": (
        '{"service":"s","message":"m","timestamp":"300000-01-01T00:00:00Z"}',
        "/timestamp",
    ),
    "a timestamp far beyond": (
        '{"service":"s","message":"m","timestamp":99999999999999999999999}',
        "/timestamp",
    ),
    "attributes that are a list": ('{"service":"s","message":"m","attributes":[]}', "/attributes"),
    "attributes 100 000 deep": (DEEP, None),
    "something that is no JSON": ('{"service":', None),
    "a bare number": ("5", None),
}
cases = pytest.mark.parametrize(
    ("event", "pointer"), BAD_EVENTS.values(), ids=[key.replace(" ", "-") for key in BAD_EVENTS]
)


async def post(stack: Stack, path: str, raw: bytes, media: str = "application/json") -> Answer:
    """Post a body until the gateway says something about it.

    It may be away for a moment, and one that refuses a large body midway may hang up before its
    answer is read.
    """

    async def ask() -> Answer:
        return await stack.gateway.call("POST", path, raw=raw, headers={"Content-Type": media})

    return await eventually(ask, lambda answer: not answer.away, what="the gateway answers")


@cases
async def test_a_bad_event_alone_is_a_4xx_that_names_the_field(
    stack: Stack, event: str, pointer: str | None
) -> None:
    answer = await post(stack, "/api/logs", event.encode())
    assert answer.status in (400, 422), answer
    assert answer.headers["content-type"].startswith("application/problem+json")
    if pointer is not None:
        assert pointer in answer.pointers


@cases
async def test_a_bad_line_is_left_out_and_its_neighbours_are_kept(
    stack: Stack, event: str, pointer: str | None
) -> None:
    body = f"{GOOD}\n{event}\n{GOOD}".encode()
    answer = await post(stack, "/api/logs/batch", body, NDJSON)
    assert answer.status == 202, answer
    document = answer.json()
    assert (document["accepted"], document["rejected"]) == (2, 1)
    (error,) = document["errors"]
    assert error["index"] == 1
    assert error["reason"]
    if pointer is not None:
        assert error["pointer"] == pointer


async def test_a_bad_element_of_an_array_is_left_out_and_its_neighbours_are_kept(
    stack: Stack,
) -> None:
    body = f'[{GOOD},{{"service":5,"message":"m"}},{GOOD}]'.encode()
    answer = await post(stack, "/api/logs/batch", body)
    assert answer.status == 202, answer
    assert answer.json()["accepted"] == 2
    assert answer.json()["errors"] == [
        {"index": 1, "pointer": "/service", "reason": answer.json()["errors"][0]["reason"]}
    ]


@pytest.mark.parametrize("body", [b"", b"not json", b"[", b"{}", b'"text"', b"[]", b"\xff\xfe"])
async def test_a_body_without_one_valid_event_is_a_400(stack: Stack, body: bytes) -> None:
    answer = await post(stack, "/api/logs/batch", body)
    assert answer.status == 400, answer
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_a_body_of_ten_mebibytes_is_a_413(stack: Stack) -> None:
    body = b"[" + b",".join([GOOD.encode()] * 300_000) + b"]"
    assert len(body) > 10 * 1024 * 1024
    answer = await post(stack, "/api/logs/batch", body)
    assert answer.status == 413, answer


async def test_an_event_over_256_kib_is_refused_alone(stack: Stack) -> None:
    large = json.dumps({"service": "s", "message": "x" * 300_000})
    answer = await post(stack, "/api/logs/batch", f"[{GOOD},{large}]".encode())
    assert answer.status == 202, answer
    assert (answer.json()["accepted"], answer.json()["errors"][0]["index"]) == (1, 1)


async def test_more_than_5000_events_are_cut_off_there(stack: Stack) -> None:
    body = b"[" + b",".join([b'{"service":"s","message":"m"}'] * 5_001) + b"]"
    answer = await post(stack, "/api/logs/batch", body)
    assert answer.status in (202, 413), answer
    if answer.status == 202:
        assert (answer.json()["accepted"], answer.json()["rejected"]) == (5_000, 1)


async def test_another_content_type_is_a_415(stack: Stack) -> None:
    answer = await post(stack, "/api/logs", GOOD.encode(), "image/png")
    assert answer.status == 415, answer


async def test_after_all_of_that_every_partition_still_moves(
    stack: Stack, sink: SinkClient, name: Naming
) -> None:
    for event, _ in BAD_EVENTS.values():
        body = f"{GOOD}\n{event}".encode()
        await post(stack, "/api/logs/batch", body, NDJSON)
    service, at = name("unstuck"), moment()
    for error in errors(service, 101, at=at):  # each its own record: all twelve partitions
        await stack.accept([error])
    await deliveries(sink, service, "slack")
