"""Reads each integration of a receiver: where it leads, how it looks, how its channel is built."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import getaddresses
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from alert_contracts.config import (
    EmailConfig,
    HttpConfig,
    PagerDutyConfig,
    Receiver,
    SlackConfig,
    WebhookConfig,
)
from notification_service.adapters.channel import ChannelPort, HttpPost, Sessions
from notification_service.adapters.email import EmailChannel, Mailbox
from notification_service.adapters.pagerduty import PagerDutyChannel
from notification_service.adapters.slack import SlackChannel
from notification_service.adapters.webhook import WebhookChannel
from notification_service.domain.directory import Channel
from service_runtime.errors import StartupError

_Section = SlackConfig | PagerDutyConfig | EmailConfig | WebhookConfig
_SLACK_OPTIONS: Final = ("channel", "username", "icon_emoji", "icon_url")
_SLACK_TEXTS: Final = ("title", "title_link", "text", "pretext", "footer", "color")
_PAGERDUTY_TEXTS: Final = ("client", "client_url", "severity", "source", "component", "group")


@dataclass(frozen=True, slots=True)
class Tools:
    """What channels are built with. `timeout` is in seconds, `clock` gives epoch ms."""

    sessions: Sessions
    timeout: float
    webhook_secret: bytes
    clock: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One integration, read: its address is secret, its host may be shown."""

    receiver: str
    integration: str
    channel: Channel
    address: str
    host: str
    send_resolved: bool
    overrides: Mapping[str, str]
    build: Callable[[Tools], ChannelPort]


def read_receiver(receiver: Receiver) -> list[Entry]:
    """Return the receiver's integrations.

    Raises:
        StartupError: a file of a secret cannot be read, or a mail has no address.
    """
    name = receiver.name
    return [
        *(_slack(name, i, one) for i, one in enumerate(receiver.slack_configs)),
        *(_pagerduty(name, i, one) for i, one in enumerate(receiver.pagerduty_configs)),
        *(_email(name, i, one) for i, one in enumerate(receiver.email_configs)),
        *(_webhook(name, i, one) for i, one in enumerate(receiver.webhook_configs)),
    ]


def _texts(section: _Section, names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name in names if (value := getattr(section, name))}


def _slack(receiver: str, index: int, section: SlackConfig) -> Entry:
    url = secret(section.api_url, section.api_url_file)
    texts = _texts(section, _SLACK_TEXTS)
    options = _texts(section, _SLACK_OPTIONS)
    return Entry(
        receiver=receiver,
        integration=f"slack[{index}]",
        channel=Channel.SLACK,
        address=url,
        host=_host(url),
        send_resolved=section.send_resolved,
        overrides=texts,
        build=lambda tools: SlackChannel(_post(tools, url, section), options),
    )


def _pagerduty(receiver: str, index: int, section: PagerDutyConfig) -> Entry:
    key = secret(
        section.routing_key or section.service_key,
        section.routing_key_file or section.service_key_file,
    )
    url = secret(section.url, None)
    texts = _texts(section, _PAGERDUTY_TEXTS)
    if section.class_:
        texts["class"] = section.class_
    if section.description:
        texts["title"] = section.description
    texts.update({f"details.{name}": value for name, value in section.details.items()})
    return Entry(
        receiver=receiver,
        integration=f"pagerduty[{index}]",
        channel=Channel.PAGERDUTY,
        address=f"{url} {key}",
        host=_host(url),
        send_resolved=section.send_resolved,
        overrides=texts,
        build=lambda tools: PagerDutyChannel(_post(tools, url, section), key),
    )


def _email(receiver: str, index: int, section: EmailConfig) -> Entry:
    smarthost = section.smarthost or ""
    host, _, port = smarthost.rpartition(":")
    headers = {name: text for name, text in section.headers.items() if name.lower() != "subject"}
    subject = next((v for k, v in section.headers.items() if k.lower() == "subject"), "")
    texts = {**_texts(section, ("html", "text")), **({"subject": subject} if subject else {})}
    box = Mailbox(
        host=host.strip("[]"),
        port=int(port),
        sender=section.from_ or "",
        recipients=section.to,
        hello=section.hello or "localhost",
        username=section.auth_username or "",
        password=secret(section.auth_password, section.auth_password_file),
        require_tls=section.require_tls is not False,
        headers=headers,
    )
    if not any(address for _, address in getaddresses([section.to])):
        message = f"receiver {receiver}: email to {section.to!r} names no address"
        raise StartupError(message)
    return Entry(
        receiver=receiver,
        integration=f"email[{index}]",
        channel=Channel.EMAIL,
        address=f"{smarthost} {box.username}",
        host=box.host,
        send_resolved=section.send_resolved,
        overrides=texts,
        build=lambda tools: EmailChannel(
            box,
            timeout=tools.timeout,
            allow_private=tools.sessions.private_hosts.permits(box.host, box.port),
        ),
    )


def _webhook(receiver: str, index: int, section: WebhookConfig) -> Entry:
    url = secret(section.url, section.url_file)

    def build(tools: Tools) -> ChannelPort:
        return WebhookChannel(
            _post(tools, url, section),
            max_alerts=section.max_alerts,
            secret=tools.webhook_secret,
            clock=tools.clock,
        )

    return Entry(
        receiver=receiver,
        integration=f"webhook[{index}]",
        channel=Channel.WEBHOOK,
        address=url,
        host=_host(url),
        send_resolved=section.send_resolved,
        overrides={},
        build=build,
    )


def _post(
    tools: Tools, url: str, section: SlackConfig | PagerDutyConfig | WebhookConfig
) -> HttpPost:
    own = section.timeout.total_seconds() if section.timeout else tools.timeout
    headers = credentials(section.http_config)
    return HttpPost(tools.sessions.to(url), url, timeout=own, headers=headers)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def secret(value: SecretStr | None, path: str | None) -> str:
    """Return a secret that stands in the configuration or in a file; empty without either.

    Raises:
        StartupError: the file cannot be read; the message names it.
    """
    if value is not None:
        return value.get_secret_value()
    if path is None:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        message = f"cannot read the secret in {path}: {exc}"
        raise StartupError(message) from exc


def credentials(http: HttpConfig | None) -> dict[str, str]:
    """Return the Authorization header that a section asks for."""
    if http is None:
        return {}
    if http.basic_auth is not None:
        password = secret(http.basic_auth.password, http.basic_auth.password_file)
        pair = f"{http.basic_auth.username}:{password}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    if http.authorization is not None:
        own = http.authorization
        return {"Authorization": f"{own.type} {secret(own.credentials, own.credentials_file)}"}
    token = secret(http.bearer_token, http.bearer_token_file)
    return {"Authorization": f"Bearer {token}"} if token else {}
