"""What receivers must be when the whole document is known: complete, and without cycles."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

from alert_contracts.config_schema import (
    Config,
    EmailConfig,
    Global,
    PagerDutyConfig,
    Receiver,
    SlackConfig,
    WebhookConfig,
)

S = TypeVar("S", SlackConfig, PagerDutyConfig, EmailConfig, WebhookConfig)
_SLACK: Final = ("api_url", "api_url_file")
_PAGERDUTY: Final = ("routing_key", "routing_key_file", "service_key", "service_key_file")
_WEBHOOK: Final = ("url", "url_file")


def inherit(config: Config) -> tuple[Receiver, ...]:
    """Return the receivers with the global defaults filled into every integration."""
    defaults = config.global_
    return tuple(
        receiver.model_copy(
            update={
                "slack_configs": tuple(_slack(one, defaults) for one in receiver.slack_configs),
                "pagerduty_configs": tuple(
                    _fill(one, {"url": defaults.pagerduty_url, "http_config": defaults.http_config})
                    for one in receiver.pagerduty_configs
                ),
                "email_configs": tuple(_email(one, defaults) for one in receiver.email_configs),
                "webhook_configs": tuple(
                    _fill(one, {"http_config": defaults.http_config})
                    for one in receiver.webhook_configs
                ),
            }
        )
        for receiver in config.receivers
    )


def _fill(section: S, defaults: Mapping[str, Any]) -> S:
    missing = {name: value for name, value in defaults.items() if getattr(section, name) is None}
    return section.model_copy(update=missing)


def _slack(slack: SlackConfig, defaults: Global) -> SlackConfig:
    inherited: dict[str, Any] = {"http_config": defaults.http_config}
    if slack.api_url is None and slack.api_url_file is None:
        inherited["api_url"] = defaults.slack_api_url
        inherited["api_url_file"] = defaults.slack_api_url_file
    return _fill(slack, inherited)


def _email(email: EmailConfig, defaults: Global) -> EmailConfig:
    inherited: dict[str, Any] = {
        "from_": defaults.smtp_from,
        "smarthost": defaults.smtp_smarthost,
        "hello": defaults.smtp_hello,
        "require_tls": defaults.smtp_require_tls,
        "auth_username": defaults.smtp_auth_username,
    }
    if email.auth_password is None and email.auth_password_file is None:
        inherited["auth_password"] = defaults.smtp_auth_password
        inherited["auth_password_file"] = defaults.smtp_auth_password_file
    return _fill(email, inherited)


def check(receivers: tuple[Receiver, ...]) -> Iterator[str]:
    """Give every error of receivers that have their defaults filled in, behind its path."""
    if not receivers:
        yield "receivers: at least one is needed"
    names = [receiver.name for receiver in receivers]
    for index, receiver in enumerate(receivers):
        path = f"receivers[{index}]"
        if names.index(receiver.name) != index:
            yield f"{path}.name: {receiver.name!r} is there twice"
        for place, name in enumerate(receiver.fallback):
            if name not in names:
                yield f"{path}.fallback[{place}]: there is no receiver {name!r}"
        yield from _check_integrations(path, receiver)
    yield from _check_cycles({receiver.name: receiver.fallback for receiver in receivers})


def _check_integrations(path: str, receiver: Receiver) -> Iterator[str]:
    for index, slack in enumerate(receiver.slack_configs):
        yield from _one_of(f"{path}.slack_configs[{index}]", slack, _SLACK)
    for index, pager in enumerate(receiver.pagerduty_configs):
        yield from _one_of(f"{path}.pagerduty_configs[{index}]", pager, _PAGERDUTY)
    for index, webhook in enumerate(receiver.webhook_configs):
        yield from _one_of(f"{path}.webhook_configs[{index}]", webhook, _WEBHOOK)
    for index, email in enumerate(receiver.email_configs):
        where = f"{path}.email_configs[{index}]"
        if email.from_ is None:
            yield f"{where}.from: is required, here or as global smtp_from"
        if email.smarthost is None:
            yield f"{where}.smarthost: is required, here or as global smtp_smarthost"


def _one_of(path: str, section: S, names: tuple[str, ...]) -> Iterator[str]:
    given = [name for name in names if getattr(section, name) is not None]
    if len(given) > 1:
        yield f"{path}: give one of {', '.join(given)}"
    if not given:
        yield f"{path}.{names[0]}: is required, or {', '.join(names[1:])}"


def _check_cycles(fallback: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Give one error for each receiver from which its own fallbacks lead back to it."""
    for index, start in enumerate(fallback):
        seen: set[str] = set()
        ahead = list(fallback[start])
        while ahead:
            name = ahead.pop()
            if name not in seen:
                seen.add(name)
                ahead += fallback.get(name, ())
        if start in seen:
            yield f"receivers[{index}].fallback: leads back to {start!r}"
