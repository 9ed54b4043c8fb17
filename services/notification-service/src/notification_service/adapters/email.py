"""Mail over SMTP: plain text and HTML, threaded by group, one connection a message."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate, getaddresses
from hashlib import sha256
from typing import Final, NoReturn

import aiosmtplib

from notification_service.adapters.addresses import AddressRefusedError, connect
from notification_service.adapters.channel import Letter, shown
from notification_service.domain.outcome import Reason
from notification_service.ports import ChannelPermanentError, ChannelTemporaryError
from service_runtime.telemetry import logger

log = logger(__name__)
IMPLICIT_TLS_PORT: Final = 465
PERMANENT: Final = 500
BUSY: Final = 421
BUSY_SECONDS: Final = 5.0
MAX_SUBJECT: Final = 300
_OURS: Final = frozenset({"from", "to", "subject", "message-id", "references", "in-reply-to"})


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where mail goes and through whom."""

    host: str
    port: int
    sender: str
    recipients: str
    hello: str
    username: str = ""
    password: str = field(default="", repr=False)
    require_tls: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)


def message_id(text: str) -> str:
    """Return the Message-ID that belongs to a key: a repeat has the same one."""
    return f"<{sha256(text.encode()).hexdigest()[:40]}@tocsin.invalid>"


def compose(letter: Letter, box: Mailbox, *, at: float) -> EmailMessage:
    """Return the mail. `at` is its date, in epoch seconds."""
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = _line(box.sender)
    mail["To"] = _line(box.recipients)
    mail["Subject"] = _line(letter.texts.get("subject") or letter.texts["title"])[:MAX_SUBJECT]
    mail["Date"] = formatdate(at)
    mail["Message-ID"] = message_id(letter.key)
    thread = message_id("thread " + letter.order.group_key)
    mail["In-Reply-To"] = thread
    mail["References"] = thread
    mail["Idempotency-Key"] = _line(letter.key)
    mail["Auto-Submitted"] = "auto-generated"
    for name, value in box.headers.items():
        if name.lower() not in _OURS:
            mail[name] = _line(value)
    mail.set_content(letter.texts["text"])
    if letter.texts.get("html", "").strip():
        mail.add_alternative(letter.texts["html"], subtype="html")
    return mail


def _line(text: str) -> str:
    return " ".join(text.split())


class EmailChannel:
    """Sends to one mailbox. `timeout` is in seconds, for the whole conversation."""

    def __init__(self, box: Mailbox, *, timeout: float, allow_private: bool) -> None:
        self._box = box
        self._timeout = timeout
        self._allow_private = allow_private

    async def send(self, letter: Letter) -> None:
        at = letter.context.get("now", 0) / 1000
        try:
            mail = compose(letter, self._box, at=at)
        except ValueError as exc:
            message = f"the mail cannot be composed: {exc}"
            raise ChannelPermanentError(Reason.CLIENT_ERROR, message) from exc
        try:
            async with asyncio.timeout(self._timeout):
                await self._converse(mail)
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as exc:
            translate(exc)

    async def _converse(self, mail: EmailMessage) -> None:
        box = self._box
        sock = await connect(box.host, box.port, allow_private=self._allow_private)
        client = aiosmtplib.SMTP(
            hostname=box.host,
            sock=sock,
            local_hostname=box.hello,
            use_tls=box.port == IMPLICIT_TLS_PORT,
            start_tls=box.require_tls and box.port != IMPLICIT_TLS_PORT,
            timeout=self._timeout,
        )
        try:
            await client.connect()
            if box.username:
                await client.login(box.username, box.password)
            recipients = [address for _, address in getaddresses([box.recipients])]
            refused, _ = await client.send_message(mail, recipients=recipients)
            if refused:
                log.warning("mail_recipients_refused", count=len(refused), host=box.host)
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()  # the mail is taken; a rude goodbye changes nothing
        finally:
            client.close()
            sock.close()


def translate(error: Exception) -> NoReturn:
    """Raise our failure for what SMTP or the network said."""
    if isinstance(error, AddressRefusedError):
        raise ChannelPermanentError(Reason.ADDRESS_REFUSED, str(error)) from None
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = max(error.recipients, key=lambda one: -one.code)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        _refuse(error)
    if isinstance(error, TimeoutError):
        raise ChannelTemporaryError(Reason.TIMEOUT, "no answer in time") from None
    message = f"the conversation failed: {shown(str(error) or type(error).__name__)}"
    raise ChannelTemporaryError(Reason.CONNECTION, message) from None


def _refuse(error: aiosmtplib.SMTPResponseException) -> NoReturn:
    message = f"answered {error.code}: {shown(error.message)}"
    if error.code < 0:
        raise ChannelTemporaryError(Reason.BAD_ANSWER, shown(error.message)) from None
    if isinstance(error, aiosmtplib.SMTPAuthenticationError) and error.code >= PERMANENT:
        raise ChannelPermanentError(Reason.AUTH_ERROR, message) from None
    if error.code >= PERMANENT:
        raise ChannelPermanentError(Reason.CLIENT_ERROR, message) from None
    if error.code == BUSY:
        raise ChannelTemporaryError(
            Reason.RATE_LIMITED, message, retry_after=BUSY_SECONDS
        ) from None
    raise ChannelTemporaryError(Reason.SERVER_ERROR, message) from None
