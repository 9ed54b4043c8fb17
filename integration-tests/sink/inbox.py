"""What the sink has received, oldest first, bounded in number and in bytes."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MAX_REQUESTS = 10_000
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """One thing a sender wanted delivered, before the sink has decided what to do with it."""

    channel: str
    path: str
    headers: Mapping[str, str]
    body: Any
    """Parsed JSON where the sender sent JSON, the text otherwise; a mail is a dict of its parts."""
    raw: bytes
    idempotency_key: str | None
    dedup_key: str | None


@dataclass(frozen=True, slots=True)
class Received:
    """A message with its number, its time of arrival and what it was answered."""

    seq: int
    at_ms: int
    message: Message
    delivered: bool
    answer: str

    def as_json(self) -> dict[str, Any]:
        """Return the shape that `GET /requests` shows."""
        return {
            "seq": self.seq,
            "receivedAt": rfc3339(self.at_ms),
            "receivedAtMs": self.at_ms,
            "channel": self.message.channel,
            "path": self.message.path,
            "delivered": self.delivered,
            "answer": self.answer,
            "idempotencyKey": self.message.idempotency_key,
            "dedupKey": self.message.dedup_key,
            "headers": dict(self.message.headers),
            "body": self.message.body,
        }


@dataclass(frozen=True, slots=True)
class Query:
    """A filter over what was received; every part that is None lets everything through."""

    channel: str | None = None
    since_ms: int | None = None
    after: int | None = None
    contains: bytes | None = None
    delivered: bool | None = None

    def admits(self, received: Received) -> bool:
        """Tell whether every part of the filter lets `received` through."""
        return (
            self.channel in (None, received.message.channel)
            and (self.since_ms is None or received.at_ms >= self.since_ms)
            and (self.after is None or received.seq > self.after)
            and self.delivered in (None, received.delivered)
            and (self.contains is None or self.contains in received.message.raw)
        )


class Inbox:
    """A ring of the newest messages; what it had to drop is counted."""

    def __init__(self, *, limit: int = MAX_REQUESTS, max_bytes: int = MAX_BYTES) -> None:
        self._limit = limit
        self._max_bytes = max_bytes
        self._kept: deque[Received] = deque()
        self._bytes = 0
        self.last_seq = 0
        self.dropped = 0

    def add(self, message: Message, *, at_ms: int, delivered: bool, answer: str) -> Received:
        """Keep `message`, dropping the oldest ones where a bound is passed."""
        self.last_seq += 1
        received = Received(self.last_seq, at_ms, message, delivered, answer)
        self._kept.append(received)
        self._bytes += len(message.raw)
        while len(self._kept) > self._limit or self._bytes > self._max_bytes:
            self._bytes -= len(self._kept.popleft().message.raw)
            self.dropped += 1
        return received

    def find(self, query: Query) -> Iterator[Received]:
        """Yield what the filter admits, oldest first."""
        return (received for received in self._kept if query.admits(received))

    def newest(self, count: int) -> list[Received]:
        """Return up to `count` messages, newest first."""
        return [received for received, _ in zip(reversed(self._kept), range(count), strict=False)]

    def clear(self) -> int:
        """Forget everything and return how many messages that were; numbering goes on."""
        count = len(self._kept)
        self._kept.clear()
        self._bytes = 0
        self.dropped = 0
        return count


def rfc3339(at_ms: int) -> str:
    """Render epoch milliseconds as RFC 3339 UTC with milliseconds."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"
