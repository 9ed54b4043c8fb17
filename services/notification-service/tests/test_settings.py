"""What the service is told, and that nonsense is refused with every error at once."""

import pytest
from pydantic import SecretStr, ValidationError

from notification_service.domain.outcome import Patience
from notification_service.settings import Settings
from service_runtime.settings import explain


def test_the_defaults_are_safe() -> None:
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert defaults["port"] == 8083
    assert not Settings().private_hosts().pairs


def test_lengths_of_time_are_seconds_outside_and_milliseconds_inside() -> None:
    settings = Settings(
        retry_longest=20, give_up_after=7_200, circuit_cool_down=5, tries=2, retention_days=7
    )
    assert settings.patience() == Patience(longest=20_000, give_up=7_200_000)
    assert settings.circuit_policy().cool_down == 5_000
    assert settings.retry_policy().tries == 2
    assert settings.retention_ms() == 7 * 86_400_000


def test_a_process_with_a_port_keeps_its_name_and_one_without_gets_a_new_one() -> None:
    fixed = Settings(instance="", port=8083)
    assert fixed.owner(8083).endswith(":8083")
    free = Settings(port=0)
    assert free.owner(40_001).count(":") == 2
    assert Settings(instance="left").owner(8083) == "left"


def test_every_wrong_setting_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(tries=0, circuit_rate=2.0, lease=0.1, allowed_private_hosts="10.0.0.0/8")
    told = explain(caught.value, Settings.model_config)
    for name in ("TRIES", "CIRCUIT_RATE", "LEASE", "ALLOWED_PRIVATE_HOSTS"):
        assert f"NOTIFICATION_SERVICE_{name}" in told


def test_secrets_are_not_shown() -> None:
    assert "hush" not in repr(Settings(webhook_secret=SecretStr("hush")))
