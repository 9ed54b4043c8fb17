"""Settings and the alerting configuration: wrong ones stop the start, with every reason."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from alert_manager.app import read_config
from alert_manager.settings import Settings
from service_runtime.errors import StartupError

SHIPPED = Path(__file__).parents[3] / "config" / "tocsin.yml"


def test_the_defaults_need_no_environment() -> None:
    settings = Settings()
    assert (settings.port, settings.dedup_ttl) == (8082, timedelta(hours=1))


def test_the_time_to_live_is_set_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_MANAGER_DEDUP_TTL", "1h30m")
    assert Settings().dedup_ttl == timedelta(minutes=90)
    monkeypatch.setenv("ALERT_MANAGER_DEDUP_TTL", "90")
    assert Settings().dedup_ttl == timedelta(seconds=90)
    monkeypatch.setenv("ALERT_MANAGER_DEDUP_TTL", "soon")
    with pytest.raises(ValidationError, match="such as 90s, 5m"):
        Settings()


def _read(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.setenv("TOCSIN_CONFIG", str(path))
    return tuple(receiver.name for receiver in read_config(Settings()).receivers)


def test_the_shipped_configuration_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _read(SHIPPED, monkeypatch) == ("slack", "pagerduty", "email")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "cannot read"),
        (b"route: [", "no YAML"),
        (b"\xff", "no YAML"),
        (b"route: {}\nreceivers: [{name: a, x: 1}]", "receivers\\[0\\].x: unknown name"),
    ],
)
def test_a_wrong_configuration_is_refused_with_its_reason(
    text: bytes | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tocsin.yml"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(StartupError, match=reason):
        _read(path, monkeypatch)


def test_what_has_no_effect_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tocsin.yml"
    path.write_text("route: {receiver: a}\nreceivers: [{name: a}]\ninhibit_rules: []\n")
    assert _read(path, monkeypatch) == ("a",)
