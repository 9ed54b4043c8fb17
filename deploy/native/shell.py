"""Runs commands: quietly, into the log, and as the account where asked."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from native.account import Account
from native.errors import SetupError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NOTHING: Mapping[str, str] = {}


def run(
    command: Sequence[str | Path],
    *,
    failure: str,
    log: Path,
    account: Account | None = None,
    environment: Mapping[str, str] = NOTHING,
    directory: Path = Path("/"),
) -> str:
    """Run a command to its end and return what it printed; all of it goes to `log` as well.

    With an account, the command gets that user and a clean environment; without one, ours.
    A Ctrl-C goes to the command too, since it shares our terminal.

    Raises:
        SetupError: the command failed; its sentence is `failure`.
    """
    base = {"PATH": PATH, "HOME": "/tmp", "LANG": "C.UTF-8"} if account else dict(os.environ)  # noqa: S108
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        cwd=directory,
        env={**base, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        **(account.switch() if account else {}),  # type: ignore[call-overload]
    )
    with log.open("a") as file:
        file.write(f"$ {' '.join(str(part) for part in command)}\n{done.stdout}")
    if done.returncode != 0:
        sentence = f"{failure} (exit code {done.returncode})."
        raise SetupError(sentence, log=log)
    return str(done.stdout)
