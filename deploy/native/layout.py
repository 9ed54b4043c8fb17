"""Where everything lives: one state directory for data, configuration, logs and downloads."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from native.account import Account

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
        """Create the directories; those that hold data or secrets are the account's alone."""
        for name in ("", "app", "bin", "cache"):
            (self.state / name).mkdir(mode=0o755, parents=True, exist_ok=True)
        self.cache.mkdir(mode=0o755, parents=True, exist_ok=True)
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


def locate(project: Path, account: Account) -> Path:
    """Return the state directory: TOCSIN_STATE, else the project's own, else one in /var/lib.

    The last is for a checkout that the account cannot reach, such as one below /root.
    """
    chosen = os.environ.get("TOCSIN_STATE")
    if chosen:
        return Path(chosen).absolute()
    if account.can_enter(project):
        return project / ".tocsin"
    return Path("/var/lib") / f"tocsin-{digest_of(str(project))}"


def cache_of(state: Path) -> Path:
    """Return where downloads go: TOCSIN_CACHE, so that several states can share it, or inside."""
    return Path(os.environ.get("TOCSIN_CACHE") or state / "cache").absolute()
