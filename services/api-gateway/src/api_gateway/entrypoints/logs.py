"""The hot routes: raw ASGI, beside FastAPI, because a route costs more than the events."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import msgspec
from starlette.types import Receive, Scope, Send

from alert_contracts.events import NDJSON
from api_gateway.domain.ingest import (
    Form,
    Intake,
    MalformedError,
    OversizedError,
    take_array,
    take_lines,
    take_one,
)
from api_gateway.entrypoints import body as bodies
from api_gateway.handlers.ingesting import Ingestion, LogRequest
from api_gateway.telemetry import LogEvent, Metrics, Route
from service_runtime import tracing
from service_runtime.errors import TemporaryError
from service_runtime.telemetry import logger
from service_runtime.web import PROBLEM, ProblemError, problem_body

log = logger(__name__)
TENANT: Final = "default"
MAX_IDEMPOTENCY_KEY: Final = 255
_JSON: Final = "application/json"
_LINES: Final = frozenset({NDJSON, "application/ndjson", "application/jsonl"})
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii"})
_ONE: Final = b'{"accepted":1}'
_REFUSALS: Final = (ProblemError, MalformedError, OversizedError, TemporaryError)
Headers = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, whole."""

    status: int
    body: bytes
    content_type: str = _JSON
    headers: Sequence[tuple[bytes, bytes]] = ()


@dataclass(frozen=True, slots=True)
class LogRoutes:
    """Answers `POST /api/logs` and `POST /api/logs/batch`."""

    ingestion: Ingestion
    budget: bodies.Budget
    metrics: Metrics
    body_patience: float
    """Seconds in which a client must have sent its body."""

    async def __call__(self, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request to one of the routes."""
        started = time.perf_counter()
        headers: Headers = dict(scope["headers"])
        trace = tracing.resume(headers.get(b"traceparent", b"").decode("latin-1"))
        token = tracing.current.set(trace)
        reservation = bodies.Reservation(self.budget)
        try:
            answer = await self._answer(route, scope["method"], headers, receive, reservation)
            await _send(send, answer)
        except bodies.ClientGoneError:
            return
        except Exception:  # a fault of ours must still be answered, and in our own form
            log.exception(LogEvent.REQUEST_FAILED, route=route)
            answer = _problem(_fault())
            await _send(send, answer)
        finally:
            reservation.release()
            tracing.current.reset(token)
        self.metrics.answered(route, answer.status, time.perf_counter() - started)

    async def _answer(
        self,
        route: Route,
        method: str,
        headers: Headers,
        receive: Receive,
        reservation: bodies.Reservation,
    ) -> Answer:
        try:
            if method != "POST":
                return _problem(_post_only(route))
            form = _reader(route, _text(headers, b"content-type"))
            key = _idempotency_key(headers)
            body = await bodies.read(
                receive,
                reservation,
                length=_length(headers),
                encoding=_text(headers, b"content-encoding").strip().lower(),
                patience=self.body_patience,
            )
            self.metrics.bytes.inc(len(body))
            return await self._take(route, body, form, key)
        except _REFUSALS as exc:
            return _problem(_refusal(exc))

    async def _take(self, route: Route, body: bytes, form: Form, key: str) -> Answer:
        trace = tracing.current.get() or tracing.start()
        intake = await self.ingestion.take(
            LogRequest(
                body=body,
                form=form,
                tenant=TENANT,
                traceparent=trace.header(),
                idempotency_key=key,
            )
        )
        self.metrics.accepted.inc(intake.accepted)
        self.metrics.rejected.inc(intake.rejected)
        if not intake.accepted:
            return _none_accepted(route, intake)
        return Answer(HTTPStatus.ACCEPTED, _accepted(route, intake))


def _accepted(route: Route, intake: Intake) -> bytes:
    if route is Route.ONE:
        return _ONE
    errors = msgspec.json.encode(intake.refusals)
    return b'{"accepted":%d,"rejected":%d,"errors":%b}' % (intake.accepted, intake.rejected, errors)


def _none_accepted(route: Route, intake: Intake) -> Answer:
    if route is Route.ONE:
        refusal = intake.refusals[0]
        errors = [{"pointer": refusal.pointer, "reason": refusal.reason}]
        return _problem(_bad("the event is not valid", errors))
    errors = [msgspec.to_builtins(refusal) for refusal in intake.refusals]
    detail = "no event is valid" if intake.rejected else "the request holds no event"
    return _problem(_bad(detail, errors), accepted=0, rejected=intake.rejected)


@lru_cache(maxsize=256)
def _reader(route: Route, content_type: str) -> Form:
    """Return how to read the body, by its content type; JSON where there is none."""
    parsed = Message()
    parsed["content-type"] = content_type or _JSON
    kind = parsed.get_content_type()
    charset = parsed.get_content_charset("utf-8")
    if charset not in _UTF8:
        raise _unsupported(detail=f"charset {charset[:40]!r} is not taken; send UTF-8")
    if kind == _JSON or (kind.startswith("application/") and kind.endswith("+json")):
        return take_one if route is Route.ONE else take_array
    if kind in _LINES and route is Route.BATCH:
        return take_lines
    wanted = _JSON if route is Route.ONE else f"{_JSON} (an array) or {NDJSON}"
    raise _unsupported(detail=f"content-type {kind[:60]!r} is not taken here; send {wanted}")


def _idempotency_key(headers: Headers) -> str:
    key = _text(headers, b"idempotency-key").strip()
    if len(key) > MAX_IDEMPOTENCY_KEY:
        detail = f"an Idempotency-Key has at most {MAX_IDEMPOTENCY_KEY} characters"
        raise ProblemError(HTTPStatus.BAD_REQUEST, detail)
    return key


def _length(headers: Headers) -> int | None:
    text = headers.get(b"content-length", b"")
    return int(text) if text.isdigit() else None


def _text(headers: Headers, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _refusal(error: Exception) -> ProblemError:
    """Return the answer to what went wrong."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, TemporaryError):
        return _unavailable(error)
    if isinstance(error, OversizedError):
        return ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error))
    return _bad(str(error))


def _bad(detail: str, errors: Sequence[dict[str, Any]] = ()) -> ProblemError:
    return ProblemError(HTTPStatus.BAD_REQUEST, detail, errors=errors)


def _post_only(route: Route) -> ProblemError:
    return ProblemError(
        HTTPStatus.METHOD_NOT_ALLOWED, f"{route} takes POST only", headers={"Allow": "POST"}
    )


def _unsupported(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)


def _unavailable(error: TemporaryError) -> ProblemError:
    wait = str(max(1, round(error.retry_after or 1)))
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"the events were not stored: {error}",
        headers={"Retry-After": wait},
    )


def _fault() -> ProblemError:
    detail = "this is a fault of ours; it has been logged"
    return ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _problem(error: ProblemError, **members: int) -> Answer:
    document = problem_body(error.status, error.detail, error.errors) | members
    headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    return Answer(error.status, msgspec.json.encode(document), PROBLEM, headers)


async def _send(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
