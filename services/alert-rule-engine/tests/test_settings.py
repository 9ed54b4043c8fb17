"""Settings come from the environment under the service's prefix."""

from datetime import timedelta

import pytest

from alert_rule_engine.settings import Settings


def test_the_defaults_run_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ALERT_RULE_ENGINE_{name}".upper(), raising=False)
    settings = Settings()
    assert (settings.port, settings.evaluate_port) == (8081, 0)
    assert settings.flush_interval == timedelta(milliseconds=500)
    assert settings.instance_id


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="idle_after"):
        Settings(idle_after=timedelta(0))
