"""The sink answers as the services that it imitates, and fails as it is told."""

import os
import re
import smtplib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

HERE = Path(__file__).parent
KEY = "0123456789abcdef0123456789abcdef"
PAYLOAD = {"summary": "Too many errors", "source": "pay", "severity": "critical"}
TRIGGER = {"routing_key": KEY, "event_action": "trigger", "dedup_key": "d1", "payload": PAYLOAD}


class Addresses(NamedTuple):
    http: str
    smtp_port: int


@pytest.fixture(scope="module")
def process() -> Iterator[Addresses]:
    command = [sys.executable, "-W", "error", "-m", "sink", "--port", "0", "--smtp-port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as sink:  # noqa: S603 - our own program
        assert sink.stderr is not None
        line = sink.stderr.readline()
        found = re.search(r"http=([\d.]+:\d+) smtp=[\d.]+:(\d+)", line)
        assert found is not None, line
        yield Addresses(f"http://{found[1]}", int(found[2]))
        sink.terminate()
        sink.stderr.read()
        assert sink.wait(timeout=5) == 0


class Sender:
    """Posts to the sink under test and reads its control API."""

    def __init__(self, session: aiohttp.ClientSession, smtp_port: int) -> None:
        self.session = session
        self.smtp_port = smtp_port

    async def post(self, path: str, document: object, **headers: str) -> tuple[int, str]:
        async with self.session.post(path, json=document, headers=headers) as response:
            return response.status, await response.text()

    async def fail(self, **fault: object) -> None:
        status, text = await self.post("/faults", fault)
        assert status == 201, text

    async def received(self, **query: str) -> list[dict[str, Any]]:
        async with self.session.get("/requests", params=query) as response:
            assert response.status == 200
            answer: dict[str, Any] = await response.json()
        found: list[dict[str, Any]] = answer["requests"]
        return found

    def mail(self, subject: str) -> None:
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = subject, "a@x.test", "b@y.test"
        message["Message-ID"] = "<m1@x.test>"
        message.set_content("first line\n.dotted, grüße")
        message.add_alternative("<b>bold</b>", subtype="html")
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=5) as client:
            client.login("anyone", "anything")
            client.send_message(message)


@pytest.fixture
async def sink(process: Addresses) -> AsyncIterator[Sender]:
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(process.http, timeout=timeout) as session:
        await session.delete("/faults")
        await session.delete("/requests")
        yield Sender(session, process.smtp_port)
        await session.delete("/faults")


async def test_slack_answers_ok_and_the_idempotency_key_is_kept(sink: Sender) -> None:
    assert await sink.post("/slack/T/B/x", {"text": "hi"}, **{"Idempotency-Key": "k"}) == (
        200,
        "ok",
    )
    (received,) = await sink.received(channel="slack", contains="hi", delivered="true")
    assert received["idempotencyKey"] == "k"
    assert received["body"] == {"text": "hi"}


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ([], "invalid_payload"),
        ({"channel": "#ops"}, "no_text"),
        ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"blocks": [{"type": "header", "text": {"text": "x" * 151}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "fields": [{"text": "x"}] * 11}]}, "invalid_blocks"),
        ({"attachments": [{"blocks": [{"type": "section"}]}]}, "invalid_blocks"),
    ],
)
async def test_slack_refuses_what_slack_refuses(sink: Sender, document: object, word: str) -> None:
    assert await sink.post("/slack/x", document) == (400, word)
    (received,) = await sink.received(channel="slack")
    assert received["delivered"] is False


async def test_pagerduty_takes_a_complete_event_and_returns_its_dedup_key(sink: Sender) -> None:
    status, text = await sink.post("/pagerduty/v2/enqueue", TRIGGER)
    assert (status, '"dedup_key": "d1"' in text) == (202, True)
    (received,) = await sink.received(channel="pagerduty")
    assert received["dedupKey"] == "d1"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"routing_key": "short"}, "Length of 'routing_key'"),
        ({"event_action": "shout"}, "'event_action' is invalid"),
        ({"payload": {**PAYLOAD, "summary": ""}}, "'payload.summary' is missing"),
        ({"payload": {**PAYLOAD, "summary": "x" * 1025}}, "'payload.summary' is too long"),
        ({"payload": {**PAYLOAD, "severity": "CRITICAL"}}, "'payload.severity' is invalid"),
        ({"event_action": "resolve", "dedup_key": None}, "'dedup_key' is missing"),
        ({"dedup_key": "x" * 256}, "'dedup_key' is too long"),
    ],
)
async def test_pagerduty_names_what_is_wrong(
    sink: Sender, change: dict[str, object], error: str
) -> None:
    status, text = await sink.post("/pagerduty/v2/enqueue", {**TRIGGER, **change})
    assert status == 400
    assert error in text


async def test_a_mail_is_taken_apart(sink: Sender) -> None:
    sink.mail("Prüfung")
    (received,) = await sink.received(channel="email", contains="grüße")
    assert received["path"] == "b@y.test"
    assert received["idempotencyKey"] == "<m1@x.test>"
    assert received["body"]["subject"] == "Prüfung"
    assert received["body"]["text"].splitlines() == ["first line", ".dotted, grüße"]
    assert received["body"]["html"].strip() == "<b>bold</b>"


async def test_a_status_fault_hits_as_many_requests_as_it_counts(sink: Sender) -> None:
    await sink.fail(channel="webhook", mode="status", status=503, count=2)
    answers = [(await sink.post("/webhook/x", {}))[0] for _ in range(3)]
    assert answers == [503, 503, 200]
    assert [request["delivered"] for request in await sink.received()] == [False, False, True]


async def test_a_fault_can_be_kept_to_one_destination(sink: Sender) -> None:
    await sink.fail(channel="slack", mode="status", status=404, path="/team-a")
    assert await sink.post("/slack/team-a", {"text": "x"}) == (404, "no_service")
    assert await sink.post("/slack/team-b", {"text": "x"}) == (200, "ok")


async def test_a_fault_can_be_kept_to_the_messages_that_hold_a_text(sink: Sender) -> None:
    await sink.fail(channel="slack", mode="status", status=404, holding="payments")
    assert await sink.post("/slack/team-a", {"text": "payments is down"}) == (404, "no_service")
    assert await sink.post("/slack/team-a", {"text": "shop is down"}) == (200, "ok")


async def test_a_rate_limit_says_when_to_come_back(sink: Sender) -> None:
    await sink.fail(channel="slack", mode="rate_limit", retryAfter=7, count=1)
    async with sink.session.post("/slack/x", json={"text": "x"}) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "7")


async def test_a_reset_breaks_the_connection(sink: Sender) -> None:
    await sink.fail(channel="slack", mode="reset", count=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await sink.post("/slack/x", {"text": "x"})


async def test_a_lost_answer_counts_as_delivered(sink: Sender) -> None:
    await sink.fail(channel="webhook", mode="reset", count=1, deliver=True)
    with pytest.raises(aiohttp.ClientConnectionError):
        await sink.post("/webhook/x", {})
    (received,) = await sink.received()
    assert received["delivered"] is True


async def test_a_request_that_hangs_is_let_go_when_the_faults_are_cleared(sink: Sender) -> None:
    await sink.fail(channel="slack", mode="timeout")
    with pytest.raises(TimeoutError):
        async with sink.session.post(
            "/slack/x", json={"text": "x"}, timeout=aiohttp.ClientTimeout(total=0.2)
        ):
            pass
    async with sink.session.delete("/faults") as response:
        assert await response.json() == {"cleared": 1}


async def test_slow_is_late_and_garbage_is_no_ok(sink: Sender) -> None:
    await sink.fail(channel="slack", mode="slow", delay=0.05, count=1)
    assert await sink.post("/slack/x", {"text": "x"}) == (200, "ok")
    await sink.fail(channel="slack", mode="garbage", count=1)
    status, text = await sink.post("/slack/x", {"text": "x"})
    assert (status, "<html>" in text) == (200, True)


async def test_mail_fails_with_the_code_that_it_is_told(sink: Sender) -> None:
    await sink.fail(channel="email", mode="status", status=451, count=1)
    with pytest.raises(smtplib.SMTPDataError) as failure:
        sink.mail("no")
    assert failure.value.smtp_code == 451


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ([], "JSON object"),
        ({"channel": "fax", "mode": "status"}, "channel"),
        ({"channel": "slack", "mode": "sulk"}, "mode"),
        ({"channel": "slack", "mode": "status", "status": "503"}, "status"),
        ({"channel": "slack", "mode": "status", "colour": 1}, "colour"),
    ],
)
async def test_a_senseless_fault_is_refused(sink: Sender, fault: object, word: str) -> None:
    status, text = await sink.post("/faults", fault)
    assert status == 400
    assert word in text


async def test_the_page_shows_the_words_and_escapes_them(sink: Sender) -> None:
    await sink.post("/slack/x", {"text": "<script>alert(1)</script> is down"})
    await sink.post("/pagerduty/v2/enqueue", TRIGGER)
    async with sink.session.get("/") as response:
        text = await response.text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; is down" in text
    assert "trigger: Too many errors" in text
    assert "<script>" not in text
