"""What the channels share: the letter they carry, and how an HTTP answer becomes our failures."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, NamedTuple, Protocol

import aiohttp
from yarl import URL

from alert_contracts.notifications import Notification
from notification_service.adapters.addresses import AddressRefusedError, guarded_socket
from notification_service.domain.outcome import Reason
from notification_service.domain.private import PrivateHosts
from notification_service.ports import ChannelPermanentError, ChannelTemporaryError

MAX_ANSWER: Final = 4_096
"""Bytes of an answer that are read."""
MAX_SHOWN: Final = 200
LONGEST_WAIT: Final = 3_600.0
"""Seconds; a longer Retry-After is cut to this."""
_AUTH: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that is ready to go: the order, and its texts by name."""

    key: str
    """The idempotency key."""
    order: Notification
    texts: Mapping[str, str]
    """Rendered for this channel: `title` and `text` always, others as the channel has them."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """What the templates saw, unescaped."""


class ChannelPort(Protocol):
    """A third party that takes letters.

    Raises ChannelTemporaryError or ChannelPermanentError, and nothing else.
    """

    async def send(self, letter: Letter) -> None: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, cut to what is looked at."""

    status: int
    text: str


class Sessions(NamedTuple):
    """The sessions of all HTTP channels. Addresses are judged when connecting, not by name."""

    public: aiohttp.ClientSession
    private: aiohttp.ClientSession
    private_hosts: PrivateHosts

    def to(self, url: str) -> aiohttp.ClientSession:
        """Return the session for a URL: only a host that was named may have a private address."""
        try:
            parsed = URL(url)
            named = self.private_hosts.permits(parsed.host or "", parsed.port)
        except ValueError:  # sending will say so
            return self.public
        return self.private if named else self.public


@asynccontextmanager
async def open_sessions(private_hosts: PrivateHosts) -> AsyncIterator[Sessions]:
    """Give the sessions, and close them."""
    async with (
        open_session(allow_private=False) as public,
        open_session(allow_private=True) as private,
    ):
        yield Sessions(public, private, private_hosts)


def open_session(*, allow_private: bool, per_host: int = 32) -> aiohttp.ClientSession:
    """Return a session for HTTP channels: no cookies, no proxies, no redirects followed."""
    connector = aiohttp.TCPConnector(
        limit=0,
        limit_per_host=per_host,
        ttl_dns_cache=10,
        socket_factory=guarded_socket(allow_private=allow_private),
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "tocsin-notification-service"},
        trust_env=False,
    )


class HttpPost:
    """Posts to one address, with an idempotency key. `timeout` is in seconds."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._session = session
        self._url = url
        self._headers = dict(headers or {})
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def __call__(
        self, body: bytes, *, key: str, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return an answer that means success as far as its status goes.

        Raises:
            ChannelTemporaryError: no answer, or one that may be better later.
            ChannelPermanentError: a refusal.
        """
        sent = {
            "Content-Type": "application/json",
            **self._headers,
            **(headers or {}),
            "Idempotency-Key": key,
        }
        return await guarded(lambda: self._post(body, sent))

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        async with self._session.post(
            self._url, data=body, headers=headers, allow_redirects=False, timeout=self._timeout
        ) as response:
            text = (await response.content.read(MAX_ANSWER)).decode("utf-8", "replace")
            check_status(response.status, text, response.headers)
            return Answer(response.status, text)


async def guarded(post: Callable[[], Awaitable[Answer]]) -> Answer:
    """Translate what aiohttp raises. Messages never hold the URL: it is a secret."""
    try:
        return await post()
    except TimeoutError:
        raise ChannelTemporaryError(Reason.TIMEOUT, "no answer in time") from None
    except aiohttp.ClientConnectorError as exc:
        if isinstance(exc.os_error, AddressRefusedError):
            raise ChannelPermanentError(Reason.ADDRESS_REFUSED, str(exc.os_error)) from None
        reason = exc.os_error.strerror or type(exc.os_error).__name__
        raise ChannelTemporaryError(Reason.CONNECTION, f"cannot connect: {reason}") from None
    except (aiohttp.InvalidURL, ValueError):
        message = "the address is not valid"
        raise ChannelPermanentError(Reason.CLIENT_ERROR, message) from None
    except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as exc:
        message = f"the connection broke: {type(exc).__name__}"
        raise ChannelTemporaryError(Reason.CONNECTION, message) from None


def check_status(status: int, text: str, headers: Mapping[str, str]) -> None:
    """Raise what a status means; return where it is a success.

    429, 408, 425 and 5xx may work later; every other refusal stays one, redirects included.
    """
    message = f"answered {status}: {shown(text)}"
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    retry_after = headers.get("Retry-After")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = seconds(retry_after, headers.get("Date"))
        raise ChannelTemporaryError(Reason.RATE_LIMITED, message, retry_after=wait)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER:
        later = seconds(retry_after, headers.get("Date")) if retry_after else None
        raise ChannelTemporaryError(Reason.SERVER_ERROR, message, retry_after=later)
    reason = Reason.AUTH_ERROR if status in _AUTH else Reason.CLIENT_ERROR
    raise ChannelPermanentError(reason, message)


def shown(text: str) -> str:
    """Return the beginning of an answer, on one line."""
    return " ".join(text.split())[:MAX_SHOWN] or "(empty)"


def seconds(retry_after: str | None, date: str | None = None) -> float:
    """Read a Retry-After header: seconds or an HTTP date; 1 s where it says nothing sensible.

    `date` is the answer's own Date header, so that a date is read by the clock that wrote it.
    """
    try:
        wait = float(retry_after or "")
    except ValueError:
        wait = _until(retry_after or "", date or "")
    return min(max(wait, 0.0), LONGEST_WAIT) if wait == wait else 1.0  # noqa: PLR0124 - NaN


def _until(at: str, date: str) -> float:
    try:
        return (parsedate_to_datetime(at) - parsedate_to_datetime(date)).total_seconds()
    except (ValueError, IndexError, TypeError):
        return 1.0
