"""Who runs the stack: a system user of its own when root starts it, else whoever started it."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from native.errors import SetupError

NAME = "tocsin"


@dataclass(frozen=True, slots=True)
class Account:
    """The user that owns the data and every process."""

    name: str
    uid: int
    gid: int

    def switch(self) -> dict[str, int | list[int]]:
        """Return the arguments of `subprocess` that change to this user; none when it is us."""
        if os.geteuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, directory: Path) -> bool:
        """Whether this user can reach `directory` (or, if it is not there, its parent)."""
        while not directory.exists():
            directory = directory.parent
        return self._test("-x", directory)

    def can_run(self, program: Path) -> bool:
        return self._test("-x", program)

    def can_read(self, path: Path) -> bool:
        return self._test("-r", path)

    def _test(self, flag: str, path: Path) -> bool:
        command = ["/usr/bin/test", flag, str(path)]
        return subprocess.run(command, check=False, cwd="/", **self.switch()).returncode == 0  # type: ignore[call-overload, no-any-return]


def current() -> Account:
    """Return the account that would run the stack; raise KeyError if it has yet to be made."""
    entry = pwd.getpwnam(NAME) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def ensure() -> Account:
    """Return the account that runs the stack, and create the system user if root needs it."""
    try:
        return current()
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home"]
        command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", NAME]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            sentence = f"The system user {NAME} could not be created: {done.stderr.strip()}."
            raise SetupError(sentence) from None
        return current()
