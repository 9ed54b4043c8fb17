"""Settings from the environment; secrets also from files; all errors at once, then exit."""

import os
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import AliasChoices, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

FILE_SUFFIX: Final = "_FILE"
EXIT_BAD_SETTINGS: Final = 78  # EX_CONFIG of sysexits.h


class _FileSource(PydanticBaseSettingsSource):
    """`NAME_FILE=/run/secrets/x` gives the setting `NAME` the file's content, stripped."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        for name in self._names(field, field_name):
            path = os.environ.get(name + FILE_SUFFIX)
            if path:
                return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        return None, field_name, False

    def _names(self, field: FieldInfo, field_name: str) -> list[str]:
        prefix = self.config.get("env_prefix", "")
        names = [f"{prefix}{field_name}".upper()]
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            names = [str(choice) for choice in alias.choices]
        return names

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            try:
                value, _, _ = self.get_field_value(field, name)
            except OSError as exc:
                value = _Unreadable(f"cannot read the file that {name} names: {exc.strerror}")
            if value is not None:
                found[_key(field, name)] = value
        return found


class _Unreadable:
    """Fails every type's validation, so that an unreadable file is reported with the rest."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return self.reason


def _key(field: FieldInfo, name: str) -> str:
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else name


def shared(name: str) -> AliasChoices:
    """Return the alias of a setting that all services read under one well-known name."""
    return AliasChoices(name)


class ServiceSettings(BaseSettings):
    """What every service is told. Subclasses set `env_prefix` and add their own fields."""

    model_config = SettingsConfigDict(
        frozen=True, use_attribute_docstrings=True, extra="ignore", case_sensitive=False
    )

    host: str = "127.0.0.1"
    """Address to listen on. Loopback is safe; 0.0.0.0 shows the service to the network."""
    port: int = Field(default=0, ge=0, le=65535)
    """Port to listen on; 0 takes a free one, which is logged."""
    log_level: str = Field(
        default="INFO",
        pattern="(?i)^(DEBUG|INFO|WARNING|ERROR)$",
        validation_alias=shared("LOG_LEVEL"),
    )
    """DEBUG tells each step; ERROR hides what an operator needs to see."""
    kafka_bootstrap_servers: str = Field(
        default="127.0.0.1:9092", min_length=1, validation_alias=shared("KAFKA_BOOTSTRAP_SERVERS")
    )
    """Comma-separated host:port of some brokers."""
    shutdown_grace: float = Field(default=20.0, gt=0, le=300)
    """Seconds to drain after SIGTERM; shorter loses work in flight (it is redone), longer delays
    a deployment."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class names it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, _FileSource(settings_cls))

    def config_hash(self) -> str:
        """Return 12 hex digits that change with any setting; secrets enter as their masks."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:12]


S = TypeVar("S", bound=ServiceSettings)


def load(settings: type[S]) -> S:
    """Read the settings, or print every error at once and exit with status 78."""
    try:
        return settings()
    except ValidationError as exc:
        sys.stderr.write(explain(exc, settings.model_config) + "\n")
        raise SystemExit(EXIT_BAD_SETTINGS) from None


def explain(error: ValidationError, config: Mapping[str, Any]) -> str:
    """Return one line for each wrong setting, under the name that the user types."""
    lines = [f"{error.error_count()} setting(s) are wrong:"]
    prefix = str(config.get("env_prefix", ""))
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        shown = name if name.isupper() else f"{prefix}{name}".upper()
        given = problem.get("input")
        reason = given.reason if isinstance(given, _Unreadable) else problem["msg"]
        lines.append(f"  {shown}: {reason}")
    return "\n".join(lines)
