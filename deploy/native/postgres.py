"""Postgres: a cluster of our own beside whatever the machine has."""

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from native import packages, ports
from native.errors import SetupError
from native.layout import Layout, digest_of
from native.ports import Port
from native.programs import Program
from native.shell import NOTHING, run

DATABASE = "alertdb"
USER = "alertuser"
SETTINGS = {
    "listen_addresses": ports.HOST,
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "max_wal_size": "512MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
}

# The password holds nothing that would have to be quoted: it is generated, or checked.
CREATE = """\
SELECT 'CREATE ROLE {user} LOGIN'
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{user}') \\gexec
ALTER ROLE {user} PASSWORD '{password}';
SELECT 'CREATE DATABASE {database} OWNER {user}'
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{database}') \\gexec
"""

PSQL = """\
#!/bin/sh
# Written by setup.sh: psql against the stack's database.
export PGHOST={host} PGPORT={port} PGUSER={user} PGDATABASE={database} PGPASSFILE={passfile}
exec {binaries}/psql "$@"
"""


class Postgres:
    """Our cluster: its data, its passwords, its address."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.port: Port = ports.read("TOCSIN_POSTGRES_PORT")
        self.data = layout.data("postgres")
        self.binaries = self._binaries()
        self._secrets = layout.state / "secrets"

    @property
    def url(self) -> str:
        """The address of the database, with the password: never for a log."""
        password = self._password(USER)
        return f"postgresql://{USER}:{password}@{ports.HOST}:{self.port.number}/{DATABASE}"

    @property
    def url_file(self) -> Path:
        return self._secrets / "database-url"

    def program(self) -> Program:
        """Make the cluster on first use and describe the process."""
        if not (self.data / "PG_VERSION").exists():
            self._init()
        self._layout.write(self.url_file, self.url)
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        self._write_psql()
        return Program(
            name="postgres",
            command=(
                self.binaries / "postgres",
                "-D",
                self.data,
                f"-p{self.port.number}",
                *options,
            ),
            directory=self.data,
            stop_signal="INT",  # fast: disconnects clients, then a clean checkpoint
        )

    def ensure_database(self) -> None:
        """Create the role and the database once; the server must answer."""
        marker = self.data / "tocsin-database"
        password = self._password(USER)
        if marker.exists() and marker.read_text() == digest_of(password):
            return
        script = self._secrets / "create-database.sql"
        self._layout.write(script, CREATE.format(user=USER, password=password, database=DATABASE))
        command: list[str | Path] = [self.binaries / "psql", "-q", "-X", "-f", script]
        environment = {
            "PGHOST": ports.HOST,
            "PGPORT": str(self.port.number),
            "PGUSER": "postgres",
            "PGDATABASE": "postgres",
            "PGPASSWORD": self._password("postgres"),
        }
        failure = f"The database {DATABASE} could not be created"
        self._run([*command, "-v", "ON_ERROR_STOP=1"], failure=failure, environment=environment)
        script.unlink()
        self._layout.write(marker, digest_of(password))

    def _init(self) -> None:
        self._password("postgres")
        password_file = self._secrets / "postgres"
        command: list[str | Path] = [
            self.binaries / "initdb",
            "-D",
            self.data,
            "-U",
            "postgres",
            "-E",
            "UTF8",
        ]
        command += [
            "--locale=C.UTF-8",
            "--auth=scram-sha-256",
            "--no-sync",
            f"--pwfile={password_file}",
        ]
        self._run(command, failure="The Postgres cluster could not be made")

    def _run(
        self,
        command: list[str | Path],
        *,
        failure: str,
        environment: Mapping[str, str] = NOTHING,
    ) -> None:
        layout = self._layout
        run(
            command,
            failure=failure,
            log=layout.setup_log,
            account=layout.account,
            environment=environment,
        )

    def _password(self, role: str) -> str:
        """Return the role's password; it is made once, or given in TOCSIN_POSTGRES_PASSWORD."""
        given = os.environ.get("TOCSIN_POSTGRES_PASSWORD") if role == USER else None
        if given and not re.fullmatch(r"[\w.~-]+", given, re.ASCII):
            sentence = "TOCSIN_POSTGRES_PASSWORD may hold letters, digits and . _ ~ - only."
            raise SetupError(sentence)
        path = self._secrets / role
        if given or not path.exists():
            self._layout.write(path, given or secrets.token_hex(24))
        return path.read_text()

    def _binaries(self) -> Path:
        versions = packages.postgres_versions()
        marker = self.data / "PG_VERSION"
        version = int(marker.read_text()) if marker.exists() else max(versions)
        if version not in versions:
            sentence = f"The data were made by Postgres {version}, which is no longer installed."
            raise SetupError(sentence)
        return versions[version]

    def _write_psql(self) -> None:
        passfile = self._secrets / "pgpass"
        self._layout.write(passfile, f"{ports.HOST}:*:{DATABASE}:{USER}:{self._password(USER)}\n")
        text = PSQL.format(
            host=ports.HOST,
            port=self.port.number,
            user=USER,
            database=DATABASE,
            passfile=passfile,
            binaries=self.binaries,
        )
        self._layout.write(self._layout.bin / "psql", text, mode=0o755)
