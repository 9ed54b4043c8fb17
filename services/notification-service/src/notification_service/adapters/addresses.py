"""Refuses to send into our own network, judged at the moment of connecting.

A name is resolved once, and the very address that is connected to is the one that was judged: a
name server that answers differently the second time gains nothing.
"""

import asyncio
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

AddressInfo = tuple[
    int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]
]


_NAT64: Final = IPv6Network("64:ff9b::/96")


class AddressRefusedError(OSError):
    """The address lies in a network that notifications must not reach."""


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the open internet."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed.sixtofour or _translated(parsed) or parsed
    return parsed.is_global and not parsed.is_multicast


def _translated(address: IPv6Address) -> IPv4Address | None:
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def guarded_socket(*, allow_private: bool) -> Callable[[AddressInfo], socket.socket]:
    """Return a factory of unconnected sockets that refuses addresses that are not public.

    The factory raises AddressRefusedError.
    """

    def create(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if not (allow_private or is_public(str(address[0]))):
            message = f"{address[0]} is private, and its host is not among the allowed ones"
            raise AddressRefusedError(message)
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)  # noqa: FBT003 - its only parameter
        return sock

    return create


async def connect(host: str, port: int, *, allow_private: bool) -> socket.socket:
    """Return a connected TCP socket.

    Raises:
        AddressRefusedError: an address of the host is not public.
        OSError: no address of the host took the connection; the last one's reason.
    """
    loop = asyncio.get_running_loop()
    create = guarded_socket(allow_private=allow_private)
    failure = OSError(f"{host} has no address")
    for info in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = create(info)
        try:
            await loop.sock_connect(sock, info[4])
        except OSError as exc:
            sock.close()
            failure = exc
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure
