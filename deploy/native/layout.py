"""Where everything lives: one state directory for data, configuration, logs and downloads."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from native.account import Account
from native.errors import SetupError

SOCKET_PATH_LIMIT = 100  # the kernel takes 107 bytes
OWNED = ("config", "data", "log", "programs", "run", "secrets")
WIPED = (*OWNED, "app", "bin")
PRIVATE = ("config", "data", "programs", "run", "secrets")


@dataclass(frozen=True, slots=True)
class Layout:
    """The project, its state directory, the downloads, and the account that runs it all."""

    project: Path
    state: Path
    cache: Path
    account: Account

    @property
    def app(self) -> Path:
        """What the services read at run time: migrations, configuration, the demo sink."""
        return self.state / "app"

    @property
    def bin(self) -> Path:
        return self.state / "bin"

    @property
    def log(self) -> Path:
        return self.state / "log"

    @property
    def setup_log(self) -> Path:
        return self.log / "setup.log"

    @property
    def socket(self) -> Path:
        """The supervisor's socket; in /tmp when the path would be too long for a socket."""
        path = self.state / "run" / "supervisor.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
            return path
        return Path("/tmp") / f"tocsin-{digest_of(str(self.state))}.sock"  # noqa: S108

    def make(self) -> None:
        """Create the directories; those that hold data or secrets are the account's alone.

        Raises:
            SetupError: the account cannot reach the state directory.
        """
        for path in (self.state, self.app, self.bin, self.cache):
            path.mkdir(mode=0o755, parents=True, exist_ok=True)
        if self.state.stat().st_uid == os.geteuid():
            self.state.chmod(0o755)  # as `mktemp -d` makes them, none but us could enter
        for path in (self.state, self.cache):
            if not self.account.can_enter(path):
                sentence = f"{path} cannot be reached by the user {self.account.name}."
                raise SetupError(sentence)
        for name in OWNED:
            path = self.state / name
            path.mkdir(exist_ok=True)
            path.chmod(0o700 if name in PRIVATE else 0o755)
            self.account.own(path)

    def data(self, name: str) -> Path:
        """Return the data directory of one program, created on first use."""
        path = self.state / "data" / name
        if not path.exists():
            path.mkdir(mode=0o700)
            self.account.own(path)
        return path

    def write(self, path: Path, text: str, *, mode: int = 0o600) -> bool:
        """Write a file of the account; return whether that changed anything."""
        if path.exists() and path.read_text() == text:
            return False
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(text)
        fresh.chmod(mode)
        self.account.own(fresh)
        fresh.replace(path)
        return True


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def locate(project: Path, account: Account) -> Layout:
    """Return where everything is: in TOCSIN_STATE, else in the place that belongs to the project.

    Downloads are shared by all states of a project, unless TOCSIN_CACHE says where they go.
    """
    home = _home(project, account)
    state = Path(os.environ.get("TOCSIN_STATE") or home).absolute()
    cache = Path(os.environ.get("TOCSIN_CACHE") or home / "cache").absolute()
    return Layout(project=project, state=state, cache=cache, account=account)


def _home(project: Path, account: Account) -> Path:
    """Return the project's `.tocsin`; a place in /var/lib where the account cannot reach that.

    Such is a checkout below /root.
    """
    if account.can_enter(project):
        return project / ".tocsin"
    return Path("/var/lib") / f"tocsin-{digest_of(str(project))}"
