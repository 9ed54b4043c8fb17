"""Kills, stops and starts the processes of the stack, natively or under Docker Compose."""

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import xmlrpc.client
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from blackbox.addresses import PROJECT


class Processes(Protocol):
    """The stack's processes by the names that `./setup.sh status` shows."""

    def pid(self, name: str) -> int: ...
    def stop(self, name: str) -> None: ...
    def start(self, name: str) -> None: ...


def kill(processes: Processes, name: str) -> int:
    """Kill a process as an out-of-memory killer would; return the pid that it had."""
    pid = processes.pid(name)
    assert pid > 0, f"{name} does not run"  # 0 would be our own process group
    os.kill(pid, signal.SIGKILL)
    return pid


@asynccontextmanager
async def stopped(processes: Processes, name: str) -> AsyncIterator[None]:
    """Keep a process stopped for the length of a `with` block."""
    await asyncio.to_thread(processes.stop, name)
    try:
        yield
    finally:
        await asyncio.to_thread(processes.start, name)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, host: str) -> None:
        super().__init__(host, timeout=90)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(90)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> _Connection:  # noqa: ANN401 - as typeshed has it
        connection = _Connection(self._path, str(host))
        self._connection = host, connection  # which closes with the transport
        return connection


class Supervised:
    """A native stack, through its supervisor's socket."""

    def __init__(self, state: Path) -> None:
        config = (state / "config/supervisord.conf").read_text().splitlines()
        socket_path = next(line for line in config if line.startswith("file="))
        self._socket = Path(socket_path.removeprefix("file="))

    def pid(self, name: str) -> int:
        return int(self._ask("getProcessInfo", name)["pid"])

    def stop(self, name: str) -> None:
        self._ask("stopProcess", name, True)  # noqa: FBT003 - its protocol: wait

    def start(self, name: str) -> None:
        self._ask("startProcess", name, True)  # noqa: FBT003 - its protocol: wait

    def _ask(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - its answers vary
        transport = _Transport(self._socket)
        with xmlrpc.client.ServerProxy("http://supervisor", transport=transport) as server:
            return getattr(server.supervisor, method)(*arguments)


class Composed:
    """A stack under Docker Compose. Killed from outside, so that its restart policy applies."""

    def pid(self, name: str) -> int:
        container = self._compose("ps", "-q", name)
        return int(_run("docker", "inspect", "-f", "{{.State.Pid}}", container))

    def stop(self, name: str) -> None:
        self._compose("stop", name)

    def start(self, name: str) -> None:
        self._compose("start", name)

    @staticmethod
    def _compose(*arguments: str) -> str:
        return _run("docker", "compose", "--project-directory", str(PROJECT), *arguments)


def _run(*command: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return done.stdout.strip()


def find(state: Path | None) -> Processes:
    """Return the control over the stack under test."""
    return Supervised(state) if state is not None else Composed()
