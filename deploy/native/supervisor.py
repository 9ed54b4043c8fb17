"""Talks to our supervisor over its socket; starts it, and ends what outlived it."""

import http.client
import os
import signal
import socket
import time
import xmlrpc.client
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from native.errors import SetupError
from native.layout import Layout
from native.shell import run

RUNNING = ("RUNNING", "STARTING")
ANSWER_SECONDS = 10.0
ORPHAN_SECONDS = 15.0


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=90)
        self._path = path

    def connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(self.timeout)
        try:
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        self.sock = connection


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> _Connection:  # noqa: ANN401, ARG002
        return _Connection(self._path)


class Supervisor:
    """Our supervisor, whether it runs or not."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        transport = _Transport(layout.socket)
        self._rpc: Any = xmlrpc.client.ServerProxy(
            "http://supervisor", transport=transport
        ).supervisor

    def up(self) -> bool:
        try:
            return str(self._rpc.getState()["statename"]) == "RUNNING"
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False

    def launch(self, tools: Path, configuration: Path) -> None:
        """Start the supervisor, or hand the running one a configuration that may be new."""
        if self.up():
            self._reload()
            return
        layout = self._layout
        command: list[str | Path] = [
            tools / "bin/python",
            "-m",
            "supervisor.supervisord",
            "-c",
            configuration,
        ]
        failure = "The supervisor did not start."
        run(command, failure=failure, log=layout.setup_log, account=layout.account)
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self.up():
            if time.monotonic() > deadline:
                raise SetupError(failure, log=layout.log / "supervisord.log")
            time.sleep(0.05)

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return what the supervisor says of each program (`statename`, `pid`, `start`, ...)."""
        return {str(item["name"]): item for item in self._rpc.getAllProcessInfo()}

    def running(self) -> set[str]:
        if not self.up():
            return set()
        return {name for name, info in self.processes().items() if info["statename"] in RUNNING}

    def start(self, name: str) -> None:
        self._rpc.startProcess(name, False)  # noqa: FBT003

    def stop(self, names: Sequence[str]) -> None:
        """Stop programs in this order, each one to its end."""
        for name in names:
            with suppress(xmlrpc.client.Fault):  # it does not run
                self._rpc.stopProcess(name, True)  # noqa: FBT003

    def shut_down(self) -> None:
        """End the supervisor itself; what still runs below it is stopped by it."""
        pid = int(self._rpc.getPID())
        self._rpc.shutdown()
        _await_end([pid], seconds=60)

    def _reload(self) -> None:
        added, changed, removed = self._rpc.reloadConfig()[0]
        for name in [*removed, *changed]:
            self.stop([name])
            self._rpc.removeProcessGroup(name)
        for name in [*added, *changed]:
            self._rpc.addProcessGroup(name)


def orphans(layout: Layout) -> dict[str, int]:
    """Return processes of this state, by name, that run although no supervisor does."""
    found = {}
    for file in (layout.state / "run").glob("*.pid"):
        with suppress(OSError, ValueError):
            pid = int(file.read_text())
            directory = Path(f"/proc/{pid}/cwd").readlink()
            if directory.is_relative_to(layout.state):
                found[file.stem] = pid
    return found


def end_orphans(layout: Layout) -> None:
    """Ask the orphans to end, then make them."""
    pids = list(orphans(layout).values())
    for kind in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, kind)
        if not pids or _await_end(pids, seconds=ORPHAN_SECONDS):
            return


def _await_end(pids: Sequence[int], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _alive(pid: int) -> bool:
    """Whether the process is there and is not merely waiting for its parent to notice."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
