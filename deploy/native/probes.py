"""Whether a program answers in its own protocol; no client library is needed for that."""

import http.client
import socket
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from native.errors import SetupError
from native.ports import HOST

TIMEOUT_SECONDS = 2.0
PAUSE_SECONDS = 0.1
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)  # size, key 18, version 0, id 1, no client


def kafka(port: int) -> bool:
    """Whether a broker answers an ApiVersions request."""
    reply = _exchange(port, API_VERSIONS)
    return len(reply) >= 10 and struct.unpack(">ih", reply[4:10]) == (1, 0)  # noqa: PLR2004


def redis(port: int) -> bool:
    return _exchange(port, b"PING\r\n") == b"+PONG\r\n"


def postgres(binaries: Path, port: int) -> bool:
    command: list[str | Path] = [binaries / "pg_isready", "-q", "-h", HOST, "-p", str(port)]
    return subprocess.run(command, check=False).returncode == 0


def http_ok(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until(ready: Callable[[], bool], *, seconds: float, failure: str, log: Path) -> None:
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
