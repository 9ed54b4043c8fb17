"""The state directory: where it is, and what is written there."""

from dataclasses import replace
from pathlib import Path

import pytest
from native.errors import SetupError
from native.layout import Layout, locate
from native.tests.conftest import account

CHECKOUT = Path("/srv/tocsin")


def test_the_state_is_in_the_checkout() -> None:
    found = locate(CHECKOUT, account())
    assert found.state == CHECKOUT / ".tocsin"
    assert found.cache == CHECKOUT / ".tocsin/cache"


def test_a_checkout_that_the_account_cannot_reach_has_its_state_in_var_lib() -> None:
    found = locate(CHECKOUT, account(reaches=False))
    assert found.state.parent == Path("/var/lib")
    assert found.state == locate(CHECKOUT, account(reaches=False)).state
    assert found.state != locate(Path("/srv/other"), account(reaches=False)).state


def test_a_state_elsewhere_shares_the_checkouts_downloads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOCSIN_STATE", "/tmp/other")  # noqa: S108 - never made
    found = locate(CHECKOUT, account())
    assert found.state == Path("/tmp/other")  # noqa: S108
    assert found.cache == CHECKOUT / ".tocsin/cache"


def test_a_state_that_the_account_cannot_reach_is_refused(layout: Layout) -> None:
    with pytest.raises(SetupError, match="cannot be reached by the user us"):
        replace(layout, account=account(reaches=False)).make()


def test_secrets_and_data_are_the_accounts_alone(layout: Layout) -> None:
    layout.make()
    assert (layout.state / "secrets").stat().st_mode & 0o077 == 0
    assert layout.data("kafka").stat().st_mode & 0o077 == 0


def test_writing_says_whether_it_changed_anything(layout: Layout) -> None:
    path = layout.state / "config/redis.conf"
    assert layout.write(path, "port 1")
    assert not layout.write(path, "port 1")
    assert layout.write(path, "port 2")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_socket_below_a_long_path_moves_to_tmp(layout: Layout) -> None:
    deep = replace(layout, state=layout.state / ("x" * 100))
    assert len(str(deep.socket)) < 100
    assert deep.socket.parent == Path("/tmp")  # noqa: S108
