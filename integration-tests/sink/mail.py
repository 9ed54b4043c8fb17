"""The sink's SMTP side: enough of RFC 5321 for every mail client library, and faults at DATA."""

import asyncio
import contextlib
import email.policy
import logging
import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from sink.faults import Fault, FaultBook, Mode, gets_through
from sink.inbox import Inbox, Message
from sink.web import now_ms, reset

log = logging.getLogger("sink")

MAX_MAIL = 1024 * 1024
MAX_LINE = 4096
MAX_RECIPIENTS = 100
IDLE_S = 120.0
GREETING = (
    "250-sink",
    f"250-SIZE {MAX_MAIL}",
    "250-8BITMIME",
    "250-SMTPUTF8",
    "250-AUTH PLAIN LOGIN",
    "250 PIPELINING",
)
ADDRESS = re.compile(rb"<([^<>]{0,256})>")


class CloseError(Exception):
    """The conversation is over."""


@dataclass(slots=True)
class Envelope:
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)


class Conversation:
    """One client's connection, command by command."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        inbox: Inbox,
        faults: FaultBook,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._inbox = inbox
        self._faults = faults
        self._envelope = Envelope()

    async def run(self) -> None:
        """Talk until the client leaves, says QUIT or is silent for two minutes."""
        with contextlib.suppress(CloseError, OSError, TimeoutError, asyncio.LimitOverrunError,
                                 asyncio.IncompleteReadError):  # fmt: skip
            await self._say("220 sink ESMTP")
            while True:
                line = await self._line()
                await self._command(line)
        self._writer.close()

    async def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self._writer.drain()

    async def _line(self) -> bytes:
        async with asyncio.timeout(IDLE_S):
            return (await self._reader.readuntil(b"\n")).rstrip(b"\r\n")

    async def _command(self, line: bytes) -> None:
        verb, _, rest = line.partition(b" ")
        match verb.upper():
            case b"EHLO":
                await self._say(*GREETING)
            case b"AUTH":
                await self._authenticate(rest)
            case b"MAIL" | b"RCPT":
                await self._say(self._address(verb.upper(), rest))
            case b"DATA":
                await self._data()
            case b"HELO" | b"NOOP" | b"RSET" | b"VRFY":
                if verb.upper() == b"RSET":
                    self._envelope = Envelope()
                await self._say("250 OK")
            case b"QUIT":
                await self._say("221 bye")
                raise CloseError
            case _:
                await self._say("500 5.5.1 command unrecognised")

    async def _authenticate(self, rest: bytes) -> None:
        """Accept any name and password, as PLAIN or LOGIN, given at once or when asked."""
        method, _, initial = rest.partition(b" ")
        if method.upper() == b"LOGIN":
            if not initial:
                await self._say("334 VXNlcm5hbWU6")
                await self._line()
            await self._say("334 UGFzc3dvcmQ6")
            await self._line()
        elif not initial:
            await self._say("334 ")
            await self._line()
        await self._say("235 2.7.0 accepted")

    def _address(self, verb: bytes, rest: bytes) -> str:
        found = ADDRESS.search(rest)
        if found is None:
            return "501 5.1.3 no address"
        address = found.group(1).decode("utf-8", "replace")
        if verb == b"MAIL":
            self._envelope = Envelope(sender=address)
        elif self._envelope.sender is None:
            return "503 5.5.1 MAIL first"
        elif len(self._envelope.recipients) >= MAX_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        else:
            self._envelope.recipients.append(address)
        return "250 2.1.0 OK"

    async def _data(self) -> None:
        envelope = self._envelope
        if not envelope.recipients:
            await self._say("503 5.5.1 RCPT first")
            return
        await self._say("354 end with <CRLF>.<CRLF>")
        raw = await self._body()
        self._envelope = Envelope()
        if raw is None:
            await self._say("552 5.3.4 message too big")
            return
        path = ",".join(envelope.recipients)
        fault = self._faults.take("email", path, raw)
        self._inbox.add(
            to_message(raw, envelope),
            at_ms=now_ms(),
            delivered=gets_through(fault),
            answer="250" if fault is None else f"fault {fault.mode.value}",
        )
        log.info("email to %s: %s", path, "250" if fault is None else fault.mode.value)
        if fault is not None and await self._fail(fault):
            return
        await self._say("250 2.0.0 accepted")

    async def _body(self) -> bytes | None:
        """Read to the lone dot; None when it is too big, having read all of it."""
        lines: list[bytes] = []
        size = 0
        while (line := await self._line()) != b".":
            size += len(line) + 2
            if size <= MAX_MAIL:
                lines.append(line.removeprefix(b"."))
        return b"\r\n".join(lines) if size <= MAX_MAIL else None

    async def _fail(self, fault: Fault) -> bool:
        """Act the fault; False means that the right answer follows after all."""
        match fault.mode:
            case Mode.SLOW:
                await asyncio.sleep(fault.delay_s)
                return False
            case Mode.TIMEOUT | Mode.RESET:
                if fault.mode is Mode.TIMEOUT:
                    await self._faults.hang()
                reset(self._writer.transport)
                raise CloseError
            case Mode.RATE_LIMIT:
                await self._say("421 4.7.0 too many messages, try again later")
                raise CloseError
            case Mode.GARBAGE:
                await self._say(fault.body or "It works!")
            case Mode.STATUS:
                await self._say(f"{fault.status or 451} {fault.body or 'failure on command'}")
        return True


def to_message(raw: bytes, envelope: Envelope) -> Message:
    """Take a mail apart: subject, addresses, plain text and HTML."""
    mail = BytesParser(EmailMessage, policy=email.policy.default).parsebytes(raw)
    headers = {name.lower(): str(value) for name, value in mail.items()}
    body: dict[str, Any] = {
        "from": envelope.sender,
        "to": envelope.recipients,
        "subject": headers.get("subject", ""),
        "text": _part(mail, "plain"),
        "html": _part(mail, "html"),
    }
    return Message(
        channel="email",
        path=",".join(envelope.recipients),
        headers=headers,
        body=body,
        raw=raw + b"\r\n" + f"{body['subject']}\r\n{body['text']}".encode(),
        idempotency_key=headers.get("idempotency-key") or headers.get("message-id"),
        dedup_key=None,
    )


def _part(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body(preferencelist=(kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, ValueError):
        return "(unreadable)"


async def serve(host: str, port: int, *, inbox: Inbox, faults: FaultBook) -> asyncio.Server:
    """Listen for mail; the caller closes the server."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Conversation(reader, writer, inbox=inbox, faults=faults).run()

    return await asyncio.start_server(talk, host, port, limit=MAX_LINE)
