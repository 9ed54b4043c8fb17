"""What became of an attempt, and what follows from it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

DAY_MS = 86_400_000


class Reason(StrEnum):
    """Why an attempt ended as it did; the metric label, the log field and the reported reason."""

    OK = "ok"
    CLIENT_ERROR = "client_error"
    AUTH_ERROR = "auth_error"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    BAD_ANSWER = "bad_answer"
    CIRCUIT_OPEN = "circuit_open"
    ADDRESS_REFUSED = "address_refused"
    UNKNOWN_RECEIVER = "unknown_receiver"
    WAITS_FOR_EARLIER = "waits_for_earlier"
    RESOLVED_NOT_WANTED = "resolved_not_wanted"
    TOLD_ELSEWHERE = "told_elsewhere"
    LEASE_LOST = "lease_lost"
    INTERNAL_ERROR = "internal_error"


class Attempt(NamedTuple):
    """How one attempt ended, its retries included."""

    reason: Reason
    sends: int = 0
    """How often the destination was really called."""
    error: str = ""
    permanent: bool = False
    """However often it is tried, it will fail."""
    retry_after: float | None = None
    """Seconds that the other side, or an open circuit, asks us to wait."""

    @property
    def delivered(self) -> bool:
        """Whether the message is there."""
        return self.reason is Reason.OK


class Action(StrEnum):
    """What follows."""

    DELIVERED = "delivered"
    FELL_BACK = "fell_back"
    OWED = "owed"
    DEAD = "dead"
    LEFT = "left"
    """Another process has taken it over, and decides."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about one delivery after one attempt."""

    action: Action
    fallback: str = ""
    """The receiver that takes over."""
    next_at: int | None = None
    """Epoch ms of the next attempt, where something is owed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long we keep trying. All lengths in milliseconds."""

    first: int = 1_000
    """The pause before what is owed is tried for the first time."""
    longest: int = 30_000
    """Pauses double up to this."""
    give_up: int = 3 * DAY_MS
    """Age at which an owed message is declared dead."""

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.longest < self.give_up:
            msg = f"pauses grow, and giving up comes last: {self}"
            raise ValueError(msg)

    def pause(self, rounds: int) -> int:
        """Return the milliseconds to wait after so many rounds that failed."""
        return min(self.longest, self.first << min(rounds, 30))


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long one round goes on. Lengths in seconds."""

    tries: int = 3
    first_pause: float = 0.3
    deadline: float = 10.0
    """After this much time no further try begins."""


def judge(
    attempt: Attempt,
    *,
    taken_over_by: str | None,
    owed: bool,
    rounds: int,
    created_at: int,
    patience: Patience,
    now: int,
) -> Verdict:
    """Decide what follows from an attempt.

    `taken_over_by` is the next receiver of the fallback chain; what is `owed` already has been
    through the chain and stays with its own endpoint. `rounds` counts earlier failed rounds.
    """
    if attempt.delivered:
        return Verdict(Action.DELIVERED)
    if attempt.reason is Reason.LEASE_LOST:
        return Verdict(Action.LEFT)
    if taken_over_by is not None and not owed:
        return Verdict(Action.FELL_BACK, fallback=taken_over_by)
    if attempt.permanent or now - created_at >= patience.give_up:
        return Verdict(Action.DEAD)
    asked = round((attempt.retry_after or 0.0) * 1000)
    return Verdict(Action.OWED, next_at=now + max(patience.pause(rounds), asked))
