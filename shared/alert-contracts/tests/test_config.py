"""The alerting configuration: Alertmanager's files load, wrong ones say everything at once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_contracts.config import MAX_DEPTH, Config, ConfigError, parse_config

yaml = pytest.importorskip("yaml")
SHIPPED = Path(__file__).parents[3] / "config" / "tocsin.yml"


def load(text: str, **environ: str) -> Config:
    return parse_config(yaml.safe_load(text), environ)


def errors(text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text, **environ)
    assert str(caught.value) == "\n".join(caught.value.errors)
    return list(caught.value.errors)


def secret(value: Any) -> str:  # noqa: ANN401 - a SecretStr or None
    return str(value.get_secret_value())


# After `doc/examples/simple.yml` of Alertmanager, with the sections of newer versions.
ALERTMANAGERS = """
global:
  resolve_timeout: 5m
  smtp_smarthost: 'localhost:25'
  smtp_from: 'alertmanager@example.org'
  smtp_auth_username: 'alertmanager'
  smtp_auth_password: 'password'
  smtp_require_tls: false
  slack_api_url: https://hooks.slack.com/services/T/B/X
  opsgenie_api_key: unused
  http_config: {follow_redirects: true, tls_config: {insecure_skip_verify: false}}
templates: ['/etc/alertmanager/template/*.tmpl']
time_intervals:
  - name: offhours
    time_intervals: [{times: [{start_time: '17:00', end_time: '24:00'}]}]
route:
  group_by: ['alertname', 'cluster', 'service']
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 3h
  receiver: team-X-mails
  routes:
    - match_re: {service: ^(foo1|foo2|baz)$}
      receiver: team-X-mails
      routes: [{match: {severity: critical}, receiver: team-X-pager}]
    - matchers: [service="files", {MATCHER}]
      receiver: team-Y-mails
      mute_time_intervals: [offhours]
      continue: true
    - matchers: ['{team="db", severity=~"critical|high"}']
      group_by: ['...']
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [alertname]
receivers:
  - name: team-X-mails
    email_configs:
      - to: team-X+alerts@example.org, team-Y+alerts@example.org
        headers: {Subject: hi}
        tls_config: {insecure_skip_verify: true}
  - name: team-X-pager
    pagerduty_configs:
      - service_key: 0123456789abcdef0123456789abcdef
        details: {firing: '{{ x }}', count: 3}
        images: []
  - name: team-Y-mails
    slack_configs:
      - channel: '#team-y'
        fields: [{title: a, value: b}]
    webhook_configs:
      - url: http://example.org/hook?token=x
        max_alerts: 10
        timeout: 10s
        http_config:
          authorization: {credentials_file: /run/secrets/hook}
  - name: nobody
""".replace("{MATCHER}", "'owner!~\"x\"'")


def test_an_existing_alertmanager_file_loads_as_it_is() -> None:
    config = load(ALERTMANAGERS)
    assert list(config.by_name) == ["team-X-mails", "team-X-pager", "team-Y-mails", "nobody"]
    files = config.route.routes[1]
    assert [str(matcher) for matcher in files.conditions] == ['service="files"', 'owner!~"x"']
    assert files.continue_
    assert config.route.repeat_interval == timedelta(hours=3)
    assert config.by_name["team-X-pager"].pagerduty_configs[0].details["count"] == "3"


def test_what_has_no_effect_is_named() -> None:
    assert set(load(ALERTMANAGERS).without_effect) == {
        "inhibit_rules",
        "time_intervals",
        "templates",
        "global.resolve_timeout",
        "global.opsgenie_api_key",
        "global.http_config.follow_redirects",
        "global.http_config.tls_config",
        "receivers[0].email_configs[0].tls_config",
        "receivers[1].pagerduty_configs[0].images",
        "receivers[2].slack_configs[0].fields",
        "route.group_by",
        "route.group_wait",
        "route.group_interval",
        "route.repeat_interval",
        "route.routes[1].mute_time_intervals",
        "route.routes[2].group_by",
    }


def test_integrations_inherit_the_global_defaults() -> None:
    config = load(ALERTMANAGERS)
    (mail,) = config.by_name["team-X-mails"].email_configs
    assert (mail.from_, mail.smarthost) == ("alertmanager@example.org", "localhost:25")
    assert (mail.auth_username, secret(mail.auth_password)) == ("alertmanager", "password")
    assert mail.require_tls is False
    (slack,) = config.by_name["team-Y-mails"].slack_configs
    assert secret(slack.api_url) == "https://hooks.slack.com/services/T/B/X"
    (pager,) = config.by_name["team-X-pager"].pagerduty_configs
    assert secret(pager.url) == "https://events.pagerduty.com/v2/enqueue"
    assert (pager.send_resolved, slack.send_resolved) == (True, False)


def test_what_an_integration_says_itself_wins() -> None:
    config = load("""
global: {slack_api_url_file: /g, smtp_auth_password_file: /g, http_config: {bearer_token: g}}
route: {receiver: a}
receivers:
  - name: a
    slack_configs:
      - {api_url: "http://own", http_config: {basic_auth: {username: u, password: p}}}
      - {channel: x}
    email_configs: [{to: x, from: f, smarthost: "h:1", auth_password: own, require_tls: true}]
    webhook_configs: [{url_file: /own}]
""")
    (receiver,) = config.receivers
    own, inherited = receiver.slack_configs
    assert own.api_url_file is None
    assert own.http_config is not None
    assert own.http_config.basic_auth is not None
    assert inherited.api_url is None
    assert inherited.api_url_file == "/g"
    assert receiver.webhook_configs[0].http_config == inherited.http_config
    (mail,) = receiver.email_configs
    assert mail.auth_password_file is None
    assert mail.require_tls is True


def test_secrets_do_not_show() -> None:
    shown = repr(load(ALERTMANAGERS))
    for text in ("password'", "0123456789abcdef", "hooks.slack.com", "token=x"):
        assert text not in shown


def test_the_shipped_file_sends_everything_to_slack_and_critical_alerts_to_pagerduty_too() -> None:
    config = load(SHIPPED.read_text())
    assert config.without_effect == ()
    assert config.by_name["pagerduty"].fallback == ("email", "slack")
    (slack,) = config.by_name["slack"].slack_configs
    assert secret(slack.api_url) == "http://127.0.0.1:8090/slack/T000/B000/demo"
    moved = load(SHIPPED.read_text(), TOCSIN_SINK_URL="http://sink:1", TOCSIN_SINK_SMTP="sink:2")
    assert secret(moved.by_name["slack"].slack_configs[0].api_url).startswith("http://sink:1/")
    assert moved.by_name["email"].email_configs[0].smarthost == "sink:2"


def test_every_error_comes_at_once_behind_its_path() -> None:
    lacking = "opsgenie_configs (receivers[0]), msteams_configs (receivers[1])"
    assert errors("""
global: {slack_api_url: "ftp://x", colour: red, smtp_smarthost: nowhere}
route:
  receiver: a
  group_wait: soon
  routes: [{matchers: ["x=1", "y=~("]}, {match_re: {z: "["}}]
receivers:
  - {name: a, opsgenie_configs: [{}], slack_configs: [{api_url: "${UNSET}"}]}
  - {name: b, msteams_configs: [{}], email_configs: [{}], colour: red}
""") == [
        "receivers[0].slack_configs[0].api_url: the environment variable UNSET is not set",
        f"receivers: we lack these integrations: {lacking}",
        "global.slack_api_url: must be an http or https URL",
        "global.smtp_smarthost: must be host:port",
        "global.colour: unknown name",
        "route.group_wait: 'soon' is no duration such as 90s, 5m or 1h30m",
        "route.routes[0].matchers[1]: '(' is no RE2 regular expression: missing ): (",
        "route.routes[1]: '[' is no RE2 regular expression: missing ]: [",
        "receivers[0].slack_configs[0].api_url: must be an http or https URL",
        "receivers[1].email_configs[0].to: is required",
        "receivers[1].colour: unknown name",
    ]


def test_what_only_the_whole_shows_comes_at_once_too() -> None:
    assert errors("""
route:
  matchers: [a=b]
  continue: true
  routes: [{receiver: nobody}, {routes: [{receiver: no one}]}]
receivers:
  - {name: a, slack_configs: [{channel: x}], fallback: [b, zed]}
  - {name: b, fallback: [c], pagerduty_configs: [{routing_key: x, service_key: y}]}
  - {name: c, fallback: [a], email_configs: [{to: x}], webhook_configs: [{}]}
  - {name: d, fallback: [d]}
  - {name: d}
""") == [
        "route.receiver: the root of the tree needs one",
        "route: the root matches everything, so it takes no matchers",
        "route.continue: the root has no siblings to continue with",
        "route.routes[0].receiver: there is no receiver 'nobody'",
        "route.routes[1].routes[0].receiver: there is no receiver 'no one'",
        "receivers[0].fallback[1]: there is no receiver 'zed'",
        "receivers[0].slack_configs[0].api_url: is required, or api_url_file",
        "receivers[1].pagerduty_configs[0]: give one of routing_key, service_key",
        "receivers[2].webhook_configs[0].url: is required, or url_file",
        "receivers[2].email_configs[0].from: is required, here or as global smtp_from",
        "receivers[2].email_configs[0].smarthost: is required, here or as global smtp_smarthost",
        "receivers[4].name: 'd' is there twice",
        "receivers[0].fallback: leads back to 'a'",
        "receivers[1].fallback: leads back to 'b'",
        "receivers[2].fallback: leads back to 'c'",
    ]


def test_a_request_identifies_itself_in_one_way() -> None:
    (error,) = errors("""
route: {receiver: a}
receivers:
  - name: a
    webhook_configs:
      - {url: "http://x", http_config: {bearer_token: x, basic_auth: {username: u}}}
""")
    assert error == (
        "receivers[0].webhook_configs[0].http_config: give one of basic_auth, bearer_token"
    )


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (None, "the document must be a mapping with route and receivers"),
        ([], "the document must be a mapping with route and receivers"),
        ({}, "route: is required"),
        ({"route": {"receiver": "a"}, "receivers": []}, "receivers: at least one is needed"),
        ({"route": {}, "receivers": [1]}, "receivers[0]: Input should be a valid dictionary"),
        ({"route": 1, "receivers": {}}, "route: Input should be a valid dictionary"),
        ({"global": 1}, "global: Input should be a valid dictionary"),
    ],
)
def test_any_other_document_is_refused(document: object, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(document)
    assert any(one.startswith(error) for one in caught.value.errors), caught.value.errors


def test_nobody_can_claim_what_has_no_effect() -> None:
    text = "route: {receiver: a}\nreceivers: [{name: a}]\nwithout_effect: [x]"
    assert errors(text) == ["without_effect: unknown name"]


def test_a_document_without_end_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["route"] = endless
    with pytest.raises(ConfigError, match=f"deeper than {MAX_DEPTH}"):
        parse_config(endless)


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        ("${A}", {"A": "x"}, "x"),
        ("a-${A}-${B:-y}", {"A": "x"}, "a-x-y"),
        ("${A:-y}", {"A": ""}, "y"),
        ("${A:-}", {}, ""),
        ("$${A} $A ${1}", {}, "${A} $A ${1}"),
    ],
)
def test_values_may_name_environment_variables(
    text: str, environ: dict[str, str], expected: str
) -> None:
    document = {
        "route": {"receiver": "a", "routes": [{"match": {"x": text}}]},
        "receivers": [{"name": "a"}],
    }
    assert parse_config(document, environ).route.routes[0].match["x"] == expected


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("global", "route", "receivers", "routes", "matchers", "match", "name"),
                    *(
                        "receiver",
                        "slack_configs",
                        "opsgenie_configs",
                        "http_config",
                        "fallback",
                        "x",
                    ),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(document=_JSON)
def test_no_document_does_anything_but_load_or_be_refused(document: object) -> None:
    try:
        parse_config(document)
    except ConfigError as refusal:
        message = str(refusal)
    else:
        message = "loaded"
    assert message
