"""Reading a request body of which nothing is known: how long, how slow, how compressed."""

import asyncio
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from prometheus_client import Gauge
from starlette.types import Receive

from service_runtime.errors import TemporaryError
from service_runtime.web import ProblemError

MAX_BODY: Final = 5 * 1_048_576
MAX_INFLATED: Final = 32 * 1_048_576
MAX_MEMBERS: Final = 1_000
"""Of a gzip stream; each costs more than its bytes."""
_GZIP_WINDOW: Final = 31
_GZIP: Final = frozenset({"gzip", "x-gzip"})
_SLICE: Final = 65_536
_CHUNK: Final = 1_048_576


class Budget:
    """Bytes of requests that may be in memory at once; over it, a request is turned away."""

    def __init__(self, limit: int, gauge: Gauge) -> None:
        self._limit = limit
        self._used = 0
        self._gauge = gauge

    def take(self, size: int) -> None:
        """Reserve bytes.

        Raises:
            TemporaryError: there is no room.
        """
        if self._used + size > self._limit:
            message = "too many bytes are in flight"
            raise TemporaryError(message, retry_after=1.0)
        self._used += size
        self._gauge.set(self._used)

    def give_back(self, size: int) -> None:
        """Release bytes reserved before."""
        self._used -= size
        self._gauge.set(self._used)


@dataclass(slots=True)
class Reservation:
    """What one request has reserved of the budget."""

    budget: Budget
    size: int = 0

    def grow(self, size: int) -> None:
        """Reserve more; see `Budget.take`."""
        self.budget.take(size)
        self.size += size

    def release(self) -> None:
        """Give all of it back."""
        self.budget.give_back(self.size)
        self.size = 0


class ClientGoneError(Exception):
    """The client hung up before its request was complete; there is nobody to answer."""


async def read(
    receive: Receive,
    reservation: Reservation,
    *,
    length: int | None,
    encoding: str,
    patience: float,
) -> bytes:
    """Return the body, inflated if `encoding` says gzip.

    `length` is the announced one, if any; `patience` bounds the whole reading, in seconds.

    Raises:
        ProblemError: it is too long, too slow, or not compressed as announced.
        TemporaryError: there is no room for it now.
        ClientGoneError: the client hung up.
    """
    if length is not None and length > MAX_BODY:
        raise _too_large(detail=f"a body has at most {MAX_BODY} bytes, this one {length}")
    if encoding and encoding not in {*_GZIP, "identity"}:
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"content-encoding {encoding[:40]!r} is not known; send gzip or none",
            headers={"Accept-Encoding": "gzip"},
        )
    try:
        async with asyncio.timeout(patience):
            body = await _receive_all(receive, reservation)
    except TimeoutError:
        detail = f"the body did not arrive within {patience:g} s"
        raise ProblemError(HTTPStatus.REQUEST_TIMEOUT, detail) from None
    return await _inflate(body, reservation) if encoding in _GZIP else body


async def _receive_all(receive: Receive, reservation: Reservation) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise _too_large(detail=f"a body has at most {MAX_BODY} bytes")
        reservation.grow(len(chunk))
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _inflate(body: bytes, reservation: Reservation) -> bytes:
    """Inflate all members of a gzip stream, never beyond the bounds, in steps that others share.

    It is fed in slices, because zlib copies what is left of its input at the end of each member.
    """
    inflation = _Inflation(reservation)
    for start in range(0, len(body), _SLICE):
        if start:
            await asyncio.sleep(0)
        for _ in inflation.feed(body[start : start + _SLICE]):
            await asyncio.sleep(0)
    return inflation.finish()


class _Inflation:
    """What has been inflated so far."""

    def __init__(self, reservation: Reservation) -> None:
        self._reservation = reservation
        self._stream = zlib.decompressobj(wbits=_GZIP_WINDOW)
        self._members = 1
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, rest: bytes) -> Iterator[None]:
        """Inflate a slice; yields after each full piece of output."""
        while rest or not self._stream.eof:
            if self._stream.eof:
                self._begin_member()
            try:
                piece = self._stream.decompress(rest, _CHUNK)
            except zlib.error as exc:
                detail = f"the body is not valid gzip: {exc}"
                raise ProblemError(HTTPStatus.BAD_REQUEST, detail) from None
            rest = self._stream.unused_data or self._stream.unconsumed_tail
            self._keep(piece)
            if len(piece) < _CHUNK and not rest:
                return
            if len(piece) == _CHUNK:
                yield

    def finish(self) -> bytes:
        """Return all of it."""
        if not self._stream.eof:
            detail = "the body is cut off within its gzip"
            raise ProblemError(HTTPStatus.BAD_REQUEST, detail)
        return b"".join(self._pieces)

    def _begin_member(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise _too_large(detail=f"a body has at most {MAX_MEMBERS} gzip members")
        self._stream = zlib.decompressobj(wbits=_GZIP_WINDOW)

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > MAX_INFLATED:
            raise _too_large(detail=f"a body has at most {MAX_INFLATED} bytes when inflated")
        self._reservation.grow(len(piece))
        self._pieces.append(piece)


def _too_large(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
