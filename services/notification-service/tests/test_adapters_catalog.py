"""From the configuration file to the endpoints, with every error in one sentence."""

from pathlib import Path

import pytest
import yaml

from notification_service.adapters.addresses import is_public
from notification_service.adapters.catalog import build_catalog, read_config
from notification_service.adapters.channel import open_sessions
from notification_service.adapters.email import EmailChannel
from notification_service.adapters.pagerduty import PagerDutyChannel
from notification_service.adapters.sections import Tools, credentials, secret
from notification_service.adapters.slack import SlackChannel
from notification_service.adapters.webhook import WebhookChannel
from notification_service.domain.private import PrivateHosts
from service_runtime.errors import StartupError

KEY = "0123456789abcdef0123456789abcdef"
DOCUMENT = {
    "global": {
        "slack_api_url": "https://hooks.example.com/T/B/secret",
        "smtp_smarthost": "mail.example.com:587",
        "smtp_from": "tocsin@example.com",
    },
    "route": {"receiver": "ops"},
    "receivers": [
        {
            "name": "ops",
            "slack_configs": [
                {"channel": "#ops", "title": "{{ first.name }}", "title_link": "https://x"}
            ],
            "email_configs": [{"to": "ops@example.com", "headers": {"Subject": "mine"}}],
            "fallback": ["pager"],
        },
        {
            "name": "pager",
            "pagerduty_configs": [{"service_key": KEY, "class": "db", "description": "boo"}],
            "webhook_configs": [{"url": "https://hooks.example.com/x", "timeout": "3s"}],
        },
    ],
}


def load(path: Path, document: object) -> Path:
    file = path / "tocsin.yml"
    file.write_text(yaml.safe_dump(document))
    return file


def test_every_integration_becomes_an_endpoint(tmp_path: Path) -> None:
    catalog = build_catalog(read_config(load(tmp_path, DOCUMENT), {}))
    assert [one.name for one in catalog.directory.endpoints()] == [
        "ops/slack[0]",
        "ops/email[0]",
        "pager/pagerduty[0]",
        "pager/webhook[0]",
    ]
    assert catalog.directory.fallbacks["ops"] == ("pager",)
    entry = catalog.entries["ops/slack[0]"]
    assert entry.host == "hooks.example.com"
    assert entry.overrides == {"title": "{{ first.name }}", "title_link": "https://x"}
    assert catalog.entries["ops/email[0]"].overrides == {"subject": "mine"}
    assert catalog.entries["pager/pagerduty[0]"].overrides == {"class": "db", "title": "boo"}


async def test_every_endpoint_has_a_channel(tmp_path: Path) -> None:
    catalog = build_catalog(read_config(load(tmp_path, DOCUMENT), {}))
    async with open_sessions(PrivateHosts()) as sessions:
        tools = Tools(sessions, 10.0, webhook_secret=b"", clock=lambda: 0)
        posts = catalog.posts(tools)
    assert [type(post.channel) for post in posts.values()] == [
        SlackChannel,
        EmailChannel,
        PagerDutyChannel,
        WebhookChannel,
    ]


def test_a_missing_or_wrong_configuration_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="cannot read the configuration"):
        read_config(tmp_path / "none.yml", {})
    for text in ("{", "[]", "a: &a [*a]", "route: {receiver: x}", "x" * 1_100_000):
        (tmp_path / "bad.yml").write_text(text)
        with pytest.raises(StartupError, match=r"is wrong|is larger"):
            read_config(tmp_path / "bad.yml", {})


def test_a_mail_to_nobody_stops_the_start(tmp_path: Path) -> None:
    section = {"to": "<>", "from": "a@example.com", "smarthost": "m:25"}
    document = {
        "route": {"receiver": "x"},
        "receivers": [{"name": "x", "email_configs": [section]}],
    }
    with pytest.raises(StartupError, match="names no address"):
        build_catalog(read_config(load(tmp_path, document), {}))


def test_secrets_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(" https://hooks.example.com/x \n")
    assert secret(None, str(tmp_path / "url")) == "https://hooks.example.com/x"
    assert secret(None, None) == ""
    with pytest.raises(StartupError, match="cannot read the secret"):
        secret(None, str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("http", "header"),
    [
        ({"basic_auth": {"username": "u", "password": "p"}}, "Basic dTpw"),
        ({"authorization": {"credentials": "abc"}}, "Bearer abc"),
        ({"authorization": {"type": "Token", "credentials": "abc"}}, "Token abc"),
        ({"bearer_token": "abc"}, "Bearer abc"),
    ],
    ids=["basic", "bearer", "other", "token"],
)
def test_http_sections_identify_us(tmp_path: Path, http: object, header: str) -> None:
    section = {"url": "https://x", "http_config": http}
    document = {
        "route": {"receiver": "x"},
        "receivers": [{"name": "x", "webhook_configs": [section]}],
    }
    config = read_config(load(tmp_path, document), {})
    (webhook,) = config.receivers[0].webhook_configs
    assert credentials(webhook.http_config) == {"Authorization": header}
    assert credentials(None) == {}


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - judged, not bound
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
    ],
)
def test_only_the_open_internet_is_public(address: str, public: bool) -> None:  # noqa: FBT001
    assert is_public(address) is public
