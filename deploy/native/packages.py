"""Installs what is missing from the distribution, and leaves none of it running."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from native.errors import SetupError
from native.shell import run

JAVA_AT_LEAST = 17
JAVA_PACKAGES = ("openjdk-21-jre-headless", "openjdk-17-jre-headless", "openjdk-25-jre-headless")
POLICY = "usr/sbin/policy-rc.d"
MANUALS = Path("/usr/share/man/man1")  # slim images lack it, and Java's package insists on it
NO_START = "#!/bin/sh\n# Written by setup.sh while it installs packages: start nothing.\nexit 101\n"
CLUSTERS = "etc/postgresql-common/createcluster.d"
NO_CLUSTER = "create_main_cluster = false\n"
UNITS = {
    "redis-server": ("redis-server",),
    "prometheus": ("prometheus",),
    "postgresql": ("postgresql",),
}


def missing() -> list[str]:
    """Return the names of the packages that this machine lacks."""
    wanted = {
        "maven": shutil.which("mvn") is not None,
        "postgresql": bool(postgres_versions()),
        "redis-server": shutil.which("redis-server") is not None,
        "prometheus": shutil.which("prometheus") is not None,
        "ca-certificates": Path("/etc/ssl/certs/ca-certificates.crt").exists(),
        "curl": shutil.which("curl") is not None,
        "python3": Path("/usr/bin/python3").exists(),
        "python3-venv": _has_venv(),
    }
    names = [name for name, there in wanted.items() if not there]
    if _java_version() < JAVA_AT_LEAST:
        names.append("java")
    return names


def install(names: list[str], *, log: Path) -> None:
    """Install the packages; services that they bring are neither started nor enabled.

    Raises:
        SetupError: not root, not a Debian, or apt-get failed.
    """
    if shutil.which("apt-get") is None:
        sentence = f"Missing here: {', '.join(names)}; there is no apt-get to install them."
        raise SetupError(sentence)
    if os.geteuid() != 0:
        sentence = f"Missing here: {', '.join(names)}; run as root once to install them."
        raise SetupError(sentence)
    options = ["-q", "-o", "DPkg::Lock::Timeout=300"]
    environment = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    lists = "The package lists could not be updated"
    run(["apt-get", *options, "update"], failure=lists, log=log, environment=environment)
    MANUALS.mkdir(parents=True, exist_ok=True)
    packages = [_java_package() if name == "java" else name for name in names]
    with nothing_starts(packages):
        failure = f"apt-get could not install {' '.join(packages)}"
        command = ["apt-get", *options, "-y", "--no-install-recommends", "install", *packages]
        run(command, failure=failure, log=log, environment=environment)
    for unit in [unit for name in packages for unit in UNITS.get(name, ())]:
        _disable(unit)


def postgres_versions() -> dict[int, Path]:
    """Return the installed server versions and the directories of their programs."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return {int(path.parts[-3]): path.parent for path in found if path.parts[-3].isdecimal()}


def _has_venv() -> bool:
    command = ["/usr/bin/python3", "-c", "import ensurepip"]
    if not Path(command[0]).exists():
        return False
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _java_version() -> int:
    if shutil.which("java") is None:
        return 0
    done = subprocess.run(["java", "-version"], check=False, capture_output=True, text=True)  # noqa: S607
    version = re.search(r'version "(\d+)', done.stderr)
    return int(version.group(1)) if version else 0


def _java_package() -> str:
    for name in JAVA_PACKAGES:
        command = ["apt-cache", "policy", name]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if re.search(r"Candidate: \d", done.stdout):
            return name
    sentence = f"The distribution has no Java {JAVA_AT_LEAST} or newer."
    raise SetupError(sentence)


@contextmanager
def nothing_starts(packages: list[str], *, root: Path = Path("/")) -> Iterator[None]:
    """Forbid package scripts to start services or make a database cluster, for a while."""
    with _policy(root / POLICY), _no_cluster(root / CLUSTERS, wanted="postgresql" in packages):
        yield


@contextmanager
def _policy(path: Path) -> Iterator[None]:
    backup = path.with_name(path.name + ".before-tocsin")
    if path.exists() and not backup.exists():
        path.rename(backup)
    path.write_text(NO_START)
    path.chmod(0o755)
    try:
        yield
    finally:
        path.unlink()
        if backup.exists():
            backup.rename(path)


@contextmanager
def _no_cluster(directory: Path, *, wanted: bool) -> Iterator[None]:
    there = directory.exists()
    if wanted:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "tocsin.conf").write_text(NO_CLUSTER)
    try:
        yield
    finally:
        (directory / "tocsin.conf").unlink(missing_ok=True)
        if not there and directory.exists() and not any(directory.iterdir()):
            directory.rmdir()


def _disable(unit: str) -> None:
    """Keep a freshly installed service from starting at the next boot, where there is an init."""
    for command in (["systemctl", "disable", unit], ["update-rc.d", unit, "disable"]):
        if shutil.which(command[0]):
            subprocess.run(command, check=False, capture_output=True)
