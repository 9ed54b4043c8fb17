"""What the use cases need from outside, each port named for its role."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from alert_contracts.notifications import DeliveryResult, Notification
from notification_service.domain.circuit import CircuitView, Readiness
from notification_service.domain.directory import Channel, Endpoint
from notification_service.domain.outcome import Attempt, Reason
from service_runtime.errors import PermanentError, TemporaryError


class ChannelTemporaryError(TemporaryError):
    """The third party could not take the message now. `retry_after` in seconds, if it said so."""

    def __init__(self, reason: Reason, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.reason = reason


class ChannelPermanentError(PermanentError):
    """The third party will never take this message as it is."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class CircuitOpenError(TemporaryError):
    """The destination counts as down; nothing was sent. `retry_after` says when to ask again."""


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One message to put in the outbox: an order, for one integration."""

    key: str
    """Idempotency key: the third party and we recognise a repeat by it."""
    order: Notification
    endpoint: Endpoint
    visited: tuple[str, ...]
    """Receivers of the chain so far, the last being this one's."""
    skipped: Reason | None = None
    """Why nothing is to be sent, where that is so."""


@dataclass(frozen=True, slots=True)
class Job:
    """A delivery that was claimed: it is ours until its lease runs out."""

    id: int
    key: str
    order: Notification
    receiver: str
    integration: str
    channel: str
    visited: tuple[str, ...]
    owed: bool
    """It has failed before, with every fallback; `failed_notifications` shows it."""
    behind: bool
    """An earlier message to the same place about the same group is still owed."""
    rounds: int
    attempts: int
    created_at: int
    """Epoch ms."""
    fence: int = 0
    """The number of this claim: each one of a delivery has a higher one."""
    lease_until: int = 0
    """Epoch ms until which the claim was given."""

    @property
    def instead_of(self) -> str:
        """The receiver that this one stands in for, or nothing."""
        return self.visited[0] if len(self.visited) > 1 else ""


class Outbox(Protocol):
    """What has to be delivered, and what became of it. Times are epoch ms.

    Every method raises TemporaryError while the store is away.
    """

    async def add(self, deliveries: Sequence[NewDelivery], *, now: int) -> int:
        """Store what is new (known keys are ignored) and return how many that were.

        Raises:
            PoisonError: the store will never take one of them.
        """
        ...

    async def claim(
        self,
        slots: Mapping[str, int],
        *,
        now: int,
        busy: Collection[int] = (),
        take_over: bool = True,
    ) -> list[Job]:
        """Lease what was never tried, and what a dead process left: up to `slots` a destination.

        Without `take_over`, what others have leased is left alone though their lease ran out.
        Of one group's messages to one endpoint only the earliest is given. `busy` are the ids that
        are at work here; they are never given, even if their lease ran out while the store was
        away.
        """
        ...

    async def claim_owed(
        self, slots: Mapping[str, int], *, now: int, busy: Collection[int] = ()
    ) -> list[Job]:
        """Lease what is owed and due, up to `slots` a destination, in the same order."""
        ...

    async def delivered(self, job: Job, attempt: Attempt, *, now: int) -> None:
        """Mark it delivered; what was owed to the same person instead is settled with it."""
        ...

    async def fell_back(
        self, job: Job, attempt: Attempt, instead: Sequence[NewDelivery], *, now: int
    ) -> None:
        """Mark it and store what is sent instead, in one transaction."""
        ...

    async def owe(self, job: Job, attempt: Attempt, *, next_at: int | None, now: int) -> None:
        """Keep it in `failed_notifications`, to be tried at `next_at`; None declares it dead.

        With the last of a chain, everything that had fallen back onto it is owed again.
        """
        ...

    async def stand_ins(self, job: Job) -> list[str]:
        """Return who is or was told, instead of this receiver, that these alerts fire."""
        ...

    async def renew(self, jobs: Sequence[Job], *, now: int) -> set[int]:
        """Prolong leases; return the ids of those that nobody else has taken meanwhile."""
        ...

    async def release(self, *, now: int) -> int:
        """Give back every lease of ours, for the next claim; return how many."""
        ...

    async def hurry(self, destination: str, *, now: int) -> int:
        """Make what is owed to a destination due now; return how many."""
        ...


@dataclass(frozen=True, slots=True)
class Unpublished:
    """A result that the alert manager has not heard of."""

    id: int
    revision: int
    result: DeliveryResult


class ResultLog(Protocol):
    """Results that are stored and not yet published."""

    async def unpublished(self, limit: int) -> list[Unpublished]: ...

    async def published(self, results: Sequence[Unpublished]) -> None:
        """Forget them, but not what has changed since it was read."""
        ...


class ResultWire(Protocol):
    """Where results are published."""

    async def publish(self, results: Sequence[DeliveryResult]) -> None:
        """Return when they are safe; raises TemporaryError otherwise."""
        ...


class Leases(Protocol):
    """Who may send what."""

    async def confirm(self, job: Job) -> bool:
        """Return whether a claimed message is still ours to send; asked right before each send."""
        ...


class Courier(Protocol):
    """Takes a message to its endpoint: rendering, retries, circuit. Never raises for a failure."""

    async def send(self, job: Job, endpoint: Endpoint) -> Attempt: ...

    async def test(self, order: Notification, endpoint: Endpoint) -> Attempt:
        """Send an order once, past the outbox, without retries."""
        ...


class Circuits(Protocol):
    """The state of every destination."""

    def readiness(self, destination: str) -> Readiness:
        """Return what the destination takes right now."""
        ...

    def views(self) -> list[CircuitView]:
        """Return every circuit as it is shown."""
        ...


class Housekeeping(Protocol):
    """What has to be counted, and what may be forgotten."""

    async def owed(self) -> tuple[int, int]:
        """Return how many messages are pending, and how many are dead."""
        ...

    async def prune(self, *, before: int, limit: int) -> int:
        """Forget what was over before that epoch ms; return how many rows."""
        ...


class Ledger(Protocol):
    """Questions that people ask about deliveries, and their orders to try again."""

    async def attempts(
        self, filters: Mapping[str, str], *, before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        """Return deliveries, newest first, from below id `before`."""
        ...

    async def failed(
        self, filters: Mapping[str, str], *, before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        """Return rows of `failed_notifications`, newest first, from below id `before`."""
        ...

    async def retry(self, delivery: int, *, now: int) -> str | None:
        """Make a failed delivery due now.

        Returns its status before; None means that there is no such delivery. Only `PENDING` and
        `DEAD` ones change.
        """
        ...

    async def retry_failed(self, filters: Mapping[str, str], *, now: int) -> int:
        """Make everything owed that the filters admit due now; return how many."""
        ...


class Previewer(Protocol):
    """Shows what templates make of an order."""

    def preview(
        self, channel: Channel, templates: Mapping[str, str], order: Notification, *, now: int
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return the texts by name, and the reason for each template that was refused."""
        ...
