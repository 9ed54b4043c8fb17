"""Write `docs/settings.md` from the settings classes; with `--check`, say whether it is current."""

import importlib
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from service_runtime.settings import ServiceSettings

PAGE: Final = Path(__file__).with_name("settings.md")
SERVICES: Final = ("api-gateway", "alert-rule-engine", "alert-manager", "notification-service")
HEAD: Final = """# Settings

Made from the settings classes by `just docs`; do not edit.

Every setting is an environment variable. A secret may come from a file instead: `NAME_FILE=/path`
sets `NAME` to the file's content. A process with wrong settings names all of them at once and
exits with status 78.
"""


def main() -> int:
    """Write the page, or compare it."""
    page = HEAD + "".join(_section(service) for service in SERVICES)
    if "--check" in sys.argv[1:]:
        if PAGE.read_text(encoding="utf-8") == page:
            return 0
        sys.stderr.write("docs/settings.md is not current: run `just docs`\n")
        return 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


def _section(service: str) -> str:
    module = importlib.import_module(service.replace("-", "_") + ".settings")
    settings: type[ServiceSettings] = module.Settings
    rows = [_row(settings, name, field) for name, field in sorted(settings.model_fields.items())]
    head = f"\n## {service}\n\n| variable | default | meaning |\n|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def _row(settings: type[ServiceSettings], name: str, field: FieldInfo) -> str:
    meaning = " ".join((field.description or "").split()).replace("|", "\\|")
    return f"| `{_variable(settings, name, field)}` | {_default(field)} | {meaning} |"


def _variable(settings: type[ServiceSettings], name: str, field: FieldInfo) -> str:
    if isinstance(field.validation_alias, AliasChoices):
        return " or ".join(str(choice) for choice in field.validation_alias.choices)
    return f"{settings.model_config.get('env_prefix', '')}{name}".upper()


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=False)
    if default is PydanticUndefined:
        return "required"
    if isinstance(default, SecretStr):
        return "a secret"
    if isinstance(default, timedelta):
        return f"`{default.total_seconds():g}` s"
    return f"`{default}`" if default not in ("", None) else "none"


if __name__ == "__main__":
    sys.exit(main())
