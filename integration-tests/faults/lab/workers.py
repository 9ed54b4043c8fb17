"""The engine's workers as processes, under a supervisor that starts each again when it ends."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from blackbox.addresses import PROJECT
from blackbox.rest import SAMPLE
from native import ports
from native.ports import Port

Role = Literal["evaluate", "aggregate"]
FAILPOINT = "ALERT_RULE_ENGINE_FAILPOINT"
DIED_YOUNG_S = 3.0
BACK_OFF_S = 1.0
WATCH_S = 0.05
READY_S = 90.0
STOP_S = 30.0
ANSWER_S = 2.0


class Worker:
    """One worker of one role. `start` keeps it running until `stop`."""

    def __init__(
        self, role: Role, name: str, *, port: int, environment: Mapping[str, str], log: Path
    ) -> None:
        self.role = role
        self.name = name
        self.log = log
        self.deaths: list[int] = []
        """Exit statuses, of ends that `stop` did not ask for."""
        self._port = port
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(_sources()),
            "ALERT_RULE_ENGINE_HOST": "127.0.0.1",
            "ALERT_RULE_ENGINE_INSTANCE_ID": name,
            "ALERT_RULE_ENGINE_PORT": str(port),
            "ALERT_RULE_ENGINE_EVALUATE_PORT": str(port),
            **environment,
        }
        self._once: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: threading.Thread | None = None
        self._wanted = False
        self._turn = threading.Lock()
        """Held while it is decided whether it lives again."""
        self.born = 0.0
        """When its present life began; monotonic clock."""
        self.peak_kib = 0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def arm(self, failpoint: str) -> None:
        """Let its next life, and none after that, end at a failpoint."""
        self._once = {FAILPOINT: failpoint}

    def start(self) -> None:
        ports.require_free(Port(self.name, self._port))
        self._wanted = True
        self._spawn()
        self._watcher = threading.Thread(target=self._watch, name=self.name, daemon=True)
        self._watcher.start()

    def _spawn(self) -> None:
        environment = {**self._environment, **self._once}
        self._once = {}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own words
                [sys.executable, "-m", "alert_rule_engine", self.role],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.born = time.monotonic()

    def _watch(self) -> None:
        while not self._stopped():
            began = time.monotonic()
            assert self._process is not None
            while self._process.poll() is None:
                self._measure()
                time.sleep(WATCH_S)
            if self._stopped():
                return
            self.deaths.append(self._process.returncode)
            if time.monotonic() - began < DIED_YOUNG_S:
                time.sleep(BACK_OFF_S)
            with self._turn:
                if self._stopped():
                    return
                self._spawn()

    def _stopped(self) -> bool:
        return not self._wanted

    def _measure(self) -> None:
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
            line = next(line for line in lines if line.startswith("VmHWM"))
            self.peak_kib = max(self.peak_kib, int(line.split()[1]))

    def signal(self, kind: signal.Signals) -> None:
        os.kill(self.pid, kind)

    def kill(self) -> None:
        """Kill it without a word; it is started again."""
        self.signal(signal.SIGKILL)

    def await_death(self, *, since: float) -> None:
        """Wait until the supervisor has seen it die, after a moment of the monotonic clock."""
        while self.born <= since:
            time.sleep(WATCH_S)

    def stop(self) -> None:
        """Ask it to end, and wait; it is not started again."""
        with self._turn:
            self._wanted = False
        assert self._process is not None
        with suppress(ProcessLookupError):
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._watcher is not None:
            self._watcher.join()

    def ready(self) -> bool:
        return self._get("/health/ready") is not None

    def await_ready(self, within: float = READY_S) -> float:
        """Wait until it works; return how long that took."""
        began = time.monotonic()
        while not self.ready():
            waited = time.monotonic() - began
            assert waited < within, f"{self.name} is not ready within {within:g} s: see {self.log}"
            time.sleep(WATCH_S)
        return time.monotonic() - began

    def metric(self, name: str) -> float | None:
        """Return the sum of a metric's series; None if the worker does not answer."""
        text = self._get("/metrics")
        if text is None:
            return None
        return sum(float(value) for found, _, value in SAMPLE.findall(text) if found == name)

    def _get(self, path: str) -> str | None:
        url = f"http://127.0.0.1:{self._port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:
                return str(answer.read().decode())
        except (OSError, http.client.HTTPException):
            return None


def _sources() -> list[str]:
    """Return the sources of this checkout, whichever environment runs them."""
    return [str(path) for path in sorted(PROJECT.glob("*/*/src"))]
