"""The HTTP face: errors as RFC 9457, traces, operations, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from service_runtime.errors import StartupError, TemporaryError
from service_runtime.health import Health
from service_runtime.web import ProblemError, create_app, listen, serve

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Thing(BaseModel):
    """A body."""

    size: int


def _app() -> FastAPI:
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
        return thing

    return app


@asynccontextmanager
async def served() -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    stop = asyncio.Event()
    sock = listen("127.0.0.1", 0)
    running = asyncio.create_task(serve(_app(), sock, stop))
    async with aiohttp.ClientSession() as session:
        yield session, f"http://127.0.0.1:{sock.getsockname()[1]}"
    stop.set()
    await running


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ('{"size":"x"}', 422, "/size"),
        ("{}", 422, "/size"),
        ("{", 400, "/1"),
        ('{"size":1}', 409, "/size"),
        ('{"size":2}', 503, None),
        ('{"size":3}', 500, None),
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


async def test_operations_answer() -> None:
    async with served() as (session, base):
        for path in ("/health", "/health/live", "/health/ready", "/metrics", "/info", "/docs"):
            assert (await session.get(base + path)).status == 200, path
        assert (await session.get(f"{base}/nothing")).status == 404


def test_a_taken_port_is_named() -> None:
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    try:
        with pytest.raises(StartupError, match=f"127.0.0.1:{port}"):
            listen("127.0.0.1", port)
    finally:
        sock.close()
