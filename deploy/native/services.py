"""Our own processes: the services, the demo sink, and the one-shot steps before them."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from native import ports, variables
from native.catalog import CATALOG
from native.downloads import content_hash
from native.infrastructure import Infrastructure
from native.layout import Layout
from native.ports import Port
from native.programs import Program
from native.shell import run

PASSED_ON = ("API_GATEWAY_", "ALERT_RULE_ENGINE_", "ALERT_MANAGER_", "NOTIFICATION_SERVICE_")


@dataclass(frozen=True, slots=True)
class Service:
    """How one of our processes is started; `prefix` and `port` are those of its settings."""

    name: str
    arguments: tuple[str, ...]
    prefix: str
    port: str = "PORT"


SERVICES = (
    Service("notification-service", ("notification_service",), "NOTIFICATION_SERVICE_"),
    Service("alert-manager", ("alert_manager",), "ALERT_MANAGER_"),
    Service("rule-aggregate", ("alert_rule_engine", "aggregate"), "ALERT_RULE_ENGINE_"),
    Service(
        "rule-evaluate", ("alert_rule_engine", "evaluate"), "ALERT_RULE_ENGINE_", "EVALUATE_PORT"
    ),
    Service("api-gateway", ("api_gateway",), "API_GATEWAY_"),
)


class Application:
    """Our code on this machine: an environment, the files beside it, and what they are told."""

    def __init__(
        self, layout: Layout, *, environment: Path, packages: Path, servers: Infrastructure
    ) -> None:
        self._layout = layout
        self._python = environment / "bin/python"
        self._packages = packages
        self._servers = servers

    def copy_files(self) -> None:
        """Copy what the processes read at run time to where their user can read it."""
        project, app = self._layout.project, self._layout.app
        directories = [path for path in project.glob("services/*/migrations") if path.is_dir()]
        for source in [*directories, project / "integration-tests/sink"]:
            target = app / source.relative_to(project)
            shutil.rmtree(target, ignore_errors=True)
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target, ignore=ignored)
        if self._configuration.is_relative_to(app):
            text = variables.configuration(self._layout).read_text()
            self._layout.write(self._configuration, text, mode=0o644)

    def migrate(self) -> None:
        app = self._layout.app
        directories = [str(path.relative_to(app)) for path in app.glob("services/*/migrations")]
        self._once("service_runtime.migrate", *sorted(directories), failure="The migrations failed")

    def provision(self) -> None:
        self._once("service_runtime.provision", failure="The topics could not be created")

    def programs(self) -> list[Program]:
        return [self._sink(), *map(self._service, SERVICES)]

    @staticmethod
    def targets() -> dict[str, Port]:
        """Return the ports with metrics, by process name."""
        return {service.name: CATALOG[service.name].ports[0] for service in SERVICES}

    @property
    def _configuration(self) -> Path:
        """The alerting configuration; a copy, if the account cannot read the original."""
        original = variables.configuration(self._layout)
        if self._layout.account.can_read(original):
            return original
        return self._layout.app / "tocsin.yml"

    def _service(self, service: Service) -> Program:
        port = CATALOG[service.name].ports[0]
        named = variables.named_in_configuration(self._layout)
        passed_on = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(PASSED_ON) or name in named
        }
        environment = {
            **_defaults(),
            **passed_on,
            **self._environment(),
            f"{service.prefix}HOST": ports.HOST,
            f"{service.prefix}{service.port}": str(port.number),
        }
        return Program(
            name=service.name,
            command=(self._python, "-m", *service.arguments),
            directory=self._layout.data(service.name),
            environment=environment,
            content=variables.configuration(self._layout).read_text() + self._servers.postgres.url,
        )

    def _sink(self) -> Program:
        port, smtp = ports.read("TOCSIN_SINK_PORT"), ports.read("TOCSIN_SINK_SMTP_PORT")
        arguments = ("--port", str(port.number), "--smtp-port", str(smtp.number))
        return Program(
            name="sink",
            command=(self._python, "-m", "sink", *arguments),
            directory=self._layout.app / "integration-tests",
            content=content_hash([self._layout.project / "integration-tests/sink"]),
        )

    def _environment(self) -> dict[str, str]:
        sink, smtp = ports.read("TOCSIN_SINK_PORT"), ports.read("TOCSIN_SINK_SMTP_PORT")
        return {
            "PYTHONPATH": str(self._packages),
            "PYTHONDONTWRITEBYTECODE": "1",
            "KAFKA_BOOTSTRAP_SERVERS": self._servers.kafka_servers,
            "REDIS_URL": self._servers.redis_url,
            "DATABASE_URL_FILE": str(self._servers.postgres.url_file),
            "TOCSIN_CONFIG": str(self._configuration),
            "TOCSIN_SINK_URL": os.environ.get("TOCSIN_SINK_URL")
            or f"http://{ports.HOST}:{sink.number}",
            "TOCSIN_SINK_SMTP": os.environ.get("TOCSIN_SINK_SMTP") or f"{ports.HOST}:{smtp.number}",
            "TOCSIN_COMMIT": variables.commit(self._layout.project),
            "LOG_LEVEL": os.environ.get("LOG_LEVEL") or "INFO",
        }

    def _once(self, module: str, *arguments: str, failure: str) -> None:
        run(
            [self._python, "-m", module, *arguments],
            failure=failure,
            log=self._layout.setup_log,
            account=self._layout.account,
            environment=self._environment(),
            directory=self._layout.app,
        )


def _defaults() -> dict[str, str]:
    """Return settings that differ here from the services' own defaults, unless they are given."""
    manager = ports.read("TOCSIN_ALERT_MANAGER_PORT").number
    sinks = [ports.read(name).number for name in ("TOCSIN_SINK_PORT", "TOCSIN_SINK_SMTP_PORT")]
    return {
        "ALERT_MANAGER_EXTERNAL_URL": f"http://{ports.HOST}:{manager}",
        # The demo sink has a private address, and nothing else of the shipped configuration.
        "NOTIFICATION_SERVICE_ALLOWED_PRIVATE_HOSTS": ",".join(
            f"{ports.HOST}:{port}" for port in sinks
        ),
    }
