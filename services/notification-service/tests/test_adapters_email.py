"""Mail over a real socket, with every answer that a mail server may give."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default

import aiosmtplib
import msgspec
import pytest

from notification_service.adapters.channel import Letter
from notification_service.adapters.email import (
    EmailChannel,
    Mailbox,
    compose,
    message_id,
    translate,
)
from notification_service.adapters.rendering import Renderer
from notification_service.domain.directory import Channel
from notification_service.domain.outcome import Reason
from notification_service.ports import ChannelPermanentError, ChannelTemporaryError
from notification_service.testing import order

NOW = 1_800_000_000_000
NAMES = [
    *("later", "never", "limited", "garbage", "sender", "recipient", "recipient-later"),
    *("hang-up", "timeout", "auth", "auth-later", "greeting"),
]


@dataclass(slots=True)
class MailServer:
    """Speaks SMTP; `replies` overrides the answer to a verb. `None` hangs, `b""` hangs up."""

    port: int = 0
    replies: dict[bytes, bytes | None] = field(default_factory=dict)
    mails: list[bytes] = field(default_factory=list)
    commands: list[bytes] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    talks: set["asyncio.Task[None] | None"] = field(default_factory=set)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.talks.add(asyncio.current_task())
        defaults = {
            b"EHLO": b"250-here\r\n250 AUTH PLAIN",
            b"AUTH": b"235 fine",
            b"DATA": b"354 go",
            b"QUIT": b"221 bye",
        }
        writer.write(self.replies.get(b"HELLO", b"220 here") or b"")
        writer.write(b"\r\n")
        while line := await reader.readline():
            verb = line.split()[0].upper()
            self.commands.append(line.strip())
            reply = self.replies.get(verb, defaults.get(verb, b"250 fine"))
            if reply is None:
                await self.over.wait()
            if not reply:
                break
            writer.write(reply + b"\r\n")
            if verb == b"DATA" and reply.startswith(b"354"):
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(self.replies.get(b"BODY", b"250 taken") or b"")
                writer.write(b"\r\n")
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    mail = MailServer()
    listener = await asyncio.start_server(mail.talk, "127.0.0.1", 0)
    mail.port = listener.sockets[0].getsockname()[1]
    yield mail
    mail.over.set()
    listener.close()
    async with asyncio.timeout(10):
        await asyncio.gather(*filter(None, mail.talks), return_exceptions=True)


def box(port: int, *, login: tuple[str, str] = ("", "")) -> Mailbox:
    return Mailbox(
        host="127.0.0.1",
        port=port,
        sender="tocsin@example.com",
        recipients="Ops <ops@example.com>, second@example.com",
        hello="here",
        require_tls=False,
        username=login[0],
        password=login[1],
    )


def letter(**overrides: str) -> Letter:
    renderer = Renderer(Channel.EMAIL, overrides)
    return renderer.render(order(now=NOW), key="k-1", instead_of="", now=NOW)


def channel(mailbox: Mailbox, *, limit: float = 5.0, allow_private: bool = True) -> EmailChannel:
    return EmailChannel(mailbox, timeout=limit, allow_private=allow_private)


async def test_a_mail_has_two_faces_one_id_and_its_thread(server: MailServer) -> None:
    await channel(box(server.port)).send(letter())
    mail = message_from_bytes(server.mails[0], policy=default)
    assert mail["Subject"] == "[CRITICAL] High Error Rate on payment-service"
    assert mail["Message-ID"] == message_id("k-1")
    assert mail["References"] == mail["In-Reply-To"] == message_id("thread group")
    assert mail["Idempotency-Key"] == "k-1"
    assert mail["Date"] == "Fri, 15 Jan 2027 08:00:00 -0000"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "Database connection failed" in plain.get_content()
    assert "<h2" in html.get_content()
    assert b"RCPT TO:<ops@example.com>" in server.commands
    assert b"RCPT TO:<second@example.com>" in server.commands


async def test_a_name_and_password_are_used(server: MailServer) -> None:
    await channel(box(server.port, login=("me", "hush"))).send(letter())
    assert b"AUTH PLAIN " + base64.b64encode(b"\0me\0hush") in server.commands


def test_the_password_is_not_shown() -> None:
    assert "hush" not in repr(box(25, login=("me", "hush")))


@pytest.mark.parametrize(
    ("verb", "reply", "reason", "lasting"),
    [
        (b"BODY", b"451 later", Reason.SERVER_ERROR, False),
        (b"BODY", b"554 never", Reason.CLIENT_ERROR, True),
        (b"BODY", b"421 4.7.0 too many messages", Reason.RATE_LIMITED, False),
        (b"BODY", b"It works!", Reason.BAD_ANSWER, False),
        (b"MAIL", b"550 not you", Reason.CLIENT_ERROR, True),
        (b"RCPT", b"550 nobody", Reason.CLIENT_ERROR, True),
        (b"RCPT", b"450 busy", Reason.SERVER_ERROR, False),
        (b"DATA", b"", Reason.CONNECTION, False),
        (b"EHLO", None, Reason.TIMEOUT, False),
        (b"AUTH", b"535 wrong", Reason.AUTH_ERROR, True),
        (b"AUTH", b"454 later", Reason.SERVER_ERROR, False),
        (b"HELLO", b"554 go away", Reason.CLIENT_ERROR, True),
    ],
    ids=NAMES,
)
async def test_every_answer_is_one_of_our_two_failures(
    server: MailServer,
    verb: bytes,
    reply: bytes | None,
    reason: Reason,
    lasting: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    server.replies = {verb: reply}
    limit = 0.5 if reason is Reason.TIMEOUT else 10
    with pytest.raises((ChannelTemporaryError, ChannelPermanentError)) as caught:
        await channel(box(server.port, login=("me", "x")), limit=limit).send(letter())
    error = caught.value
    assert isinstance(error, ChannelTemporaryError | ChannelPermanentError)
    assert error.reason is reason
    assert isinstance(error, ChannelPermanentError) is lasting


async def test_nobody_listening_may_change() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(ChannelTemporaryError) as caught:
            await channel(box(free.getsockname()[1])).send(letter())
    assert caught.value.reason is Reason.CONNECTION


async def test_private_mail_servers_are_refused_unless_they_are_allowed(server: MailServer) -> None:
    with pytest.raises(ChannelPermanentError) as caught:
        await channel(box(server.port), allow_private=False).send(letter())
    assert caught.value.reason is Reason.ADDRESS_REFUSED
    assert server.commands == []


async def test_a_server_without_the_tls_that_is_required_gets_no_mail(server: MailServer) -> None:
    secure = Mailbox("127.0.0.1", server.port, "a@example.com", "b@example.com", "here")
    with pytest.raises(ChannelTemporaryError, match="STARTTLS"):
        await channel(secure).send(letter())
    assert server.mails == []


def test_headers_of_the_user_are_added_but_ours_stay() -> None:
    mailbox = Mailbox(
        "h", 25, "a@example.com", "b@example.com", "here", headers={"X-Team": "db", "To": "x@x"}
    )
    mail = compose(letter(subject="{{ first.name }}\n!"), mailbox, at=0.0)
    assert (mail["X-Team"], mail["To"]) == ("db", "b@example.com")
    assert mail["Subject"] == "High Error Rate !"


def test_nothing_in_a_name_can_spoof_a_subject_or_add_a_header() -> None:
    given = order()
    name = "pay\u202e\r\nBcc: x@example.com\x00"
    alert = msgspec.structs.replace(given.alerts[0], rule_name=name)
    strange = msgspec.structs.replace(given, alerts=[alert])
    carried = Renderer(Channel.EMAIL, {}).render(strange, key="k", instead_of="", now=0)
    mail = compose(carried, Mailbox("h", 25, "a@example.com", "b@example.com", "here"), at=0.0)
    assert mail["Subject"] == "[CRITICAL] pay Bcc: x@example.com on payment-service"
    assert mail["Bcc"] is None


def test_a_failure_that_says_nothing_is_named() -> None:
    with pytest.raises(ChannelTemporaryError, match="OSError"):
        translate(OSError())


def test_of_several_refused_recipients_a_temporary_one_decides() -> None:
    refused = [
        aiosmtplib.SMTPRecipientRefused(550, "no", "a@example.com"),
        aiosmtplib.SMTPRecipientRefused(450, "later", "b@example.com"),
    ]
    with pytest.raises(ChannelTemporaryError):
        translate(aiosmtplib.SMTPRecipientsRefused(refused))
