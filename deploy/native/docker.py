"""The stack in Docker Compose, where a daemon answers and the images can be had."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from native import demo, ports, variables
from native.demo import PAGES
from native.errors import SetupError
from native.progress import say, step

ANSWER_SECONDS = 10
OPTIONAL = "grafana"
GRAFANA = ("Grafana", "TOCSIN_GRAFANA_PORT", "/")
PUBLISHED = (
    "TOCSIN_KAFKA_PORT",
    "TOCSIN_REDIS_PORT",
    "TOCSIN_POSTGRES_PORT",
    "TOCSIN_GATEWAY_PORT",
    "TOCSIN_ENGINE_PORT",
    "TOCSIN_ALERT_MANAGER_PORT",
    "TOCSIN_NOTIFICATION_PORT",
    "TOCSIN_PROMETHEUS_PORT",
    "TOCSIN_SINK_PORT",
)


class Compose:
    """The project's docker-compose.yml."""

    def __init__(self, project: Path) -> None:
        self._project = project

    def obstacle(self) -> str | None:
        """Return why Compose cannot be used here, or None; missing images are pulled."""
        if not (self._project / "docker-compose.yml").exists():
            return "there is no docker-compose.yml"
        if not _succeeds(["docker", "info"]):
            return "no Docker daemon answers"
        if not _succeeds(["docker", "compose", "version"]):
            return "Docker has no compose plugin"
        services = self._services()
        images = {
            services[name]["image"]
            for name in services
            if "build" not in services[name] and name != OPTIONAL
        }
        images |= base_images(self._dockerfile())
        missing = [image for image in sorted(images) if not _have(image)]
        return f"the image {missing[0]} cannot be had" if missing else None

    def running(self) -> bool:
        if not (self._project / "docker-compose.yml").exists() or not _succeeds(["docker", "info"]):
            return False
        return bool(self._compose(["ps", "-q"], failure="docker compose ps failed").strip())

    def up(self, *, with_demo: bool) -> None:
        """Build and start; on failure nothing is left running."""
        os.environ["TOCSIN_COMMIT"] = variables.commit(self._project)
        manager = ports.read("TOCSIN_ALERT_MANAGER_PORT").number
        os.environ.setdefault("ALERT_MANAGER_EXTERNAL_URL", f"http://127.0.0.1:{manager}")
        was_up = self.running()
        if not was_up:
            for variable in PUBLISHED:
                ports.require_free(ports.read(variable))
        services = self._services()
        has_grafana = OPTIONAL in services and _have(services[OPTIONAL]["image"])
        if not has_grafana:
            say(f"  {OPTIONAL} is left out: its image cannot be had.")
        names = lasting(services, leave_out=set() if has_grafana else {OPTIONAL})
        try:
            with step("Building the images"):
                self._compose(["build", "-q"], failure="The images could not be built")
            with step("Starting the containers"):
                failure = "The containers did not become healthy"
                self._compose(["up", "-d", "--wait", *names], failure=failure)
            if with_demo:
                demo.run(demo.addresses(), log=None)
        except BaseException:
            if not was_up:
                self._give_up()
            raise
        demo.show_addresses([*PAGES, *([GRAFANA] if has_grafana else [])])

    def down(self, *, wipe: bool) -> None:
        with step("Stopping the containers"):
            arguments = ["down", "--remove-orphans", *(["-v"] if wipe else [])]
            self._compose(arguments, failure="docker compose down failed")

    def _give_up(self) -> None:
        log = self._project / ".tocsin/compose.log"
        with step(f"Stopping what was started; its logs are in {log}"):
            log.parent.mkdir(exist_ok=True)
            log.write_text(self._compose(["logs", "-t"], failure="docker compose logs failed"))
            self._compose(["down"], failure="docker compose down failed")

    def replace_by(self, arguments: Sequence[str]) -> None:
        """Hand the terminal to docker compose; does not return."""
        os.chdir(self._project)
        os.execvp("docker", ["docker", "compose", *arguments])  # noqa: S606, S607

    def _dockerfile(self) -> str:
        return (self._project / "services/Dockerfile").read_text()

    def _services(self) -> dict[str, Any]:
        text = self._compose(
            ["config", "--format", "json"], failure="docker-compose.yml is not valid"
        )
        return dict(json.loads(text)["services"])

    def _compose(self, arguments: Sequence[str], *, failure: str) -> str:
        command = ["docker", "compose", *arguments]
        done = subprocess.run(
            command, check=False, cwd=self._project, capture_output=True, text=True
        )
        if done.returncode != 0:
            last = "\n".join(done.stderr.strip().splitlines()[-5:])
            sentence = f"{failure}.\n{last}"
            raise SetupError(sentence)
        return done.stdout


def base_images(dockerfile: str) -> set[str]:
    """Return the images that a Dockerfile builds on, with its ARGs' defaults."""
    for name, default in re.findall(r"(?m)^ARG\s+(\w+)=(\S+)", dockerfile):
        dockerfile = dockerfile.replace(f"${{{name}}}", default)
    stages = set(re.findall(r"(?im)^FROM\s+\S+\s+AS\s+(\S+)", dockerfile))
    return set(re.findall(r"(?im)^FROM\s+(\S+)", dockerfile)) - stages


def lasting(services: Mapping[str, Any], *, leave_out: set[str]) -> list[str]:
    """Return the services that stay up; one-shots run as what others depend on."""
    once = {
        dependency
        for service in services.values()
        for dependency, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    return [name for name in services if name not in once | leave_out]


def _have(image: str) -> bool:
    """Whether the image is here, or can be pulled."""
    if _succeeds(["docker", "image", "inspect", image]):
        return True
    with step(f"Pulling {image}, if it can be had"):
        return (
            subprocess.run(
                ["docker", "pull", "-q", image],  # noqa: S607
                check=False,
                capture_output=True,
            ).returncode
            == 0
        )


def _succeeds(command: Sequence[str]) -> bool:
    try:
        return (
            subprocess.run(
                command, check=False, capture_output=True, timeout=ANSWER_SECONDS
            ).returncode
            == 0
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
