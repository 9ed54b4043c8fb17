"""Which port each program listens on, and who sits on one that we need."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from native.errors import SetupError

HOST = "127.0.0.1"
LISTENING = "0A"
HIGHEST = 65535

DEFAULTS = {
    "TOCSIN_KAFKA_PORT": 9092,
    "TOCSIN_KAFKA_CONTROLLER_PORT": 9093,
    "TOCSIN_REDIS_PORT": 6379,
    "TOCSIN_POSTGRES_PORT": 5432,
    "TOCSIN_PROMETHEUS_PORT": 9090,
    "TOCSIN_GATEWAY_PORT": 8080,
    "TOCSIN_ENGINE_PORT": 8081,
    "TOCSIN_ALERT_MANAGER_PORT": 8082,
    "TOCSIN_NOTIFICATION_PORT": 8083,
    "TOCSIN_EVALUATE_PORT": 8084,
    "TOCSIN_SINK_PORT": 8090,
    "TOCSIN_SINK_SMTP_PORT": 8025,
    "TOCSIN_GRAFANA_PORT": 3000,  # in Docker only
}


@dataclass(frozen=True, slots=True)
class Port:
    """A port and the environment variable that moves it."""

    variable: str
    number: int


def read(variable: str) -> Port:
    """Return the port that `variable` names, or its default.

    Raises:
        SetupError: the variable holds something else than a port.
    """
    text = os.environ.get(variable, "")
    if not text:
        return Port(variable, _default(variable))
    if not text.isdecimal() or not 0 < int(text) <= HIGHEST:
        sentence = f"{variable} must be a port between 1 and {HIGHEST}, not {text!r}."
        raise SetupError(sentence)
    return Port(variable, int(text))


def _default(variable: str) -> int:
    if variable == "TOCSIN_KAFKA_CONTROLLER_PORT":
        return read("TOCSIN_KAFKA_PORT").number + 1
    return DEFAULTS[variable]


def require_free(port: Port) -> None:
    """Raise SetupError with a sentence about the holder when the port is taken."""
    if _free(port.number):
        return
    holder = _holder(port.number) or "a process that this user cannot see"
    sentence = (
        f"Port {port.number} is taken by {holder}; "
        f"stop that, or set {port.variable} to a free port and run again."
    )
    raise SetupError(sentence)


def _free(number: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, number))
        except OSError:
            return False
    return True


def _holder(number: int) -> str | None:
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(number)}
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and sockets & set(_open_files(process)):
            name = (process / "comm").read_text().strip()
            return f"{name} (pid {process.name})"
    return None


def _listening_inodes(number: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        lines = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        for fields in map(str.split, lines):
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == number:
                yield fields[9]


def _open_files(process: Path) -> Iterator[str]:
    try:
        files = list((process / "fd").iterdir())
    except OSError:
        return  # it has gone, or is another user's
    for file in files:
        with suppress(OSError):  # closed meanwhile
            yield str(file.readlink())
