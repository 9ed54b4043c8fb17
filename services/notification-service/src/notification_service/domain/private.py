"""Which hosts of our own network notifications may reach: those that were named, and no other."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

_ENTRY: Final = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]{1,5}))?")
_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?")
_LAST_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class PrivateHosts:
    """Pairs of host and port; without a port, every port of the host."""

    pairs: frozenset[tuple[str, int | None]] = frozenset()

    def permits(self, host: str, port: int | None) -> bool:
        """Tell whether that host may have a private address. Case does not matter."""
        known = host.lower().removesuffix(".")
        return bool({(known, None), (known, port)} & self.pairs)


def parse_private_hosts(text: str) -> PrivateHosts:
    """Read `sink:8090, relay.internal, [::1]:25`, with commas or blanks between.

    Raises:
        ValueError: an entry is neither a host nor a host with a port; networks and patterns are
            not understood.
    """
    return PrivateHosts(frozenset(map(_pair, text.replace(",", " ").split())))


def _pair(entry: str) -> tuple[str, int | None]:
    found = _ENTRY.fullmatch(entry)
    port = int(found["port"]) if found and found["port"] else None
    host = _host(found["v6"], found["name"] or "") if found else ""
    if not host or not (port is None or 0 < port <= _LAST_PORT):
        message = f"{entry!r} is neither a host nor host:port"
        raise ValueError(message)
    return host, port


def _host(v6: str | None, name: str) -> str:
    if v6 is None:
        known = name.lower().removesuffix(".")
        return known if _NAME.fullmatch(known) else ""
    try:
        return str(ip_address(v6))
    except ValueError:
        return ""
