"""The sides of a comparison: how each is started, and how it says that a window has crossed."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from alert_contracts.alerts import decode_alert
from alert_contracts.rules import Rule, encode_rule
from alert_contracts.topics import Topic
from engine.broker import PROJECT, stop
from engine.oracle import Fired
from engine.topics import PEER_ALERTS

PEERS = PROJECT / "load-test/peers"
COUNTED = re.compile(r"^tocsin_engine_counted_events_total (\S+)", re.MULTILINE)
READY_SECONDS = 60.0


class FailedError(Exception):
    """A side ended, or does not do what it must; the text says which and where its log is."""


class Side(Protocol):
    """One way to turn `log-events` into alerts."""

    name: str
    alerts_topic: str
    lasting: bool
    """One alert goes on over all windows of a group that cross; else there is one for each."""

    def start(self, place: Path, servers: str, rules: Sequence[Rule]) -> "Processes":
        """Start it; it reads from the topic's beginning."""

    def parse(self, value: bytes) -> Fired | None:
        """Return what a record of its alert topic opens, if it opens anything."""

    def counted(self) -> int | None:
        """Return how many events it says it has counted; None if it does not say."""


@dataclass
class Processes:
    """The processes of a side, by name."""

    members: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    logs: dict[str, Path] = field(default_factory=dict)

    def launch(
        self,
        name: str,
        command: Sequence[str | Path],
        place: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start a process with its output in a file."""
        self.logs[name] = place / f"{name}.log"
        with self.logs[name].open("wb") as log:
            self.members[name] = subprocess.Popen(  # noqa: S603
                command, stdout=log, stderr=log, env={**os.environ, **(environment or {})}
            )

    def check(self) -> None:
        """Raise FailedError if one has ended."""
        for name, process in self.members.items():
            if process.poll() is not None:
                tail = self.logs[name].read_text(errors="replace")[-2000:]
                message = f"{name} ended with {process.returncode}; {self.logs[name]}:\n{tail}"
                raise FailedError(message)

    def keep_logs(self) -> None:
        """Set the logs aside, before the next run writes over them."""
        for log in self.logs.values():
            shutil.copy(log, log.with_suffix(f".void-{time.time_ns()}"))

    def signal(self, number: int) -> None:
        """Send all of them a signal."""
        for process in self.members.values():
            process.send_signal(number)

    def stop(self) -> None:
        """End all of them."""
        for process in self.members.values():
            process.terminate()
        for process in self.members.values():
            stop(process)


class Tocsin:
    """Our two stages, as the services run them."""

    lasting = True
    alerts_topic = str(Topic.ALERTS)

    def __init__(
        self, *, evaluators: int = 1, aggregators: int = 1, launcher: Sequence[str] = ()
    ) -> None:
        self.name = "tocsin"
        self._roles = [f"evaluate-{n}" for n in range(evaluators)]
        self._roles += [f"aggregate-{n}" for n in range(aggregators)]
        self._launcher = launcher or ("-m", "alert_rule_engine")
        self.ports: dict[str, int] = {}
        self._place = Path()
        self._servers = ""

    def start(self, place: Path, servers: str, rules: Sequence[Rule]) -> Processes:  # noqa: ARG002 - from their topic
        self._place, self._servers = place, servers
        processes = Processes()
        for role in self._roles:
            self.launch(processes, role)
        self._wait(processes)
        return processes

    def launch(self, processes: Processes, role: str) -> None:
        """Start one process."""
        self.ports[role] = free_port()
        environment = {
            "PYTHONPATH": os.pathsep.join(map(str, sources())),
            "KAFKA_BOOTSTRAP_SERVERS": self._servers,
            "ALERT_RULE_ENGINE_HOST": "127.0.0.1",
            "ALERT_RULE_ENGINE_PORT": str(self.ports[role]),
            "ALERT_RULE_ENGINE_EVALUATE_PORT": str(self.ports[role]),
            "ALERT_RULE_ENGINE_INSTANCE_ID": role,
            "TOCSIN_PROFILE": str(self._place / f"{role}.profile"),
            "LOG_LEVEL": "INFO",
        }
        command = [sys.executable, *self._launcher, role.partition("-")[0]]
        processes.launch(role, command, self._place, environment)

    def _wait(self, processes: Processes) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not all(map(self.ready, self._roles)):
            processes.check()
            if time.monotonic() > deadline:
                message = "the engine is not ready"
                raise FailedError(message)
            time.sleep(0.1)

    def ready(self, role: str) -> bool:
        """Tell whether a process says that it does its work."""
        with suppress(OSError):
            return bool(self._get(role, "/health/ready"))
        return False

    def _get(self, role: str, path: str) -> str:
        url = f"http://127.0.0.1:{self.ports[role]}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())

    def metrics(self, role: str) -> str:
        """Return what a process tells Prometheus."""
        return self._get(role, "/metrics")

    def parse(self, value: bytes) -> Fired | None:
        alert = decode_alert(value)
        if alert.status != "firing":
            return None
        return Fired(alert.rule.id, next(iter(alert.group.values())), alert.window.start)

    def counted(self) -> int | None:
        total = 0
        for role in self._roles:
            if role.startswith("aggregate"):
                found = COUNTED.search(self.metrics(role))
                total += int(float(found.group(1))) if found else 0
        return total


class KafkaStreams:
    """A Kafka Streams app: `tuned` or `textbook`, at either guarantee."""

    lasting = False
    alerts_topic = PEER_ALERTS
    JVM = ("-Xms512m", "-Xmx1g", "-XX:+UseParallelGC")

    def __init__(self, style: str, guarantee: str) -> None:
        short = "exactly once" if guarantee == "exactly_once_v2" else "at least once"
        self.name = f"Kafka Streams, {style}, {short}"
        self._arguments = (style, guarantee)

    def start(self, place: Path, servers: str, rules: Sequence[Rule]) -> Processes:
        jars = build()
        state, file = place / "streams-state", place / "rules.ndjson"
        shutil.rmtree(state, ignore_errors=True)
        file.write_bytes(b"\n".join(map(encode_rule, rules)))
        command = ["java", *self.JVM, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        command += ["-cp", f"{jars}/*:{jars}/dependency/*", "tocsin.peer.Main", *self._arguments]
        application = f"streams-{time.time_ns()}"
        names = [servers, application, str(Topic.LOG_EVENTS), PEER_ALERTS]
        processes = Processes()
        processes.launch("streams", [*command, *names, file, state], place)
        return processes

    def parse(self, value: bytes) -> Fired | None:
        return peer_alert(value)

    def counted(self) -> int | None:
        return None


class Quix:
    """A Quix Streams app, at either guarantee; it has an environment of its own."""

    lasting = False
    alerts_topic = PEER_ALERTS

    def __init__(self, guarantee: str) -> None:
        self.name = f"Quix Streams, {guarantee}"
        self._guarantee = guarantee

    def start(self, place: Path, servers: str, rules: Sequence[Rule]) -> Processes:
        python = environment(PEERS / "quix")
        state, file = place / "quix-state", place / "rules.ndjson"
        shutil.rmtree(state, ignore_errors=True)
        file.write_bytes(b"\n".join(map(encode_rule, rules)))
        command: list[str | Path] = [python, PEERS / "quix/app.py", self._guarantee, servers]
        command += [f"quix-{time.time_ns()}", str(Topic.LOG_EVENTS), PEER_ALERTS, file, state]
        processes = Processes()
        processes.launch("quix", command, place, {"PYTHONPATH": ""})
        return processes

    def parse(self, value: bytes) -> Fired | None:
        return peer_alert(value)

    def counted(self) -> int | None:
        return None


def environment(peer: Path) -> Path:
    """Return the Python of a peer, its requirements installed if they are not.

    Raises:
        FailedError: pip failed.
    """
    python, wanted = peer / ".venv/bin/python", peer / "requirements.txt"
    done = peer / ".venv/installed"
    if not done.exists() or done.read_text() != wanted.read_text():
        commands: list[list[str | Path]] = [
            [sys.executable, "-m", "venv", peer / ".venv"],
            [python, "-m", "pip", "install", "-q", "-r", wanted],
        ]
        for command in commands:
            if subprocess.run(command, check=False).returncode:  # noqa: S603
                message = f"the environment of {peer.name} could not be made"
                raise FailedError(message)
        done.write_text(wanted.read_text())
    return python


def peer_alert(value: bytes) -> Fired:
    """Return what a peer writes as rule|group|window start."""
    rule, group, start = value.decode().split("|")
    return Fired(rule, group, int(start))


def build() -> Path:
    """Return the directory with the Kafka Streams app, built by Maven if it is not there.

    Raises:
        FailedError: Maven failed.
    """
    place = PEERS / "kafka-streams"
    target = place / "target"
    sources_of = [place / "pom.xml", *place.glob("src/**/*.java")]
    built = next(target.glob("*.jar"), None)
    newest = max(path.stat().st_mtime for path in sources_of)
    if built is None or built.stat().st_mtime < newest:
        done = subprocess.run(  # noqa: S603
            ["mvn", "-B", "-q", "-f", str(place / "pom.xml"), "package"],  # noqa: S607
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            message = f"Maven could not build the peer:\n{done.stdout[-3000:]}"
            raise FailedError(message)
    return target


def sources() -> list[Path]:
    """Return where our own packages are, of this checkout."""
    return [*PROJECT.glob("shared/*/src"), *PROJECT.glob("services/*/src"), PROJECT / "load-test"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
