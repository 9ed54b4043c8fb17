"""The variables that steer the stack: from the environment, the running stack, and `.env`.

What `up` was told is kept while the stack is up, so that `restart` or `status` need not be told
again. The environment comes first, then what was kept, then the project's `.env`.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from native.layout import Layout

PREFIXES = (
    "TOCSIN_",
    "API_GATEWAY_",
    "ALERT_RULE_ENGINE_",
    "ALERT_MANAGER_",
    "NOTIFICATION_SERVICE_",
)
NAMES = ("LOG_LEVEL",)
OF_THE_CALL = ("TOCSIN_STATE", "TOCSIN_CACHE")


def read_dotenv(project: Path) -> None:
    """Let the project's `.env` fill in what the environment does not say."""
    path = project / ".env"
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            os.environ.setdefault(name, value.strip().strip("\"'"))


def recall(layout: Layout) -> None:
    """Let what the running stack was told fill in what the environment does not say."""
    path = _path(layout)
    if path.exists():
        for name, value in json.loads(path.read_text()).items():
            os.environ.setdefault(name, value)


def keep(layout: Layout) -> None:
    """Keep what this run was told, for as long as the stack is up."""
    named = named_in_configuration(layout)
    told = {k: v for k, v in os.environ.items() if v and (_ours(k) or k in named)}
    layout.write(_path(layout), json.dumps(told, indent=1, sort_keys=True))


def forget(layout: Layout) -> None:
    _path(layout).unlink(missing_ok=True)


def configuration(layout: Layout) -> Path:
    """Return the alerting configuration: TOCSIN_CONFIG, else the project's."""
    chosen = os.environ.get("TOCSIN_CONFIG")
    return Path(chosen).absolute() if chosen else layout.project / "config/tocsin.yml"


def named_in_configuration(layout: Layout) -> set[str]:
    """Return the variables that the alerting configuration refers to as `${NAME}`."""
    return set(re.findall(r"\$\{([A-Za-z_]\w*)", configuration(layout).read_text()))


def commit(project: Path) -> str:
    """Return TOCSIN_COMMIT, else what the checkout is at, for `/info` and the build metric."""
    if os.environ.get("TOCSIN_COMMIT"):
        return os.environ["TOCSIN_COMMIT"]
    if shutil.which("git") is None:
        return "unknown"
    command = ["git", "-C", str(project), "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _ours(name: str) -> bool:
    return (name.startswith(PREFIXES) or name in NAMES) and name not in OF_THE_CALL


def _path(layout: Layout) -> Path:
    return layout.state / "config" / "variables.json"
