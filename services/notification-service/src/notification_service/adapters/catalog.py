"""The receivers of the alerting configuration, with the way to each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from alert_contracts.config import Config, ConfigError, parse_config
from notification_service.adapters.courier import Post
from notification_service.adapters.rendering import Renderer
from notification_service.adapters.sections import Entry, Tools, read_receiver
from notification_service.domain.directory import (
    Address,
    Directory,
    Endpoint,
    name_destinations,
)
from service_runtime.errors import StartupError

MAX_BYTES: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Catalog:
    """The receivers of a configuration, ready to be reached."""

    directory: Directory
    entries: Mapping[str, Entry]
    """Under the endpoint's name."""

    def posts(self, tools: Tools) -> dict[str, Post]:
        """Return the way to every endpoint."""
        return {
            name: Post(Renderer(entry.channel, entry.overrides), entry.build(tools))
            for name, entry in self.entries.items()
        }


def read_config(path: Path, environ: Mapping[str, str]) -> Config:
    """Return the configuration that a file describes.

    Raises:
        StartupError: it cannot be read, or is wrong; with every error.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as exc:
        message = f"cannot read the configuration {path}: {exc.strerror}"
        raise StartupError(message) from exc
    if len(raw) > MAX_BYTES:
        message = f"the configuration {path} is larger than {MAX_BYTES} bytes"
        raise StartupError(message)
    try:
        return parse_config(yaml.safe_load(raw), environ)
    except (ConfigError, yaml.YAMLError, RecursionError) as exc:
        message = f"the configuration {path} is wrong: {exc}"
        raise StartupError(message) from exc


def build_catalog(config: Config) -> Catalog:
    """Return every receiver's endpoints; secrets that files hold are read now.

    Raises:
        StartupError: a file of a secret cannot be read.
    """
    by_receiver = {receiver.name: read_receiver(receiver) for receiver in config.receivers}
    every = [entry for several in by_receiver.values() for entry in several]
    names = name_destinations(
        [Address(one.receiver, one.integration, one.channel, one.address) for one in every]
    )
    receivers = {
        name: tuple(
            Endpoint(
                receiver=name,
                integration=one.integration,
                channel=one.channel,
                destination=names[name, one.integration],
                send_resolved=one.send_resolved,
            )
            for one in several
        )
        for name, several in by_receiver.items()
    }
    fallbacks = {receiver.name: receiver.fallback for receiver in config.receivers}
    entries = {f"{one.receiver}/{one.integration}": one for one in every}
    return Catalog(Directory(receivers, fallbacks), entries)
