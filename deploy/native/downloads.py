"""What comes from Maven Central and PyPI: resolved once per content, kept in the cache."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from native.account import Account
from native.errors import SetupError
from native.layout import Layout
from native.shell import run

COMPLETE = ".complete"
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # a JVM that ends before C2 pays off
PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3", "/usr/local/bin/python3.13")


def content_hash(paths: Iterable[Path], *more: str) -> str:
    """Return a short hash of the names and contents of files (directories: all files below)."""
    digest = hashlib.sha256()
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(path.parent)}\0".encode() + file.read_bytes())
    digest.update("\0".join(more).encode())
    return digest.hexdigest()[:12]


def keep(directory: Path, build: Callable[[Path], None]) -> Path:
    """Return `directory`, built unless a complete one is there; unused siblings are removed."""
    family = directory.name.rpartition("-")[0]
    with (directory.parent / f"{family}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several states may share a cache
        if (directory / COMPLETE).exists():
            return directory
        for stale in directory.parent.glob(f"{family}-????????????"):
            if not _in_use(stale):
                shutil.rmtree(stale)
        directory.mkdir()
        build(directory)
        (directory / COMPLETE).touch()
    return directory


def _in_use(directory: Path) -> bool:
    """Whether a process was started from the directory, perhaps of another state."""
    needle = os.fsencode(f"{directory}/")
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if needle in (process / "cmdline").read_bytes():
                return True
    return False


def kafka_jars(layout: Layout) -> Path:
    """Return the directory with Kafka's jars."""
    pom = layout.project / "deploy/native/pom.xml"

    def resolve(target: Path) -> None:
        command: list[str | Path] = [
            "mvn",
            "-B",
            "-q",
            "-f",
            pom,
            f"-Dmaven.repo.local={layout.cache}/m2",
        ]
        command += ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        command += [f"-DoutputDirectory={target}", f"-DmarkersDirectory={target}/.markers"]
        failure = "Maven could not fetch Kafka"
        run(command, failure=failure, log=layout.setup_log, environment={"MAVEN_OPTS": SHORT_LIVED})
        shutil.rmtree(layout.cache / "m2")  # the jars are copied; half a gigabyte is not needed

    return keep(layout.cache / f"kafka-{content_hash([pom])}", resolve)


def tools(layout: Layout) -> Path:
    """Return the virtual environment with uv and the supervisor."""
    lock = layout.project / "requirements/native.txt"
    python = interpreter(layout.account)

    def create(target: Path) -> None:
        failure = "The Python environment of the tools could not be made"
        run([python, "-m", "venv", target], failure=failure, log=layout.setup_log)
        pip: list[str | Path] = [
            target / "bin/pip",
            "install",
            "-q",
            "--require-hashes",
            "-r",
            lock,
        ]
        failure = "pip could not install uv and supervisor"
        run(pip, failure=failure, log=layout.setup_log)

    return keep(layout.cache / f"tools-{content_hash([lock], str(python))}", create)


def interpreter(account: Account) -> Path:
    """Return a Python of at least 3.11 that the account can run; not one below /root, say."""
    found = shutil.which("python3")
    for candidate in [Path(name) for name in (*PYTHONS, *([found] if found else []))]:
        if candidate.exists() and account.can_run(candidate.resolve()) and _new_enough(candidate):
            return candidate
    sentence = f"No Python 3.11 or newer that the user {account.name} can run was found."
    raise SetupError(sentence)


def _new_enough(python: Path) -> bool:
    check = "import sys, ensurepip; sys.exit(sys.version_info < (3, 11))"
    done = subprocess.run([python, "-c", check], check=False, capture_output=True)
    return done.returncode == 0
