"""Kafka, Redis and Postgres alone: the bottom of the stack, and what test fixtures start."""

from dataclasses import dataclass
from pathlib import Path

from native import downloads, kafka, packages, ports, redis
from native.layout import Layout
from native.postgres import Postgres
from native.programs import Program
from native.progress import say, step
from native.session import Session, clear_the_way

NAMES = ("kafka", "redis", "postgres")


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """The three servers and their addresses."""

    postgres: Postgres
    programs: list[Program]

    @property
    def kafka_servers(self) -> str:
        return f"{ports.HOST}:{ports.read('TOCSIN_KAFKA_PORT').number}"

    @property
    def redis_url(self) -> str:
        return f"redis://{ports.HOST}:{ports.read('TOCSIN_REDIS_PORT').number}/0"


def install_packages(layout: Layout) -> None:
    """Install what the machine lacks, if it lacks anything."""
    names = packages.missing()
    if names:
        with step(f"Installing {', '.join(names)}"):
            packages.install(names, log=layout.setup_log)


def prepare(layout: Layout, jars: Path) -> Infrastructure:
    """Configure the three servers, make their data directories, describe the programs."""
    with step("Configuration of Kafka, Redis and Postgres"):
        postgres = Postgres(layout)
        programs = [kafka.program(layout, jars), redis.program(layout), postgres.program()]
    return Infrastructure(postgres=postgres, programs=programs)


def up(layout: Layout) -> None:
    """Bring up the three servers under the state directory and print their addresses."""
    layout.make()
    clear_the_way(layout, NAMES)
    install_packages(layout)
    with step("uv and the supervisor"):
        tools = downloads.tools(layout)
    with step("Kafka's jars"):
        jars = downloads.kafka_jars(layout)
    infrastructure = prepare(layout, jars)
    session = Session(layout, tools=tools)
    try:
        session.launch(infrastructure.programs)
        session.start(infrastructure.programs)
        infrastructure.postgres.ensure_database()
    except BaseException:
        session.give_up()
        raise
    say(f"KAFKA_BOOTSTRAP_SERVERS={infrastructure.kafka_servers}")
    say(f"REDIS_URL={infrastructure.redis_url}")
    say(f"DATABASE_URL_FILE={infrastructure.postgres.url_file}")
