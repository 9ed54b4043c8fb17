"""The HTTP face: errors as RFC 9457, traces, operations, over a real socket."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from service_runtime.errors import PoisonError, StartupError, TemporaryError
from service_runtime.health import Health
from service_runtime.web import ProblemError, create_app, listen, serve

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Thing(BaseModel):
    """A body."""

    size: int


def _app(gate: asyncio.Barrier | None) -> FastAPI:
    app = create_app("Example", "An example.", Health("example", ready=True))

    @app.post("/things")
    async def make(thing: Thing) -> Thing:
        if thing.size == 1:
            errors = [{"pointer": "/size", "reason": "one is taken"}]
            raise ProblemError(HTTPStatus.CONFLICT, "no", errors=errors, headers={"X-Why": "1"})
        if thing.size == 2:
            message = "Kafka is away"
            raise TemporaryError(message, retry_after=3)
        if thing.size == 3:
            raise ZeroDivisionError
        if thing.size == 4:
            message = "no database can hold this"
            raise PoisonError(message)
        return thing

    @app.get("/things")
    async def things() -> list[Thing]:
        return []

    @app.get("/wait")
    async def wait() -> None:
        assert gate is not None
        await gate.wait()
        await gate.wait()

    return app


@asynccontextmanager
async def served(
    at_once: int = 9, gate: asyncio.Barrier | None = None
) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    stop = asyncio.Event()
    sock = listen("127.0.0.1", 0)
    running = asyncio.create_task(serve(_app(gate), sock, stop, at_once=at_once))
    async with aiohttp.ClientSession() as session:
        yield session, f"http://127.0.0.1:{sock.getsockname()[1]}"
    stop.set()
    await running


async def status_of(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(url) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ('{"size":"x"}', 422, "/size"),
        ("{}", 422, "/size"),
        ("{", 400, "/1"),
        ('{"size":1}', 409, "/size"),
        ('{"size":2}', 503, None),
        ('{"size":3}', 500, None),
        ('{"size":4}', 422, None),
    ],
)
async def test_every_error_is_a_problem_document(
    body: str, status: int, pointer: str | None
) -> None:
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    headers["Content-Type"] = "application/json"
    async with served() as (session, base):
        answer = await session.post(f"{base}/things", data=body, headers=headers)
        problem = await answer.json(content_type="application/problem+json")
    assert (answer.status, problem["status"]) == (status, status)
    assert problem["title"] == HTTPStatus(status).phrase
    assert [error["pointer"] for error in problem["errors"]] == ([pointer] if pointer else [])
    if status != 500:
        assert problem["traceId"] == TRACE
    if status == 503:
        assert answer.headers["Retry-After"] == "3"


async def test_a_body_is_bounded_announced_or_not() -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        yield b'{"size":"x"'
        for _ in range(count):
            yield b" " * 65_536
        yield b"}"

    whole = b'{"size":7' + b" " * 262_144 + b"}"
    headers = {"Content-Type": "application/json"}
    async with served() as (session, base):
        for body, status in ((whole, 413), (pieces(4), 413), (pieces(3), 422)):
            async with session.post(f"{base}/things", data=body, headers=headers) as answer:
                problem = await answer.json(content_type="application/problem+json")
                assert (answer.status, len(problem["traceId"])) == (status, 32)
                assert ("262144 bytes" in problem["detail"]) == (status == 413)


async def test_a_crowd_is_told_when_to_come_again() -> None:
    gate = asyncio.Barrier(2)

    async with served(1, gate) as (session, base):
        waiting = asyncio.create_task(status_of(session, f"{base}/wait"))
        await asyncio.wait_for(gate.wait(), 5)
        async with session.get(f"{base}/health/live") as answer:
            problem = await answer.json(content_type="application/problem+json")
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert problem["detail"] == "too many requests are being answered"
        await gate.wait()
        assert await waiting == 200
        assert await status_of(session, f"{base}/health/live") == 200


async def test_operations_answer() -> None:
    async with served() as (session, base):
        for path in ("/health", "/health/live", "/health/ready", "/metrics", "/info", "/docs"):
            assert await status_of(session, base + path) == 200, path
        assert await status_of(session, f"{base}/nothing") == 404


async def test_the_page_of_the_api_loads_nothing_from_elsewhere() -> None:
    async with served() as (session, base):
        async with session.get(f"{base}/docs") as answer:
            page = await answer.text()
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert len(loaded) == 3
        for path in loaded:
            assert path.startswith("/")
            assert await status_of(session, base + path) == 200, path
        assert "://" not in page


@pytest.mark.parametrize(
    ("path", "allow"),
    [("/things", "GET, HEAD, OPTIONS, POST"), ("/info", "GET, HEAD, OPTIONS")],
)
async def test_a_path_says_what_it_takes(path: str, allow: str) -> None:
    async with served() as (session, base):
        async with session.options(base + path) as answer:
            assert (answer.status, answer.headers["Allow"]) == (204, allow)
        async with session.delete(base + path) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, allow)
            assert (await answer.json())["status"] == 405


async def test_a_path_with_nothing_there_takes_nothing() -> None:
    async with served() as (session, base), session.options(f"{base}/nothing") as answer:
        assert answer.status == 404


async def test_head_is_get_without_a_body() -> None:
    async with served() as (session, base):
        async with session.head(f"{base}/info") as answer:
            assert (answer.status, await answer.read()) == (200, b"")
            assert answer.headers["content-type"] == "application/json"
        async with session.head(f"{base}/nothing") as answer:
            assert answer.status == 404


def test_a_taken_port_is_named() -> None:
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    try:
        with pytest.raises(StartupError, match=f"127.0.0.1:{port}"):
            listen("127.0.0.1", port)
    finally:
        sock.close()
