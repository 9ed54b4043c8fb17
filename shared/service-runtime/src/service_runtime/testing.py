"""Real Kafka, Redis and Postgres for tests, behind one door, however this machine can have them.

`TOCSIN_TEST_BACKING` chooses: `running` (addresses from the environment), `containers`
(testcontainers), `native` (`./setup.sh infra`); unset takes containers where Docker has the images
and native servers otherwise.
"""

import asyncio
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

import psycopg
from psycopg import sql

KAFKA_IMAGE: Final = "confluentinc/cp-kafka:7.6.0"
REDIS_IMAGE: Final = "redis:7"
POSTGRES_IMAGE: Final = "postgres:17"
_PORTS: Final = range(20_000, 27_000)
"""Below those that the kernel gives to outgoing connections: one that is free is not taken while
the servers are being set up, and no stack of the tests has its ports there."""


class Backing(NamedTuple):
    """Addresses of what every service leans on."""

    kafka: str
    redis_url: str
    postgres_url: str


@contextmanager
def backing_services(project: Path) -> Iterator[Backing]:
    """Start Kafka, Redis and Postgres (or find them running), and stop what was started."""
    kind = os.environ.get("TOCSIN_TEST_BACKING") or _best()
    if kind == "running":
        yield Backing(
            os.environ["KAFKA_BOOTSTRAP_SERVERS"],
            os.environ["REDIS_URL"],
            os.environ["DATABASE_URL"],
        )
    elif kind == "containers":
        with _containers() as backing:
            yield backing
    else:
        with _native(project) as backing:
            yield backing


def _best() -> str:
    docker = shutil.which("docker")
    if docker is None:
        return "native"
    images = (KAFKA_IMAGE, REDIS_IMAGE, POSTGRES_IMAGE)
    command = [docker, "image", "inspect", "--format", "ok", *images]
    found = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - fixed words
    return "containers" if found.returncode == 0 else "native"


@contextmanager
def _containers() -> Iterator[Backing]:
    # Development dependencies: only a test run has them.
    from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy  # noqa: PLC0415

    postgres = DockerContainer(POSTGRES_IMAGE).with_exposed_ports(5432)
    for name, value in (("USER", "alertuser"), ("PASSWORD", "test"), ("DB", "alertdb")):
        postgres.with_env(f"POSTGRES_{name}", value)
    postgres.waiting_for(
        LogMessageWaitStrategy("database system is ready to accept connections", times=2)
    )
    redis = DockerContainer(REDIS_IMAGE).with_exposed_ports(6379)
    redis.waiting_for(LogMessageWaitStrategy("Ready to accept connections"))
    kafka = KafkaContainer(KAFKA_IMAGE).with_kraft()
    with ExitStack() as stack:
        for container in (postgres, redis, kafka):
            stack.enter_context(container)
        host = postgres.get_container_host_ip()
        yield Backing(
            kafka=kafka.get_bootstrap_server(),
            redis_url=f"redis://{host}:{redis.get_exposed_port(6379)}/0",
            postgres_url=(
                f"postgresql://alertuser:test@{host}:{postgres.get_exposed_port(5432)}/alertdb"
            ),
        )


async def until(condition: Callable[[], object], *, within: float = 30) -> None:
    """Let others go on until it is so; raise TimeoutError after so many seconds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - fakes and other processes tell nobody
            await asyncio.sleep(0.001)


def free_ports() -> Iterator[int]:
    """Yield ports that are free, in no order, none twice."""
    for port in secrets.SystemRandom().sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


@contextmanager
def _native(project: Path) -> Iterator[Backing]:
    state = Path(tempfile.mkdtemp(prefix="tocsin-test-"))
    names = ("KAFKA", "KAFKA_CONTROLLER", "REDIS", "POSTGRES")
    ports = dict(zip(names, free_ports(), strict=False))
    environment = {
        **os.environ,
        "TOCSIN_STATE": str(state),
        "TOCSIN_POSTGRES_PASSWORD": "test",
        **{f"TOCSIN_{name}_PORT": str(port) for name, port in ports.items()},
    }
    setup = [str(project / "setup.sh"), "infra"]
    try:
        subprocess.run([*setup, "up"], env=environment, check=True)  # noqa: S603 - our own script
        yield Backing(
            kafka=f"127.0.0.1:{ports['KAFKA']}",
            redis_url=f"redis://127.0.0.1:{ports['REDIS']}/0",
            postgres_url=f"postgresql://alertuser:test@127.0.0.1:{ports['POSTGRES']}/alertdb",
        )
    finally:
        subprocess.run([*setup, "down", "-v"], env=environment, check=True)  # noqa: S603
        shutil.rmtree(state, ignore_errors=True)


@contextmanager
def fresh_schema(postgres_url: str) -> Iterator[str]:
    """Give a URL whose connections see only a new, empty schema; drop it afterwards."""
    schema = f"test_{secrets.token_hex(6)}"
    name = sql.Identifier(schema)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
        try:
            joint = "&" if "?" in postgres_url else "?"
            yield f"{postgres_url}{joint}options={quote(f'-csearch_path={schema}')}"
        finally:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(name))
