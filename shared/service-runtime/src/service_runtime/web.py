"""The HTTP face of a service: FastAPI with problem+json, health, metrics, on our own lifecycle."""

import asyncio
import contextlib
import socket
from collections.abc import Generator, Sequence
from http import HTTPStatus
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from service_runtime import tracing
from service_runtime.bounds import BodyLimit, CrowdLimit
from service_runtime.errors import PoisonError, StartupError, TemporaryError
from service_runtime.health import Health
from service_runtime.methods import HeadAndOptions, allowed
from service_runtime.telemetry import VERSION, logger, render_metrics

log = logger(__name__)
PROBLEM = "application/problem+json"
BACKLOG = 2_048
MAX_BODY = 262_144
"""Bytes of a body, unless an application says otherwise."""
AT_ONCE = 2_000
"""Requests that a service answers at once."""


class ProblemError(Exception):
    """An answer that is an error: RFC 9457 problem details.

    `errors` are `{"pointer": JSON pointer, "reason": text, ...}`, one for each wrong field.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[dict[str, Any]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors)
        self.headers = headers or {}


def problem_body(
    status: HTTPStatus, detail: str, errors: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return the members of an RFC 9457 document."""
    context = tracing.current.get()
    return {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "errors": list(errors),
        "traceId": context.trace_id if context else "",
    }


def _problem(
    status: HTTPStatus,
    detail: str,
    errors: Sequence[dict[str, Any]] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    body = problem_body(status, detail, errors)
    return JSONResponse(body, int(status), headers=headers, media_type=PROBLEM)


def _pointer(location: Sequence[int | str]) -> str:
    # The first part says where: body, query, path.
    parts = location[1:] if location and location[0] == "body" else location
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _reason(error: dict[str, Any]) -> str:
    if error["type"] != "extra_forbidden":
        return str(error["msg"])
    return f"there is no such {'field' if error['loc'][0] == 'body' else 'parameter'}"


async def _on_problem(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, ProblemError)  # noqa: S101 - registered for this type
    return _problem(exc.status, exc.detail, exc.errors, exc.headers)


async def _on_invalid(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - registered for this type
    errors = [{"pointer": _pointer(one["loc"]), "reason": _reason(one)} for one in exc.errors()]
    malformed = any(one["type"] == "json_invalid" for one in exc.errors())
    status = HTTPStatus.BAD_REQUEST if malformed else HTTPStatus.UNPROCESSABLE_ENTITY
    return _problem(status, "the request is not valid", errors)


async def _on_http(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - registered for this type
    headers = dict(exc.headers or {})
    if exc.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The router names the methods of the first route of the path only.
        headers["Allow"] = ", ".join(allowed(request.app.routes, request.scope))
    return _problem(HTTPStatus(exc.status_code), str(exc.detail), headers=headers)


async def _on_temporary(_request: Request, exc: Exception) -> Response:
    wait = exc.retry_after if isinstance(exc, TemporaryError) else None
    headers = {"Retry-After": str(max(1, round(wait or 1)))}
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, str(exc), headers=headers)


async def _on_poison(_request: Request, exc: Exception) -> Response:
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(exc))


async def _on_bug(request: Request, exc: Exception) -> Response:
    log.error("request_failed", path=request.url.path, exc_info=exc)
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a fault of ours; it has been logged")


def _refusal(status: HTTPStatus, detail: str, headers: dict[str, str]) -> ASGIApp:
    return _problem(status, detail, headers=headers)


def create_app(
    title: str, description: str, health: Health, *, max_body: int = MAX_BODY
) -> FastAPI:
    """Return an application with error answers, trace context, health, metrics and info.

    A body of more than `max_body` bytes is answered 413. The page at `/docs` loads nothing from
    elsewhere, so it works where there is no internet.
    """
    app = FastAPIOffline("/docs", None, title=title, description=description, version=VERSION)
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(TemporaryError, _on_temporary)
    app.add_exception_handler(PoisonError, _on_poison)
    app.add_exception_handler(Exception, _on_bug)
    _add_operations(app, health)
    app.add_middleware(HeadAndOptions, routes=app.routes)
    app.add_middleware(BodyLimit, limit=max_body, refuse=_refusal)
    app.add_middleware(TraceMiddleware)
    return app


def _add_operations(app: FastAPI, health: Health) -> None:
    @app.get("/health", tags=["operations"])
    async def overall() -> Response:
        """Every component with its state; 503 if one is down."""
        status, body = await health.overall()
        return JSONResponse(body, int(status))

    @app.get("/health/live", tags=["operations"])
    async def live() -> Response:
        """The process runs."""
        status, body = health.live()
        return JSONResponse(body, int(status))

    @app.get("/health/ready", tags=["operations"])
    async def ready() -> Response:
        """The process takes work."""
        status, body = health.readiness()
        return JSONResponse(body, int(status))

    @app.get("/info", tags=["operations"])
    async def info() -> dict[str, str]:
        """Version, commit and a hash of the configuration."""
        return health.info()

    @app.get("/metrics", tags=["operations"])
    async def metrics(request: Request) -> Response:
        """Prometheus text, or OpenMetrics on request."""
        parts, kind = render_metrics(request.headers.get("accept", ""))
        body = bytearray()
        for part in parts:
            body += part
            await asyncio.sleep(0)  # other requests have their turn
        return Response(bytes(body), headers={"content-type": kind})


class TraceMiddleware:
    """Continues the caller's trace, or begins one, for each request (plain ASGI: no copies)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        header = next((v for k, v in scope["headers"] if k == b"traceparent"), b"")
        token = tracing.current.set(tracing.resume(header.decode("latin-1")))
        try:
            await self.app(scope, receive, send)
        finally:
            tracing.current.reset(token)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield  # signals belong to `lifecycle`


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket, so that a taken port is known before anything else starts.

    Raises:
        StartupError: the address cannot be had; the message names it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(BACKLOG)  # who connects before we serve waits, and is not refused
    except OSError as exc:
        sock.close()
        message = f"cannot listen on {host}:{port}: {exc.strerror}"
        raise StartupError(message) from exc
    return sock


async def serve(
    app: ASGIApp,
    sock: socket.socket,
    stop: asyncio.Event,
    *,
    grace: float = 10.0,
    at_once: int = AT_ONCE,
) -> None:
    """Serve until `stop` is set, then finish the requests in flight within `grace` seconds.

    Requests beyond `at_once` are answered 503. uvicorn's own bound is not used: it counts idle
    connections, and its answer is neither a problem document nor says when to come again.
    """
    config = uvicorn.Config(
        CrowdLimit(app, limit=at_once, refuse=_refusal),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(grace),
        backlog=BACKLOG,
        h11_max_incomplete_event_size=65_536,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[sock]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()
        await running
    finally:
        sock.close()
