"""The sink's HTTP side: the third parties' endpoints, and the control API for tests and people."""

import asyncio
import logging
import socket
import struct
import time
from datetime import datetime
from urllib.parse import parse_qs

from aiohttp import web

from sink.faults import Fault, FaultBook, FaultError, Mode, gets_through, parse_fault
from sink.inbox import Inbox, Message, Query
from sink.page import render
from sink.protocols import PROTOCOLS, parse_json

log = logging.getLogger("sink")

INBOX = web.AppKey("inbox", Inbox)
FAULTS = web.AppKey("faults", FaultBook)
MAX_BODY = 1024 * 1024
SHOWN_ON_PAGE = 200
SERVER_ERRORS = 500
RATE_LIMITED = 429
SLACK_WORDS = {400: "invalid_payload", 403: "action_prohibited", 404: "no_service",
               410: "channel_is_archived", 429: "rate_limited"}  # fmt: skip
GARBAGE = "<html><body><h1>It works!</h1></body></html>"


def build_app(inbox: Inbox, faults: FaultBook) -> web.Application:
    """Return the application over the given inbox and faults; it opens nothing."""
    app = web.Application(client_max_size=MAX_BODY)
    app[INBOX] = inbox
    app[FAULTS] = faults
    app.add_routes(
        [
            web.post("/slack/{name:.*}", receive),
            web.post("/pagerduty/v2/enqueue", receive),
            web.post("/webhook/{name:.*}", receive),
            web.get("/requests", list_requests),
            web.delete("/requests", clear_requests),
            web.get("/faults", list_faults),
            web.post("/faults", add_fault),
            web.delete("/faults", clear_faults),
            web.get("/health", health),
            web.get("/", page),
        ]
    )
    return app


def now_ms() -> int:
    """Return the wall clock in epoch milliseconds."""
    return time.time_ns() // 1_000_000


async def receive(request: web.Request) -> web.StreamResponse:
    """Take one notification, answer as the real service or as the fault in force says."""
    at_ms = now_ms()
    channel = request.path.split("/")[1]
    raw = await request.read()
    body = _payload(request, raw)
    fault = request.app[FAULTS].take(channel, request.path, raw)
    answer = PROTOCOLS[channel](body, raw)
    dedup_key = body.get("dedup_key") if isinstance(body, dict) else None
    message = Message(
        channel=channel,
        path=request.path,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        raw=raw,
        idempotency_key=request.headers.get("Idempotency-Key"),
        dedup_key=str(dedup_key) if dedup_key is not None else answer.dedup_key,
    )
    received = request.app[INBOX].add(
        message,
        at_ms=at_ms,
        delivered=answer.status < web.HTTPBadRequest.status_code and gets_through(fault),
        answer=f"{answer.status}" if fault is None else f"fault {fault.mode.value}",
    )
    log.info("%s %s: %s", channel, request.path, received.answer)
    if fault is not None:
        failure = await _fail(request, fault)
        if failure is not None:
            return failure
    return web.Response(status=answer.status, text=answer.body, content_type=answer.content_type)


def _payload(request: web.Request, raw: bytes) -> object:
    """Return the JSON of the body; Slack also takes it in a form's field `payload`."""
    if request.content_type == "application/x-www-form-urlencoded":
        raw = parse_qs(raw.decode("utf-8", "replace")).get("payload", [""])[0].encode()
    body: object = parse_json(raw)
    return body


async def _fail(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    """Act the fault; None means that the right answer follows after all."""
    if fault.mode is Mode.SLOW:
        await asyncio.sleep(fault.delay_s)
        return None
    if fault.mode in (Mode.TIMEOUT, Mode.RESET):
        if fault.mode is Mode.TIMEOUT:
            await request.app[FAULTS].hang()
        reset(request.transport)
        return web.Response()
    if fault.mode is Mode.GARBAGE:
        return web.Response(text=fault.body or GARBAGE, content_type="text/html")
    status = fault.status or (RATE_LIMITED if fault.mode is Mode.RATE_LIMIT else SERVER_ERRORS + 3)
    headers = {}
    if fault.retry_after_s is not None or fault.mode is Mode.RATE_LIMIT:
        headers["Retry-After"] = str(1 if fault.retry_after_s is None else fault.retry_after_s)
    word = SLACK_WORDS.get(status, "server_error") if fault.channel == "slack" else "failure"
    return web.Response(status=status, text=fault.body or word, headers=headers)


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Close the connection with a TCP reset instead of an orderly end."""
    if not isinstance(transport, asyncio.Transport):
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def list_requests(request: web.Request) -> web.Response:
    """Answer what was received, oldest first, after the filters of the query string."""
    try:
        query = _query(request)
    except ValueError as exc:
        return web.json_response({"error": str(exc)}, status=400)
    inbox = request.app[INBOX]
    found = [received.as_json() for received in inbox.find(query)]
    return web.json_response(
        {
            "count": len(found),
            "lastSeq": inbox.last_seq,
            "dropped": inbox.dropped,
            "requests": found,
        }
    )


def _query(request: web.Request) -> Query:
    args = request.query
    unknown = set(args) - {"channel", "since", "after", "contains", "delivered"}
    if unknown:
        message = f"unknown filter: {', '.join(sorted(unknown))}"
        raise ValueError(message)
    contains = args.get("contains")
    delivered = args.get("delivered")
    return Query(
        channel=args.get("channel"),
        since_ms=_since(args["since"]) if "since" in args else None,
        after=int(args["after"]) if "after" in args else None,
        contains=None if contains is None else contains.encode(),
        delivered=None if delivered is None else delivered == "true",
    )


def _since(text: str) -> int:
    """Read epoch milliseconds or RFC 3339; raises ValueError."""
    if text.isdecimal():
        return int(text)
    return int(datetime.fromisoformat(text).timestamp() * 1000)


async def clear_requests(request: web.Request) -> web.Response:
    return web.json_response({"cleared": request.app[INBOX].clear()})


async def list_faults(request: web.Request) -> web.Response:
    faults = request.app[FAULTS].in_force()
    return web.json_response({"faults": [fault.as_json() for fault in faults]})


async def add_fault(request: web.Request) -> web.Response:
    """Put a fault in force; 400 with a sentence when it makes no sense."""
    try:
        faults = parse_fault(parse_json(await request.read()))
    except FaultError as exc:
        return web.json_response({"error": str(exc)}, status=400)
    for fault in faults:
        request.app[FAULTS].add(fault)
    return web.json_response({"faults": [fault.as_json() for fault in faults]}, status=201)


async def clear_faults(request: web.Request) -> web.Response:
    return web.json_response({"cleared": request.app[FAULTS].clear()})


async def health(request: web.Request) -> web.Response:
    inbox = request.app[INBOX]
    return web.json_response({"status": "UP", "received": inbox.last_seq})


async def page(request: web.Request) -> web.Response:
    """Show the newest messages as the person who is paged would read them."""
    text = render(request.app[INBOX].newest(SHOWN_ON_PAGE))
    return web.Response(
        text=text,
        content_type="text/html",
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
    )
