"""Variables: the environment, then the running stack, then `.env`."""

import os

import pytest
from native import variables
from native.layout import Layout


def test_the_environment_wins_over_dotenv(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_GATEWAY_PORT", "1")
    monkeypatch.delenv("TOCSIN_TEST_ONLY", raising=False)
    text = "# ports\nTOCSIN_GATEWAY_PORT=2\nTOCSIN_TEST_ONLY='three'\n#TOCSIN_REDIS_PORT=4\n"
    (layout.project / ".env").write_text(text)
    variables.read_dotenv(layout.project)
    assert os.environ["TOCSIN_GATEWAY_PORT"] == "1"
    assert os.environ.pop("TOCSIN_TEST_ONLY") == "three"
    assert "TOCSIN_REDIS_PORT" not in os.environ


def test_no_dotenv_is_no_trouble(layout: Layout) -> None:
    variables.read_dotenv(layout.project)


def test_what_up_was_told_is_known_until_down(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_GATEWAY_PORT", "18080")
    monkeypatch.setenv("PAGER_KEY", "k")  # named in the alerting configuration
    monkeypatch.setenv("UNRELATED", "x")
    variables.keep(layout)
    for name in ("TOCSIN_GATEWAY_PORT", "PAGER_KEY", "UNRELATED"):
        monkeypatch.delenv(name)
    variables.recall(layout)
    assert os.environ["TOCSIN_GATEWAY_PORT"] == "18080"
    assert os.environ["PAGER_KEY"] == "k"
    assert "UNRELATED" not in os.environ
    monkeypatch.delenv("TOCSIN_GATEWAY_PORT")
    variables.forget(layout)
    variables.recall(layout)
    assert "TOCSIN_GATEWAY_PORT" not in os.environ


def test_another_configuration_can_be_named(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = layout.project / "mine.yml"
    other.write_text("a: ${A}, b: ${B:-2}, c: $${C_IS_LITERAL")
    monkeypatch.setenv("TOCSIN_CONFIG", str(other))
    assert {"A", "B"} <= variables.named_in_configuration(layout)
