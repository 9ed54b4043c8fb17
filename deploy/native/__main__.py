"""The command line of setup.sh."""

import argparse
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from native import account, infrastructure, layout, stack, status, variables
from native.catalog import CATALOG
from native.docker import Compose
from native.errors import SetupError
from native.progress import say
from native.supervisor import Supervisor, orphans

INTERRUPTED = 130
DESCRIPTION = """\
The whole stack with one command, and a first alert delivered.

  up                 bring everything up, or up to date, and run the demo (the default)
  down [-v]          stop everything; -v wipes data, passwords and logs as well
  status             what runs, since when, where, with how much memory
  logs [service]     the last lines of the logs; -f follows them
  restart [service]  restart one program, or all
  infra up|down      Kafka, Redis and Postgres alone, natively

Docker Compose is used where a daemon answers and the images can be had; else everything
runs natively, from the packages of the distribution, PyPI and Maven Central.
"""


def main() -> int:
    """Do what the arguments say; return the exit code."""
    arguments = _parse()
    os.umask(0o022)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        variables.read_dotenv(arguments.project)
        return _dispatch(arguments)
    except SetupError as error:
        say(f"\n{error.sentence}")
        if error.log:
            say(f"Details: {error.log}")
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted.")
        return INTERRUPTED


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./setup.sh",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="./setup.sh [COMMAND] [--native | --docker] [options]",
    )
    commands = ("up", "down", "status", "logs", "restart", "infra")
    parser.add_argument("command", nargs="?", default="up", choices=commands, metavar="COMMAND")
    parser.add_argument("subject", nargs="?", metavar="SERVICE", help="for logs, restart, infra")
    parser.add_argument("--project", type=Path, required=True, help=argparse.SUPPRESS)
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--native", action="store_true", help="without Docker, whatever is there")
    way.add_argument("--docker", action="store_true", help="Docker Compose or nothing")
    parser.add_argument("--no-demo", action="store_true", help="up: post nothing")
    parser.add_argument("-v", "--volumes", action="store_true", help="down: wipe the data too")
    parser.add_argument("-f", "--follow", action="store_true", help="logs: go on as they grow")
    return parser.parse_args()


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.command == "infra":
        return _native(arguments)
    compose = Compose(arguments.project)
    if _wants_docker(arguments, compose):
        return _docker(arguments, compose)
    return _native(arguments)


def _wants_docker(arguments: argparse.Namespace, compose: Compose) -> bool:
    """Choose: what the flag says, else what is up already, else Docker if it can be."""
    if arguments.native or (arguments.docker and arguments.command != "up"):
        return bool(arguments.docker)
    if not arguments.docker:
        if _native_is_up(arguments.project):
            return False
        if compose.running() or arguments.command != "up":
            return compose.running()
    obstacle = compose.obstacle()
    if obstacle is None:
        say("Docker Compose: a daemon answers and the images are here (--native forces otherwise).")
        return True
    if arguments.docker:
        sentence = f"Docker Compose cannot be used: {obstacle}."
        raise SetupError(sentence)
    say(f"Natively, since {obstacle} (--docker forces otherwise).")
    return False


def _native_is_up(project: Path) -> bool:
    try:
        where = layout.locate(project, account.current())
    except KeyError:
        return False  # its user has never been made
    return Supervisor(where).up() or bool(orphans(where))


def _docker(arguments: argparse.Namespace, compose: Compose) -> int:
    match arguments.command:
        case "up":
            compose.up(with_demo=not arguments.no_demo)
        case "down":
            compose.down(wipe=arguments.volumes)
        case command:
            options = {"status": ["ps", "-a"], "logs": ["logs", "--tail=100"]}
            follow = ["-f"] if command == "logs" and arguments.follow else []
            subject = [arguments.subject] if arguments.subject else []
            compose.replace_by([*options.get(command, [command]), *follow, *subject])
    return 0


def _native(arguments: argparse.Namespace) -> int:
    _check_subject(arguments)
    where = _layout(arguments)
    if Supervisor(where).up():
        variables.recall(where)
    if arguments.command == "logs":
        _logs(where, arguments)
    if arguments.command == "status":
        return _status(where)
    with _alone(where):
        _change(where, arguments)
    return 0


def _change(where: layout.Layout, arguments: argparse.Namespace) -> None:
    match arguments.command, arguments.subject:
        case "up", _:
            stack.up(where, with_demo=not arguments.no_demo)
        case "infra", "up":
            infrastructure.up(where)
        case ("down", _) | ("infra", "down"):
            stack.down(where, wipe=arguments.volumes)
        case "restart", subject:
            _require_up(where)
            stack.restart(where, [subject] if subject else [])


def _check_subject(arguments: argparse.Namespace) -> None:
    known: list[str] = []
    if arguments.command == "infra":
        known = ["up", "down"]
    elif arguments.command in {"logs", "restart"}:
        known = [*CATALOG, ""]
    else:
        known = [""]
    if (arguments.subject or "") not in known:
        names = ", ".join(name for name in known if name) or "nothing"
        sentence = f"`{arguments.command}` takes {names} here, not {arguments.subject!r}."
        raise SetupError(sentence)


def _status(where: layout.Layout) -> int:
    if not Supervisor(where).up():
        left = ", ".join(f"{name} (pid {pid})" for name, pid in orphans(where).items())
        say(f"The supervisor is gone, but these run: {left}." if left else "Nothing is up.")
        return 1
    say(f"Native, in {where.state}:")
    return 0 if status.show(where) else 1


def _require_up(where: layout.Layout) -> None:
    if not Supervisor(where).up():
        sentence = "Nothing is up."
        raise SetupError(sentence)


def _logs(where: layout.Layout, arguments: argparse.Namespace) -> None:
    """Hand the terminal to tail; does not return."""
    pattern = f"{arguments.subject}.log" if arguments.subject else "*.log"
    files = sorted(str(path) for path in where.log.glob(pattern))
    if not files:
        sentence = f"There are no logs in {where.log}."
        raise SetupError(sentence)
    follow = ["-F"] if arguments.follow else []
    os.execvp("tail", ["tail", "-n", "100", *follow, *files])  # noqa: S606, S607


def _layout(arguments: argparse.Namespace) -> layout.Layout:
    """Return where everything is; only what starts something creates the system user."""
    if arguments.command in {"up", "infra"}:
        return layout.locate(arguments.project, account.ensure())
    try:
        return layout.locate(arguments.project, account.current())
    except KeyError:
        sentence = "Nothing is up."
        raise SetupError(sentence) from None


@contextmanager
def _alone(where: layout.Layout) -> Iterator[None]:
    """Let one setup.sh at a time work on a state directory."""
    where.state.mkdir(parents=True, exist_ok=True)
    with (where.state / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            sentence = f"Another setup.sh (pid {file.read().strip()}) is at work on {where.state}."
            raise SetupError(sentence) from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
