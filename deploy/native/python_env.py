"""The Python environment of the services: pinned dependencies, then the workspace's packages."""

from pathlib import Path

from native.downloads import content_hash, interpreter, keep
from native.layout import Layout
from native.shell import run

SERVICES = ("api-gateway", "alert-rule-engine", "alert-manager", "notification-service")
SHARED = ("alert-contracts", "rule-language", "service-runtime")


def members(project: Path) -> list[Path]:
    return [project / "shared" / m for m in SHARED] + [project / "services" / m for m in SERVICES]


def dependencies(layout: Layout, tools: Path) -> Path:
    """Return an environment with the dependencies of every service.

    One environment serves them all: their locks are compiled under common constraints.
    """
    locks = [layout.project / "requirements" / f"{name}.txt" for name in SERVICES]
    python = interpreter(layout.account)

    def create(target: Path) -> None:
        failure = "The Python environment of the services could not be made"
        venv: list[str | Path] = [tools / "bin/uv", "venv", "-q", "--allow-existing"]
        run(
            [*venv, "--python", python, target],
            failure=failure,
            log=layout.setup_log,
            environment=_uv(layout),
        )
        command: list[str | Path] = [tools / "bin/uv", "pip", "install", "-q", "--compile-bytecode"]
        command += ["--require-hashes", "--python", target]
        command += [part for lock in locks for part in ("-r", lock)]
        failure = "The services' dependencies could not be installed"
        run(command, failure=failure, log=layout.setup_log, environment=_uv(layout))

    return keep(layout.cache / f"python-{content_hash(locks, str(python))}", create)


def workspace(layout: Layout, tools: Path, environment: Path) -> Path:
    """Return a directory with the project's own packages as they are now, for PYTHONPATH."""
    sources = [path for member in members(layout.project) for path in _sources(member)]

    def install(target: Path) -> None:
        command: list[str | Path] = [tools / "bin/uv", "pip", "install", "-q", "--no-deps"]
        command += ["--compile-bytecode", "--python", environment, "--target", target]
        command += members(layout.project)
        failure = "The project's own packages could not be installed"
        run(command, failure=failure, log=layout.setup_log, environment=_uv(layout))

    return keep(layout.app / f"packages-{content_hash(sources)}", install)


def _sources(member: Path) -> list[Path]:
    return [member / "pyproject.toml", member / "src"]


def _uv(layout: Layout) -> dict[str, str]:
    return {"UV_CACHE_DIR": str(layout.cache / "uv"), "UV_NO_PROGRESS": "1"}
