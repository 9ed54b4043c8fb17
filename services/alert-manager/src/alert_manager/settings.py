"""What an operator may set; every field from the environment, `ALERT_MANAGER_<NAME>`."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from alert_contracts.matchers import parse_duration
from service_runtime.settings import ServiceSettings, shared


def _duration(value: object) -> object:
    """Read `90s`, `1h30m`, `7d`, or plain seconds."""
    if not isinstance(value, str):
        return value
    return parse_duration(f"{value}s" if value.isdecimal() else value)


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Settings(ServiceSettings):
    """Settings of the alert manager."""

    model_config = SettingsConfigDict(env_prefix="ALERT_MANAGER_")

    port: int = Field(default=8082, ge=0, le=65535)
    """Port to listen on; 0 takes a free one, which is logged."""
    config: Path = Field(
        default=Path("config/tocsin.yml"), validation_alias=shared("TOCSIN_CONFIG")
    )
    """The alerting configuration, in Alertmanager's format."""
    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"), validation_alias=shared("REDIS_URL")
    )
    """The fast path. Away or empty, Postgres is asked instead."""
    database_url: SecretStr = Field(
        default=SecretStr("postgresql://alertuser@127.0.0.1:5432/alertdb"),
        validation_alias=shared("DATABASE_URL"),
    )
    """The history, a libpq URL."""
    database_connections: int = Field(default=8, ge=2, le=100)
    """Connections at most. Two keep the consumers going; each more serves requests at once."""
    dedup_ttl: Duration = Field(
        default=timedelta(hours=1), ge=timedelta(seconds=1), le=timedelta(days=30)
    )
    """How long an open alert stays silent after a notification, such as 30m or 1h30m. Shorter nags;
    longer hides a lost page."""
    history_retention: Duration = Field(
        default=timedelta(days=90), ge=timedelta(hours=1), le=timedelta(days=3650)
    )
    """How long alerts that are over are kept, such as 90d. Shorter forgets what happened last
    time; longer needs more disk."""
    external_url: str = Field(default="http://127.0.0.1:8082", pattern=r"^https?://\S+$")
    """How readers of a notification reach this service; links begin with it."""
    max_batch: int = Field(default=500, ge=1, le=5_000)
    """Records judged in one transaction. Fewer cost more per record; more hold locks longer."""
