"""A minimal HTTP/1.1 client: one keep-alive connection, one request at a time, no pipelining."""

import asyncio
from typing import NamedTuple
from urllib.parse import urlsplit

MAX_RESPONSE = 1024 * 1024
HEAD_END = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


class Response(NamedTuple):
    status: int
    headers: dict[bytes, bytes]
    """Names in lower case."""
    body: bytes


class ConnectionLostError(Exception):
    """The server closed the connection before its answer was complete."""


class Target(NamedTuple):
    """Where to post: address, and the request head up to the body's length."""

    host: str
    port: int
    head: bytes

    @classmethod
    def parse(cls, url: str, *, path: str, content_type: str) -> "Target":
        """Prepare the constant part of every request.

        Raises:
            ValueError: the URL is not http://host[:port].
        """
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            message = f"expected http://host:port, not {url!r}"
            raise ValueError(message)
        head = (
            f"POST {parts.path.rstrip('/')}{path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Content-Type: {content_type}\r\n"
        )
        return cls(parts.hostname, parts.port or 80, head.encode())


class Connection(asyncio.Protocol):
    """One connection. `post` sends a body and waits for the whole answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Response] | None = None
        self._received = bytearray()

    @classmethod
    async def open(cls, target: Target) -> "Connection":
        """Connect. Raises OSError when nobody listens."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, target.host, target.port)
        return connection

    async def post(self, target: Target, body: bytes, *, key: str, timeout_s: float) -> Response:
        """Post one body under an idempotency key.

        Raises:
            ConnectionLostError: no complete answer came; the body may have been taken.
            TimeoutError: none came in time; the connection is closed.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ConnectionLostError
        waiting: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting = waiting
        head = b"%bIdempotency-Key: %b\r\nContent-Length: %d\r\n\r\n"
        transport.writelines((head % (target.head, key.encode(), len(body)), body))
        try:
            async with asyncio.timeout(timeout_s):
                return await waiting
        except TimeoutError:
            transport.abort()
            raise
        finally:
            self._waiting = None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionLostError(str(exc or "closed by the server")))

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            response = parse_response(self._received)
        except ValueError as exc:
            self.connection_lost(exc)
            self.close()
            return
        if response is None:
            return
        self._received.clear()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(response)
        if response.headers.get(b"connection", b"").lower() == b"close":
            self.close()


def parse_response(received: bytes | bytearray) -> Response | None:
    """Return the answer once it is complete, None before that.

    Raises:
        ValueError: this is no HTTP/1.1 answer, or it is larger than `MAX_RESPONSE`.
    """
    if len(received) > MAX_RESPONSE:
        message = "the answer is too large"
        raise ValueError(message)
    end = received.find(HEAD_END)
    if end < 0:
        return None
    first, *lines = bytes(received[:end]).split(b"\r\n")
    if not first.startswith(b"HTTP/1."):
        message = "not HTTP"
        raise ValueError(message)
    status = int(first[9:12])
    headers = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    body = bytes(received[end + len(HEAD_END) :])
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return Response(status, headers, _dechunk(body)) if body.endswith(LAST_CHUNK) else None
    length = int(headers.get(b"content-length", b"0"))
    return Response(status, headers, body[:length]) if len(body) >= length else None


def _dechunk(body: bytes) -> bytes:
    parts: list[bytes] = []
    position = 0
    while True:
        end = body.index(b"\r\n", position)
        size = int(body[position:end].split(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + size])
        position = end + 2 + size + 2
