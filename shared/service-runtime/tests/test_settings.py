"""Settings: names that users type, secrets from files, every error at once."""

from pathlib import Path

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from service_runtime.settings import EXIT_BAD_SETTINGS, ServiceSettings, load, shared


class ExampleSettings(ServiceSettings):
    """A service's settings, as each service writes them."""

    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    database_url: SecretStr = Field(
        default=SecretStr("postgresql://x"), validation_alias=shared("DATABASE_URL")
    )
    token: SecretStr = SecretStr("")
    limit: int = Field(default=5, ge=1)


def test_a_prefixed_name_and_a_well_known_name_are_both_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXAMPLE_LIMIT", "7")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:19092")
    settings = load(ExampleSettings)
    assert (settings.limit, settings.kafka_bootstrap_servers) == (7, "kafka:19092")


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://secret\n")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATABASE_URL_FILE", str(secret))
    monkeypatch.setenv("EXAMPLE_TOKEN_FILE", str(secret))
    settings = load(ExampleSettings)
    assert settings.database_url.get_secret_value() == "postgresql://secret"
    assert settings.token.get_secret_value() == "postgresql://secret"
    assert "secret" not in repr(settings)


def test_all_errors_are_told_at_once_under_the_names_that_users_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXAMPLE_LIMIT", "0")
    monkeypatch.setenv("EXAMPLE_PORT", "99999")
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    monkeypatch.setenv("EXAMPLE_TOKEN_FILE", "/does/not/exist")
    with pytest.raises(SystemExit) as ended:
        load(ExampleSettings)
    told = capsys.readouterr().err
    assert ended.value.code == EXIT_BAD_SETTINGS
    assert told.startswith("4 setting(s) are wrong")
    for name in ("EXAMPLE_LIMIT", "EXAMPLE_PORT", "LOG_LEVEL", "EXAMPLE_TOKEN"):
        assert name in told
    assert "No such file" in told


def test_the_hash_changes_with_a_setting() -> None:
    assert ExampleSettings(limit=1).config_hash() != ExampleSettings(limit=2).config_hash()
