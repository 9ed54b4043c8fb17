"""A Kafka broker of our own, with the configuration of the native stack."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from blackbox.addresses import PROJECT
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from native import account, downloads, infrastructure, kafka, layout, ports

START_S = 60.0
ANSWER_S = 2.0
POLL_S = 0.1
PORTS = ("TOCSIN_KAFKA_PORT", "TOCSIN_KAFKA_CONTROLLER_PORT")


class Broker:
    """One broker, which keeps its data over its deaths."""

    def __init__(self, state: Path, *, port: int) -> None:
        os.environ["TOCSIN_STATE"] = str(state)
        os.environ["TOCSIN_KAFKA_PORT"] = str(port)
        os.environ["TOCSIN_KAFKA_CONTROLLER_PORT"] = str(port + 1)
        self.address = f"{ports.HOST}:{port}"
        place = layout.locate(PROJECT, account.ensure())
        place.make()
        infrastructure.install_packages(place)
        program = kafka.program(place, downloads.kafka_jars(place))
        self._account = place.account
        self._command = [str(part) for part in program.command]
        self._directory = program.directory
        self._log = (state / "log/kafka.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Start it; return how long it took until it answered."""
        began = time.monotonic()
        for variable in PORTS:
            ports.require_free(ports.read(variable))
        self._process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603 - our own words
            self._command,
            cwd=self._directory,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            **self._account.switch(),
        )
        while not self.answers():
            assert time.monotonic() - began < START_S, f"no broker within {START_S:g} s"
            time.sleep(POLL_S)
        return time.monotonic() - began

    def answers(self) -> bool:
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        try:
            admin.list_topics(timeout=ANSWER_S)
        except KafkaException:
            return False
        return True

    def provision(self) -> None:
        """Create the topics, as a deployment does."""
        subprocess.run(
            [sys.executable, "-m", "service_runtime.provision"],
            check=True,
            env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": self.address},
            stdout=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """Kill it without a word."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let it shut down."""
        self._end(signal.SIGTERM)

    def _end(self, kind: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(kind)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self._end(signal.SIGKILL)
        self._log.close()
