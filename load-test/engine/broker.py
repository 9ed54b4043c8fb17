"""A Kafka broker of our own, so that no other work is on it; from the native stack's jars."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from native import account, downloads, kafka, layout

PROJECT = Path(__file__).resolve().parents[2]
AHEAD = f"log.message.timestamp.after.max.ms={2**63 - 1}\n"
"""Event time is far ahead, and Kafka Streams stamps its records with it."""
START_SECONDS = 60.0
STOP_SECONDS = 20.0


class NoBrokerError(Exception):
    """Kafka did not start; the text says where its log is."""


@contextmanager
def running(place: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run an empty broker below `place` on 127.0.0.1:`port`, and `port` + 1 for its controller.

    Raises:
        NoBrokerError: it does not answer.
    """
    shutil.rmtree(place / "kafka", ignore_errors=True)
    (place / "kafka").mkdir(parents=True)
    properties = place / "kafka.properties"
    properties.write_text(
        AHEAD
        + kafka.PROPERTIES.format(
            host="127.0.0.1",
            port=port,
            controller=port + 1,
            data=place / "kafka",
            limit=kafka.RECORD_LIMIT,
        )
    )
    logging = place / "kafka-log4j2.yaml"
    logging.write_text(kafka.LOGGING.replace("LEVEL", "WARN"))
    java = ["java", f"-Dlog4j2.configurationFile={logging}", "-cp", f"{_jars()}/*"]
    with (place / "kafka.log").open("wb") as log:
        tool = [*java, "kafka.tools.StorageTool", "format", "--cluster-id", kafka.CLUSTER_ID]
        subprocess.run([*tool, "--config", properties], check=True, stdout=log, stderr=log)  # noqa: S603
        command: list[str | Path] = [
            java[0],
            *kafka.HEAP,
            *kafka.JVM,
            *java[1:],
            "kafka.Kafka",
            properties,
        ]
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603
    try:
        _wait(process, port, place / "kafka.log")
        yield process
    finally:
        stop(process)


def _jars() -> Path:
    place = layout.locate(PROJECT, account.ensure())
    place.make()
    return downloads.kafka_jars(place)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    message = f"Kafka did not start on port {port}; see {log}"
    raise NoBrokerError(message)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process of ours: ask, then make it."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
