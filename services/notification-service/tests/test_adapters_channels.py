"""The HTTP channels over real sockets, with every answer that a third party may give."""

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
import pytest
from aiohttp import web

from notification_service.adapters.channel import (
    ChannelPort,
    HttpPost,
    Letter,
    check_status,
    open_session,
    open_sessions,
    seconds,
    shown,
)
from notification_service.adapters.pagerduty import PagerDutyChannel, dedup_key
from notification_service.adapters.rendering import Renderer
from notification_service.adapters.slack import SlackChannel, cut_section, payload
from notification_service.adapters.webhook import NOT_OVER, WebhookChannel, body
from notification_service.domain.directory import Channel
from notification_service.domain.outcome import Reason
from notification_service.domain.private import parse_private_hosts
from notification_service.ports import ChannelPermanentError, ChannelTemporaryError
from notification_service.testing import order

NOW = 1_800_000_000_000
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(status: int, text: str = "", **headers: str) -> Reply:
    async def reply(_request: web.Request) -> web.StreamResponse:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, headers=names)

    return reply


async def hang(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@dataclass(slots=True)
class ThirdParty:
    """A server that answers as told and keeps what it was sent."""

    url: str = ""
    reply: Reply = field(default_factory=lambda: answer(200, "ok"))
    requests: list[tuple[dict[str, str], Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((headers, json.loads(await request.read())))
        return await self.reply(request)


@pytest.fixture
async def party() -> AsyncIterator[ThirdParty]:
    server = ThirdParty()
    app = web.Application()
    app.router.add_post("/hook", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield server
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(allow_private=True) as opened:
        yield opened


def letter(channel: Channel = Channel.SLACK, **fields: Any) -> Letter:  # noqa: ANN401 - order's
    return Renderer(channel, {}).render(order(now=NOW, **fields), key="k-1", instead_of="", now=NOW)


def slack(session: aiohttp.ClientSession, url: str, limit: float = 5.0) -> ChannelPort:
    return SlackChannel(HttpPost(session, url, timeout=limit), {"channel": "#ops"})


async def failure(
    channel: ChannelPort, carried: Letter | None = None
) -> ChannelTemporaryError | ChannelPermanentError:
    with pytest.raises((ChannelTemporaryError, ChannelPermanentError)) as caught:
        await channel.send(carried or letter())
    assert isinstance(caught.value, ChannelTemporaryError | ChannelPermanentError)
    return caught.value


async def test_slack_gets_one_block_message_under_its_key(
    party: ThirdParty, session: aiohttp.ClientSession
) -> None:
    await slack(session, party.url).send(letter())
    ((headers, sent),) = party.requests
    assert headers["idempotency-key"] == "k-1"
    assert sent["channel"] == "#ops"
    assert "High Error Rate" in sent["text"]
    assert sent["attachments"][0]["color"] == "#b00020"


@pytest.mark.parametrize(
    ("reply", "reason", "lasting"),
    [
        (answer(200, "<html>It works!</html>"), Reason.BAD_ANSWER, False),
        (answer(500, "oops"), Reason.SERVER_ERROR, False),
        (answer(503), Reason.SERVER_ERROR, False),
        (answer(408), Reason.SERVER_ERROR, False),
        (answer(429, Retry_After="7"), Reason.RATE_LIMITED, False),
        (answer(400, "invalid_payload"), Reason.CLIENT_ERROR, True),
        (answer(404, "no_service"), Reason.CLIENT_ERROR, True),
        (answer(403, "action_prohibited"), Reason.AUTH_ERROR, True),
        (answer(302, Location="http://169.254.169.254/"), Reason.CLIENT_ERROR, True),
        (hang, Reason.TIMEOUT, False),
        (reset, Reason.CONNECTION, False),
    ],
    ids=["garbage", "500", "503", "408", "429", "400", "404", "403", "302", "timeout", "reset"],
)
async def test_every_answer_is_one_of_our_two_failures(
    party: ThirdParty,
    session: aiohttp.ClientSession,
    reply: Reply,
    reason: Reason,
    lasting: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    party.reply = reply
    limit = 0.3 if reason is Reason.TIMEOUT else 10
    error = await failure(slack(session, party.url, limit))
    assert error.reason is reason
    assert isinstance(error, ChannelPermanentError) is lasting
    assert party.url not in str(error)


async def test_a_rate_limit_says_how_long(
    party: ThirdParty, session: aiohttp.ClientSession
) -> None:
    party.reply = answer(429, Retry_After="7")
    error = await failure(slack(session, party.url))
    assert isinstance(error, ChannelTemporaryError)
    assert error.retry_after == 7.0


async def test_nobody_listening_may_change(session: aiohttp.ClientSession) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/secret-token"
        error = await failure(slack(session, url))
    assert error.reason is Reason.CONNECTION
    assert "secret-token" not in str(error)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254"])
async def test_private_addresses_are_refused_unless_they_are_allowed(host: str) -> None:
    async with open_session(allow_private=False) as session:
        error = await failure(slack(session, f"http://{host}:9/hook"))
    assert isinstance(error, ChannelPermanentError)
    assert error.reason is Reason.ADDRESS_REFUSED


async def test_only_the_hosts_that_were_named_may_be_private(party: ThirdParty) -> None:
    port = urlsplit(party.url).port
    async with open_sessions(parse_private_hosts(f"localhost, 127.0.0.1:{port}")) as sessions:

        def to(host: str) -> ChannelPort:
            url = f"http://{host}/hook"
            return SlackChannel(HttpPost(sessions.to(url), url, timeout=5.0), {})

        await to(f"127.0.0.1:{port}").send(letter())
        await to(f"LOCALHOST:{port}").send(letter())
        sent = len(party.requests)
        for host in (
            "127.0.0.1:9",
            f"127.0.0.2:{port}",
            f"127.1:{port}",
            f"[::ffff:127.0.0.1]:{port}",
        ):
            error = await failure(to(host))
            assert isinstance(error, ChannelPermanentError)
        assert len(party.requests) == sent
        assert sessions.to("http://[broken") is sessions.public


async def test_pagerduty_triggers_and_resolves_one_incident(
    party: ThirdParty, session: aiohttp.ClientSession
) -> None:
    party.reply = answer(202, "{}")
    channel = PagerDutyChannel(HttpPost(session, party.url, timeout=5), ROUTING_KEY)
    await channel.send(letter(Channel.PAGERDUTY))
    await channel.send(letter(Channel.PAGERDUTY, status="resolved"))
    (_, trigger), (_, resolve) = party.requests
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"] == "5a3b1e0000000000"
    assert trigger["payload"]["severity"] == "critical"
    assert trigger["payload"]["timestamp"] == "2027-01-15T07:58:00.000Z"
    assert [link["text"] for link in trigger["links"]] == ["Open the alert", "Runbook"]


async def test_pagerduty_must_accept_with_202(
    party: ThirdParty, session: aiohttp.ClientSession
) -> None:
    channel = PagerDutyChannel(HttpPost(session, party.url, timeout=5), ROUTING_KEY)
    assert (await failure(channel, letter(Channel.PAGERDUTY))).reason is Reason.BAD_ANSWER


async def test_pagerduty_takes_the_users_severity_and_details(
    party: ThirdParty, session: aiohttp.ClientSession
) -> None:
    party.reply = answer(202)
    own = {"severity": "warning", "details.team": "{{ groupLabels.service }}", "class": "db"}
    carried = Renderer(Channel.PAGERDUTY, own).render(order(), key="k", instead_of="", now=NOW)
    await PagerDutyChannel(HttpPost(session, party.url, timeout=5), ROUTING_KEY).send(carried)
    ((_, sent),) = party.requests
    assert (sent["payload"]["severity"], sent["payload"]["class"]) == ("warning", "db")
    assert sent["payload"]["custom_details"]["team"] == "payment-service"


async def test_an_event_that_is_too_long_for_pagerduty_loses_its_details(
    party: ThirdParty, session: aiohttp.ClientSession
) -> None:
    party.reply = answer(202)
    own = {f"details.{i}": "x" * 4_000 for i in range(130)}
    carried = Renderer(Channel.PAGERDUTY, own).render(order(), key="k", instead_of="", now=NOW)
    await PagerDutyChannel(HttpPost(session, party.url, timeout=5), ROUTING_KEY).send(carried)
    assert party.requests[0][1]["payload"]["custom_details"] == {"details": "left out: too long"}


def test_several_alerts_share_an_incident_of_their_group() -> None:
    one = order()
    other = msgspec.structs.replace(one.alerts[0], fingerprint="other")
    several = msgspec.structs.replace(one, alerts=[*one.alerts, other])
    assert len(dedup_key(several)) == 64


async def test_a_webhook_gets_alertmanagers_document_signed(
    party: ThirdParty, session: aiohttp.ClientSession
) -> None:
    post = HttpPost(session, party.url, timeout=5, headers={"Authorization": "Bearer x"})
    channel = WebhookChannel(post, max_alerts=0, secret=b"hush", clock=lambda: NOW)
    await channel.send(letter(Channel.WEBHOOK))
    ((headers, sent),) = party.requests
    assert (sent["version"], sent["receiver"], sent["status"]) == ("4", "slack", "firing")
    assert sent["alerts"][0]["endsAt"] == NOT_OVER
    assert headers["authorization"] == "Bearer x"
    at, _, mac = headers["x-tocsin-signature"].removeprefix("t=").partition(",v1=")
    content = msgspec.json.encode(body(order(now=NOW), max_alerts=0))
    expected = hmac.new(b"hush", at.encode() + b"." + content, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(mac, expected)


async def test_without_a_secret_nothing_is_signed(
    party: ThirdParty, session: aiohttp.ClientSession
) -> None:
    post = HttpPost(session, party.url, timeout=5)
    await WebhookChannel(post, max_alerts=0, secret=b"", clock=lambda: NOW).send(letter())
    assert "x-tocsin-signature" not in party.requests[0][0]


def test_a_webhook_counts_the_alerts_that_it_leaves_out() -> None:
    one = order(status="resolved", now=NOW)
    several = msgspec.structs.replace(one, alerts=one.alerts * 3)
    document = body(several, max_alerts=1)
    assert (len(document["alerts"]), document["truncatedAlerts"]) == (1, 2)
    assert document["alerts"][0]["endsAt"] == "2027-01-15T08:00:00.000Z"


def test_slacks_limits_are_kept_and_code_blocks_closed() -> None:
    long = cut_section("```" + "x" * 5_000 + "```")
    assert len(long) <= 3_000
    assert long.endswith("```")
    assert cut_section("y" * 5_000).endswith("…")
    carried = letter()
    texts = {"title": "t" * 500, "text": "z" * 9_000, "footer": "f" * 9_000, "pretext": "p"}
    sent = payload(Letter("k", carried.order, texts), {})
    assert len(sent["text"]) == 300
    blocks = sent["attachments"][0]["blocks"]
    assert [block["type"] for block in blocks] == ["section", "section", "context"]
    assert len(blocks[1]["text"]["text"]) <= 3_000


def test_slacks_title_may_be_a_link_that_nothing_in_it_can_break() -> None:
    texts = {"title": "a|b " + "t" * 500, "title_link": "https://x/?q=a|b>\nc", "text": "z"}
    sent = payload(Letter("k", order(), texts), {})["text"]
    assert sent.startswith("<https://x/?q=a%7Cb%3E%0Ac|a|b ttt")
    assert sent.endswith("…>")
    texts["title_link"] = "javascript:alert(1)"
    assert payload(Letter("k", order(), texts), {})["text"].startswith("a|b ttt")


def test_half_a_link_is_left_out_of_a_text_that_is_too_long_for_slack() -> None:
    text = cut_section("y" * 2_990 + "<https://x.example/alerts/1|Open the alert>")
    assert text == "y" * 2_990 + "…"


def test_a_webhook_gets_everything_as_it_is() -> None:
    odd = {"service": "a|b>\u202e\x00\n"}
    given = order()
    alert = msgspec.structs.replace(given.alerts[0], labels=odd)
    document = body(msgspec.structs.replace(given, alerts=[alert]), max_alerts=0)
    written = json.loads(msgspec.json.encode(document))
    assert written["alerts"][0]["labels"] == odd


async def test_pagerduty_gets_names_without_control_codes_and_links_that_are_links(
    party: ThirdParty, session: aiohttp.ClientSession
) -> None:
    party.reply = answer(202)
    given = order(now=NOW)
    odd = {"service": "pay\u202e|>\nx"}
    alert = msgspec.structs.replace(
        given.alerts[0],
        labels=odd,
        url="https://x/a|b",
        annotations={"runbook": "https://x/r|\n"},
    )
    strange = msgspec.structs.replace(given, alerts=[alert], group_labels=odd)
    carried = Renderer(Channel.PAGERDUTY, {}).render(strange, key="k", instead_of="", now=NOW)
    await PagerDutyChannel(HttpPost(session, party.url, timeout=5), ROUTING_KEY).send(carried)
    ((_, sent),) = party.requests
    assert [link["href"] for link in sent["links"]] == ["https://x/a%7Cb", "https://x/r%7C"]
    assert sent["client_url"] == "https://x/a%7Cb"
    assert sent["payload"]["component"] == sent["payload"]["source"] == "pay|> x"
    assert "\u202e" not in json.dumps(sent, ensure_ascii=False)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7.0),
        ("-3", 0.0),
        ("1e9", 3_600.0),
        ("nan", 1.0),
        ("", 1.0),
        (None, 1.0),
        ("soon", 1.0),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_own_clock(
    header: str | None, wait: float
) -> None:
    assert seconds(header, "Fri, 15 Jan 2027 08:00:00 GMT") == wait


def test_a_success_raises_nothing_and_answers_are_shown_short() -> None:
    check_status(204, "", {})
    assert shown("a\n" * 500) == ("a " * 100)
    assert shown("") == "(empty)"
