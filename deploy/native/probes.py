"""Whether a program answers in its own protocol; no client library is needed for that."""

import http.client
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

from native.errors import SetupError
from native.ports import HOST

TIMEOUT_SECONDS = 2.0
PAUSE_SECONDS = 0.1
USER = b"user\0alertuser\0\0"
STARTUP = struct.pack(">ii", 8 + len(USER), 3 << 16) + USER  # protocol 3.0
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)  # size, key 18, version 0, id 1, no client


def kafka(port: int) -> bool:
    """Whether a broker answers an ApiVersions request."""
    reply = _exchange(port, API_VERSIONS)
    return len(reply) >= 10 and struct.unpack(">ih", reply[4:10]) == (1, 0)  # noqa: PLR2004


def redis(port: int) -> bool:
    return _exchange(port, b"PING\r\n") == b"+PONG\r\n"


def postgres(port: int) -> bool:
    """Whether a server asks a new connection to authenticate; one that starts up refuses it."""
    return _exchange(port, STARTUP).startswith(b"R")


def http_ok(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until(
    ready: Callable[[], bool], *, seconds: float, failure: str, log: Path | None
) -> None:
    """Ask until it is so.

    Raises:
        SetupError: it was not so within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            sentence = f"{failure} within {seconds:.0f} s."
            raise SetupError(sentence, log=log)
        time.sleep(PAUSE_SECONDS)


def _exchange(port: int, request: bytes) -> bytes:
    try:
        with socket.create_connection((HOST, port), timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall(request)
            return connection.recv(4096)
    except OSError:
        return b""
