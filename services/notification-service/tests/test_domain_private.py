"""The list of private hosts: what it lets through, and what is no list."""

import pytest

from notification_service.domain.private import PrivateHosts, parse_private_hosts

HOSTS = parse_private_hosts("sink:8090, Relay.Internal. [::1]:25,127.0.0.1:8025")


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("sink", 8090),
        ("SINK.", 8090),
        ("relay.internal", 25),
        ("relay.internal", 587),
        ("::1", 25),
        ("127.0.0.1", 8025),
    ],
)
def test_what_is_named_may_be_private(host: str, port: int) -> None:
    assert HOSTS.permits(host, port)


@pytest.mark.parametrize(
    ("host", "port"),
    [("sink", 8091), ("sink", None), ("sink.evil", 8090), ("127.0.0.1", 80), ("", 8090)],
)
def test_nothing_else_may(host: str, port: int | None) -> None:
    assert not HOSTS.permits(host, port)
    assert not PrivateHosts().permits(host, port)


def test_nothing_named_is_nobody() -> None:
    assert parse_private_hosts(" , ") == PrivateHosts()


@pytest.mark.parametrize(
    "entry",
    ["http://sink", "10.0.0.0/8", "*", "*.internal", "sink:0", "sink:65536", "sink:x", "::1"],
)
def test_what_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="neither a host nor"):
        parse_private_hosts(f"sink, {entry}")


@pytest.mark.parametrize("entry", ["[sink]", "[]", ":25", "-", "[::1"])
def test_what_only_looks_like_a_host_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="neither a host nor"):
        parse_private_hosts(entry)
