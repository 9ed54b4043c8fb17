"""Who can be told, and through what: receivers, their integrations, and who takes over."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Channel(StrEnum):
    """A kind of third party."""

    SLACK = "slack"
    PAGERDUTY = "pagerduty"
    EMAIL = "email"
    WEBHOOK = "webhook"
    NONE = "none"  # of a receiver that the configuration lacks


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One integration of one receiver: a place where a message can be put."""

    receiver: str
    integration: str
    """Channel and position, such as `slack[0]`."""
    channel: Channel
    destination: str
    """The name under which failures are counted; integrations with one address share it."""
    send_resolved: bool = True

    @property
    def name(self) -> str:
        """The endpoint's name, unique in a configuration."""
        return f"{self.receiver}/{self.integration}"


@dataclass(frozen=True, slots=True)
class Directory:
    """Every receiver of the configuration, under its name."""

    receivers: Mapping[str, tuple[Endpoint, ...]]
    fallbacks: Mapping[str, tuple[str, ...]]

    def endpoint(self, receiver: str, integration: str) -> Endpoint | None:
        """Return the endpoint, or None if the configuration has it no more."""
        endpoints = self.receivers.get(receiver, ())
        return next((one for one in endpoints if one.integration == integration), None)

    def endpoints(self) -> list[Endpoint]:
        """Return every endpoint, in the order of the configuration."""
        return [endpoint for several in self.receivers.values() for endpoint in several]


class Address(NamedTuple):
    """An endpoint before destinations have names: `address` is secret and never shown."""

    receiver: str
    integration: str
    channel: Channel
    address: str


def name_destinations(addresses: list[Address]) -> dict[tuple[str, str], str]:
    """Return the destination's name for each (receiver, integration).

    Integrations with the same address share a destination. Where a channel has one destination,
    that is the channel's plain name; otherwise `slack:<receiver>`, with the position behind it
    where the receiver has several.
    """
    by_channel: dict[Channel, dict[str, list[Address]]] = {}
    for one in addresses:
        by_channel.setdefault(one.channel, {}).setdefault(one.address, []).append(one)
    names: dict[tuple[str, str], str] = {}
    for channel, groups in by_channel.items():
        firsts = [group[0].receiver for group in groups.values()]
        for group in groups.values():
            name = channel.value
            if len(groups) > 1:
                first = group[0]
                place = first.integration.removeprefix(channel.value)
                several = firsts.count(first.receiver) > 1
                name = f"{channel.value}:{first.receiver}{place if several else ''}"
            names.update({(one.receiver, one.integration): name for one in group})
    return names
