"""`python -m service_runtime.migrate DIR...`: bring each service's tables up to date.

A directory holds alembic revisions (`0001_name.py`) that run plain SQL. Each service has a version
table of its own, `<service>_migrations`; an advisory lock lets one migration run at a time.
"""

import os
import sys
import time
from pathlib import Path
from typing import Final

import sqlalchemy
from alembic import command
from alembic.config import Config
from pydantic import Field, SecretStr

from service_runtime.errors import StartupError
from service_runtime.settings import ServiceSettings, load, shared

LOCK: Final = 7_203_911
WAIT_SECONDS: Final = 60.0


class MigrateSettings(ServiceSettings):
    """Where the database is."""

    database_url: SecretStr = Field(
        default=SecretStr("postgresql://alertuser@127.0.0.1:5432/alertdb"),
        validation_alias=shared("DATABASE_URL"),
    )
    """A libpq URL."""


def _connect(url: str) -> sqlalchemy.Connection:
    engine = sqlalchemy.create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=sqlalchemy.NullPool
    )
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return engine.connect()
        except sqlalchemy.exc.OperationalError as exc:
            if time.monotonic() > deadline:
                message = f"Postgres did not answer for {WAIT_SECONDS:g} s: {exc.orig}"
                raise StartupError(message) from None
            time.sleep(0.5)


def migrate(url: str, directory: Path) -> None:
    """Run the revisions of one directory (`services/<service>/migrations`) that are missing.

    Raises:
        StartupError: the database does not answer.
    """
    service = directory.resolve().parent.name.replace("-", "_")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic_env"))
    config.set_main_option("version_locations", str(directory.resolve()))
    config.set_main_option("version_path_separator", "os")
    config.set_main_option("path_separator", "os")
    config.attributes["version_table"] = f"{service}_migrations"
    with _connect(url) as connection:
        connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:id)"), {"id": LOCK})
        connection.commit()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def main(directories: list[str]) -> int:
    """Migrate every directory, in order."""
    settings = load(MigrateSettings)
    for name in directories:
        directory = Path(name)
        if not directory.is_dir():
            sys.stderr.write(f"no such directory: {directory}\n")
            return 1
        try:
            migrate(settings.database_url.get_secret_value(), directory)
        except StartupError as exc:
            sys.stderr.write(f"{exc}\n")
            return 1
        sys.stdout.write(f"{os.fspath(directory)}: up to date\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
