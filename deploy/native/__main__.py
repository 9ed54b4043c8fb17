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

from native import account, infrastructure, layout, session
from native.errors import SetupError
from native.progress import say, step

INTERRUPTED = 130


def main() -> int:
    """Do what the arguments say; return the exit code."""
    arguments = _parse()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _dispatch(arguments)
    except SetupError as error:
        say(f"\n{error.sentence}")
        if error.log:
            say(f"Details: {error.log}")
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted.")
        return INTERRUPTED
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./setup.sh", description="The stack, one command.")
    parser.add_argument("--project", type=Path, required=True, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command")
    infra = commands.add_parser("infra", help="Kafka, Redis and Postgres alone, natively")
    infra.add_argument("action", choices=["up", "down"])
    infra.add_argument("-v", action="store_true", dest="wipe", help="with down: wipe the data")
    return parser.parse_args()


def _dispatch(arguments: argparse.Namespace) -> None:
    where = _layout(arguments.project)
    with _alone(where):
        if arguments.action == "up":
            infrastructure.up(where)
            return
        with step("Stopping"):
            session.shut_down(where)


def _layout(project: Path) -> layout.Layout:
    user = account.ensure()
    state = layout.locate(project, user)
    return layout.Layout(project=project, state=state, cache=layout.cache_of(state), account=user)


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
