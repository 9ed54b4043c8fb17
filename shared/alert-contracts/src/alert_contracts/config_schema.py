"""The sections of the alerting configuration, as `alert_contracts.config` fills them in."""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from alert_contracts.matchers import Matcher, make_matcher, parse_duration, parse_matchers

_ADDRESS: Final = re.compile(r"(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}")


def _duration(value: object) -> object:
    return parse_duration(str(value)) if isinstance(value, str | int) else value


def _check_url(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = "must be an http or https URL"
        raise ValueError(msg)
    return url


def _check_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        msg = "must be host:port"
        raise ValueError(msg)
    return text


def _matchers(value: object) -> object:
    return parse_matchers(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
SecretUrl = Annotated[SecretStr, AfterValidator(_check_url)]
HostPort = Annotated[str, AfterValidator(_check_address)]


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        coerce_numbers_to_str=True,
        validate_by_name=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


class BasicAuth(_Section):
    username: str
    password: SecretStr | None = None
    password_file: str | None = None


class Authorization(_Section):
    type: str = "Bearer"
    credentials: SecretStr | None = None
    credentials_file: str | None = None


class HttpConfig(_Section):
    """How a request identifies us."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    bearer_token: SecretStr | None = None
    bearer_token_file: str | None = None

    @model_validator(mode="after")
    def _one_identity(self) -> Self:
        if len(self.model_fields_set) > 1:
            msg = "give one of " + ", ".join(sorted(self.model_fields_set))
            raise ValueError(msg)
        return self


class _Integration(_Section):
    http_config: HttpConfig | None = None
    timeout: Duration | None = None


class SlackConfig(_Integration):
    """An incoming webhook of Slack. Texts are Jinja2; absent ones get our defaults."""

    send_resolved: bool = False
    api_url: SecretUrl | None = None
    api_url_file: str | None = None
    channel: str | None = None
    username: str | None = None
    icon_emoji: str | None = None
    icon_url: str | None = None
    color: str | None = None
    title: str | None = None
    title_link: str | None = None
    pretext: str | None = None
    text: str | None = None
    footer: str | None = None


class PagerDutyConfig(_Integration):
    """PagerDuty's Events API v2."""

    send_resolved: bool = True
    routing_key: SecretStr | None = None
    routing_key_file: str | None = None
    service_key: SecretStr | None = None
    service_key_file: str | None = None
    url: SecretUrl | None = None
    client: str | None = None
    client_url: str | None = None
    description: str | None = None
    severity: str | None = None
    source: str | None = None
    class_: str | None = Field(default=None, alias="class")
    component: str | None = None
    group: str | None = None
    details: dict[str, str] = {}


class EmailConfig(_Section):
    """A mail over SMTP. `require_tls` means STARTTLS or nothing."""

    send_resolved: bool = False
    to: str = Field(min_length=1)
    from_: str | None = Field(default=None, alias="from")
    smarthost: HostPort | None = None
    hello: str | None = None
    auth_username: str | None = None
    auth_password: SecretStr | None = None
    auth_password_file: str | None = None
    require_tls: bool | None = None
    headers: dict[str, str] = {}
    html: str | None = None
    text: str | None = None


class WebhookConfig(_Integration):
    """Alertmanager's webhook, body version 4."""

    send_resolved: bool = True
    url: SecretUrl | None = None
    url_file: str | None = None
    max_alerts: int = Field(default=0, ge=0)


class Receiver(_Section):
    """Who is told: every integration is, each on its own."""

    name: str = Field(min_length=1)
    slack_configs: tuple[SlackConfig, ...] = ()
    pagerduty_configs: tuple[PagerDutyConfig, ...] = ()
    email_configs: tuple[EmailConfig, ...] = ()
    webhook_configs: tuple[WebhookConfig, ...] = ()
    fallback: tuple[str, ...] = ()
    """Receivers that take over, in this order, when an integration of this one cannot deliver."""


class Route(_Section):
    """A node of the tree; absent settings are the parent's."""

    receiver: str | None = None
    match: dict[str, str] = {}
    match_re: dict[str, str] = {}
    matchers: tuple[Annotated[tuple[Matcher, ...], BeforeValidator(_matchers)], ...] = ()
    continue_: bool = Field(default=False, alias="continue")
    group_by: tuple[str, ...] | None = None
    group_wait: Duration | None = None
    group_interval: Duration | None = None
    repeat_interval: Duration | None = None
    routes: tuple["Route", ...] = ()

    @model_validator(mode="after")
    def _compile(self) -> Self:
        _ = self.conditions
        return self

    @cached_property
    def conditions(self) -> tuple[Matcher, ...]:
        """All of them must hold, whichever notation they were written in."""
        equal = (make_matcher(name, "=", value) for name, value in self.match.items())
        regex = (make_matcher(name, "=~", value) for name, value in self.match_re.items())
        return (*equal, *regex, *(one for several in self.matchers for one in several))


class Global(_Section):
    """Defaults of every integration."""

    http_config: HttpConfig | None = None
    slack_api_url: SecretUrl | None = None
    slack_api_url_file: str | None = None
    pagerduty_url: SecretUrl = SecretStr("https://events.pagerduty.com/v2/enqueue")
    smtp_from: str | None = None
    smtp_smarthost: HostPort | None = None
    smtp_hello: str = "localhost"
    smtp_auth_username: str | None = None
    smtp_auth_password: SecretStr | None = None
    smtp_auth_password_file: str | None = None
    smtp_require_tls: bool = True


class Config(_Section):
    """The whole document, with the global defaults filled into every integration."""

    global_: Global = Field(default=Global(), alias="global")
    route: Route
    receivers: tuple[Receiver, ...]
    without_effect: tuple[str, ...] = ()
    """Paths of what was accepted but does nothing here."""

    @property
    def by_name(self) -> Mapping[str, Receiver]:
        """The receivers under their names."""
        return MappingProxyType({receiver.name: receiver for receiver in self.receivers})
