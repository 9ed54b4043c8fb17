"""Signs of life, asked of servers that say what a test tells them to."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from native import probes
from native.ports import HOST

KAFKA_ANSWER = bytes.fromhex("0000000a00000001000000000000")
KAFKA_REFUSAL = bytes.fromhex("0000000a00000001002300000000")


@contextmanager
def server(answer: bytes) -> Iterator[int]:
    """Answer one connection so, then close it."""
    with closing(socket.create_server((HOST, 0))) as listener:
        thread = threading.Thread(target=_answer, args=(listener, answer))
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def _answer(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(answer)


@pytest.mark.parametrize(
    ("probe", "answer", "alive"),
    [
        (probes.kafka, KAFKA_ANSWER, True),
        (probes.kafka, KAFKA_REFUSAL, False),
        (probes.kafka, b"", False),
        (probes.redis, b"+PONG\r\n", True),
        (probes.redis, b"-LOADING Redis is loading\r\n", False),
        (probes.postgres, b"R\0\0\0\x08\0\0\0\x0a", True),
        (probes.postgres, b"E\0\0\0\x2aSFATAL\0C57P03\0", False),
    ],
)
def test_a_server_is_alive_when_it_answers_as_it_should(
    probe: Callable[[int], bool], answer: bytes, *, alive: bool
) -> None:
    with server(answer) as port:
        assert probe(port) is alive


def test_http_is_alive_on_200_only() -> None:
    with server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as port:
        assert probes.http_ok(port, "/health/ready")
    with server(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n") as port:
        assert not probes.http_ok(port, "/health/ready")


def test_nobody_there_is_not_alive() -> None:
    with closing(socket.create_server((HOST, 0))) as listener:
        port = listener.getsockname()[1]
    assert not probes.kafka(port)
    assert not probes.http_ok(port, "/")
