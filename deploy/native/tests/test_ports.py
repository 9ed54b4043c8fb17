"""Ports: defaults, the variables that move them, and who holds one."""

import os
import socket

import pytest
from native.errors import SetupError
from native.ports import HOST, Port, read, require_free


def test_a_port_has_its_usual_number_until_its_variable_moves_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert read("TOCSIN_REDIS_PORT").number == 6379
    monkeypatch.setenv("TOCSIN_REDIS_PORT", "16379")
    assert read("TOCSIN_REDIS_PORT").number == 16379


def test_the_controller_is_next_to_a_moved_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_KAFKA_PORT", "19092")
    assert read("TOCSIN_KAFKA_CONTROLLER_PORT").number == 19093


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1", "80 "])
def test_what_is_no_port_is_refused_by_the_variables_name(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_GATEWAY_PORT", text)
    with pytest.raises(SetupError, match="TOCSIN_GATEWAY_PORT"):
        read("TOCSIN_GATEWAY_PORT")


def test_a_taken_port_is_told_with_its_holder_and_the_variable_that_moves_it() -> None:
    with socket.create_server((HOST, 0)) as holder:
        number = holder.getsockname()[1]
        with pytest.raises(SetupError) as failure:
            require_free(Port("TOCSIN_GATEWAY_PORT", number))
    assert f"Port {number} is taken by" in failure.value.sentence
    assert f"(pid {os.getpid()})" in failure.value.sentence
    assert "TOCSIN_GATEWAY_PORT" in failure.value.sentence


def test_a_free_port_is_free() -> None:
    with socket.create_server((HOST, 0)) as holder:
        number = holder.getsockname()[1]
    require_free(Port("TOCSIN_GATEWAY_PORT", number))
