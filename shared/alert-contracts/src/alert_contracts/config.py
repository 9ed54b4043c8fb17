"""The alerting configuration: Alertmanager's YAML, read by the alert manager and the notifier.

An existing Alertmanager file loads as it is. What we cannot do is never hidden: integrations that
we lack are one error; sections and options that have no effect here are listed in
`Config.without_effect`. Values may name environment variables: `${NAME}`, `${NAME:-default}`
(`$${` writes a literal `${`). Secrets are `SecretStr`, or a `*_file` that is read when needed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from alert_contracts import config_receivers
from alert_contracts.config_schema import (
    Authorization,
    BasicAuth,
    Config,
    EmailConfig,
    Global,
    HttpConfig,
    PagerDutyConfig,
    Receiver,
    Route,
    SlackConfig,
    WebhookConfig,
)
from alert_contracts.matchers import Matcher

__all__ = [
    "Authorization",
    "BasicAuth",
    "Config",
    "ConfigError",
    "EmailConfig",
    "Global",
    "HttpConfig",
    "Matcher",
    "PagerDutyConfig",
    "Receiver",
    "Route",
    "SlackConfig",
    "WebhookConfig",
    "parse_config",
]

MAX_DEPTH: Final = 64
_VARIABLE: Final = re.compile(r"(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_INTEGRATIONS: Final = ("slack_configs", "pagerduty_configs", "email_configs", "webhook_configs")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LACKING: Final = frozenset(
    name + "_configs"
    for name in _names(
        "discord incidentio jira mattermost msteams msteamsv2 opsgenie pushover rocketchat "
        "sns telegram victorops webex wechat"
    )
)
_TLS: Final = frozenset({"tls_config"})
_WITHOUT_EFFECT: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "": _names(
            "inhibit_rules time_intervals mute_time_intervals templates tracing "
            "tracing_config event_recorder"
        ),
        "global": _TLS
        | _names(
            "resolve_timeout smtp_auth_secret smtp_auth_secret_file smtp_auth_identity "
            "smtp_tls_config smtp_force_implicit_tls slack_app_token slack_app_token_file "
            "slack_app_url opsgenie_api_url opsgenie_api_key opsgenie_api_key_file wechat_api_url "
            "wechat_api_secret wechat_api_secret_file wechat_api_corp_id victorops_api_url "
            "victorops_api_key victorops_api_key_file telegram_api_url telegram_bot_token "
            "telegram_bot_token_file webex_api_url rocketchat_api_url rocketchat_token "
            "rocketchat_token_file rocketchat_token_id rocketchat_token_id_file jira_api_url "
            "mattermost_webhook_url mattermost_webhook_url_file"
        ),
        "route": frozenset({"mute_time_intervals", "active_time_intervals"}),
        "http_config": _TLS
        | _names(
            "oauth2 proxy_url no_proxy proxy_from_environment proxy_connect_header "
            "follow_redirects enable_http2 http_headers"
        ),
        "slack_configs": _names(
            "app_token app_token_file app_url fields short_fields fallback callback_id "
            "image_url thumb_url link_names mrkdwn_in actions message_text update_message"
        ),
        "pagerduty_configs": frozenset({"images", "links"}),
        "email_configs": _TLS
        | _names("auth_secret auth_secret_file auth_identity force_implicit_tls threading"),
        "webhook_configs": frozenset({"payload"}),
    }
)
_ROUTE_SETTINGS: Final = ("group_by", "group_wait", "group_interval", "repeat_interval")
Path = tuple[str | int, ...]


class ConfigError(Exception):
    """The document is refused; `errors` holds every reason, each behind its path."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = tuple(errors)


def parse_config(document: object, environ: Mapping[str, str] = MappingProxyType({})) -> Config:
    """Return the configuration that a YAML document, already loaded, describes.

    `environ` gives the values of `${NAME}`. Nothing is read from disk: `*_file` stays a path.

    Raises:
        ConfigError: with every error of the document at once, each behind its path.
    """
    errors: list[str] = []
    expanded = _expand(document, environ, (), errors)
    if not isinstance(expanded, dict):
        raise ConfigError(errors or ["the document must be a mapping with route and receivers"])
    if expanded.pop("without_effect", None) is not None:
        errors.append("without_effect: unknown name")
    ignored, lacking = _set_aside(expanded)
    errors += lacking
    try:
        parsed = Config.model_validate(expanded)
    except ValidationError as exc:
        raise ConfigError([*errors, *map(_explain, exc.errors())]) from None
    receivers = config_receivers.inherit(parsed)
    errors += [*_check_routes(parsed), *config_receivers.check(receivers)]
    if errors:
        raise ConfigError(errors)
    without = (*ignored, *_settings_without_effect(parsed))
    return parsed.model_copy(update={"receivers": receivers, "without_effect": without})


def _text(path: Path) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def _explain(error: ErrorDetails) -> str:
    reason = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        reason = "unknown name"
    elif error["type"] == "missing":
        reason = "is required"
    return f"{_text(error['loc']) or 'document'}: {reason}"


def _expand(value: object, environ: Mapping[str, str], path: Path, errors: list[str]) -> object:
    """Return a copy with variables replaced; YAML's nulls are left out of mappings."""
    if len(path) > MAX_DEPTH:
        msg = f"the document is nested deeper than {MAX_DEPTH}"
        raise ConfigError([msg])
    if isinstance(value, dict):
        return {
            str(name): _expand(part, environ, (*path, str(name)), errors)
            for name, part in value.items()
            if part is not None
        }
    if isinstance(value, list):
        return [_expand(part, environ, (*path, i), errors) for i, part in enumerate(value)]
    return _expand_text(value, environ, path, errors) if isinstance(value, str) else value


def _expand_text(text: str, environ: Mapping[str, str], path: Path, errors: list[str]) -> str:
    def replace(match: re.Match[str]) -> str:
        escape, name, default = match.groups()
        if escape:
            return match[0][1:]
        if name not in environ and default is None:
            errors.append(f"{_text(path)}: the environment variable {name} is not set")
        return environ.get(name) or default or ""

    return _VARIABLE.sub(replace, text)


def _sections(document: dict[str, Any]) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Give every mapping of the document whose names are ours to judge, with its kind."""
    yield "", (), document
    yield from _with_http("global", ("global",), document.get("global"))
    yield from _routes(("route",), document.get("route"))
    for index, receiver in _items(document.get("receivers")):
        for kind in _INTEGRATIONS:
            for place, integration in _items(receiver.get(kind)):
                yield from _with_http(kind, ("receivers", index, kind, place), integration)


def _items(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield index, item


def _with_http(kind: str, path: Path, value: object) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    if isinstance(value, dict):
        yield kind, path, value
        if isinstance(value.get("http_config"), dict):
            yield "http_config", (*path, "http_config"), value["http_config"]


def _routes(path: Path, value: object) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    if isinstance(value, dict):
        yield "route", path, value
        for index, child in _items(value.get("routes")):
            yield from _routes((*path, "routes", index), child)


def _set_aside(document: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Remove what we know but do not do; return its paths, and the errors that it causes."""
    ignored: list[str] = []
    for kind, path, section in list(_sections(document)):
        for name in _WITHOUT_EFFECT[kind] & section.keys():
            del section[name]
            ignored.append(_text((*path, name)))
    lacking = [
        f"{name} (receivers[{index}])"
        for index, receiver in _items(document.get("receivers"))
        for name in sorted(_LACKING & receiver.keys())
        if receiver.pop(name)
    ]
    errors = ["receivers: we lack these integrations: " + ", ".join(lacking)] if lacking else []
    return sorted(ignored), errors


def _walk(path: Path, route: Route) -> Iterator[tuple[Path, Route]]:
    yield path, route
    for index, child in enumerate(route.routes):
        yield from _walk((*path, "routes", index), child)


def _check_routes(config: Config) -> Iterator[str]:
    if config.route.receiver is None:
        yield "route.receiver: the root of the tree needs one"
    if config.route.conditions:
        yield "route: the root matches everything, so it takes no matchers"
    if config.route.continue_:
        yield "route.continue: the root has no siblings to continue with"
    for path, route in _walk(("route",), config.route):
        if route.receiver is not None and route.receiver not in config.by_name:
            yield f"{_text(path)}.receiver: there is no receiver {route.receiver!r}"


def _settings_without_effect(config: Config) -> Iterator[str]:
    for path, route in _walk(("route",), config.route):
        for name in _ROUTE_SETTINGS:
            if getattr(route, name) is not None:
                yield f"{_text(path)}.{name}"
