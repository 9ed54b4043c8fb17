"""What the handlers need of the world. All times are epoch milliseconds."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from alert_contracts.rules import Severity
from alert_manager.domain.dedup import Standing, State
from alert_manager.domain.history import AlertRecord, Entry
from alert_manager.domain.intake import Memory
from alert_manager.domain.orders import Order
from alert_manager.domain.shortcut import Matter, Repeat, Seen

TENANT: Final = "default"
"""Whose alerts the REST API shows, until requests say who they are for."""
CLOCK_SKEW_MS: Final = 5_000
"""How far another machine's clock may be behind ours for its deliveries to count."""


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts to list: those that every given field lets through, newest first."""

    states: tuple[State, ...] = ()
    severities: tuple[Severity, ...] = ()
    rule: str | None = None
    """Id or exact name."""
    service: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    since: int | None = None
    """Began at or after."""
    until: int | None = None
    """Began before."""
    text: str | None = None
    """Part of the rule's name, the reason or a label's value, in any case."""
    after: tuple[int, str] | None = None
    """Start and id of the last alert of the page before."""
    limit: int = 50


class Refusal(NamedTuple):
    """An order that can never be published, and why."""

    order: Order
    reason: str


@dataclass(frozen=True, slots=True)
class Published:
    """What became of orders that were handed over; those in neither list may work later."""

    done: Sequence[Order]
    refused: Sequence[Refusal] = ()
    postponed: str = ""
    """Why the rest must wait."""


class Change(Protocol):
    """One transaction on the history."""

    async def refresh(
        self, repeats: Sequence[Repeat], *, told_after: int, now: int
    ) -> dict[str, Standing]:
        """Store newer evidence of alerts that fire and that somebody was told of after that moment.

        Returns their standings by id; alerts that are not so are left alone.
        """
        ...

    async def recall(self, ids: Sequence[str], matters: Sequence[Matter]) -> Memory:
        """Return what is held, locked against other changes until the transaction ends."""
        ...

    async def save(
        self, records: Sequence[AlertRecord], entries: Sequence[Entry], orders: Sequence[Order]
    ) -> None:
        """Store records, timeline rows and orders; what is there already is not repeated."""
        ...


class History(Protocol):
    """Every alert and every decision: the authority."""

    def change(self) -> AbstractAsyncContextManager[Change]:
        """Begin a transaction, which commits unless the block raises."""
        ...

    async def find(self, tenant: str, alert_id: str) -> AlertRecord | None: ...

    async def search(self, tenant: str, wanted: AlertFilter) -> list[AlertRecord]: ...

    async def timeline(self, tenant: str, alert_id: str, *, limit: int) -> list[Entry]:
        """Return the newest rows, oldest first."""
        ...

    async def note_deliveries(self, entries: Sequence[Entry], delivered: Mapping[str, int]) -> None:
        """Store timeline rows, and when each alert, since it was stored, first reached somebody."""
        ...

    async def count_open(self) -> int: ...

    async def forget(self, *, before: int, limit: int) -> int:
        """Delete alerts that were over before that moment; return how many."""
        ...


class Claim(Protocol):
    """Orders that nobody else publishes while the claim lasts."""

    @property
    def orders(self) -> Sequence[Order]: ...

    async def settle(
        self, done: Sequence[Order], refused: Sequence[Refusal], *, now: int
    ) -> None: ...


class Outbox(Protocol):
    """Orders that are stored and perhaps not yet published."""

    def owed(self, *, before: int, limit: int) -> AbstractAsyncContextManager[Claim]:
        """Claim the oldest unpublished orders that were stored before that moment."""
        ...

    async def settle(self, done: Sequence[Order], refused: Sequence[Refusal], *, now: int) -> None:
        """Remember that some orders are published, and that others can never be."""
        ...

    async def count_owed(self) -> int: ...


class SeenCache(Protocol):
    """A fast, forgetful copy of what the history holds. Raises TemporaryError when it is away."""

    async def look_up(self, matters: Sequence[Matter]) -> dict[Matter, Seen]: ...

    async def update(
        self, seen: Mapping[Matter, Seen], gone: Iterable[Matter], *, now: int
    ) -> None:
        """Remember some matters until their next reminder is due, and forget others."""
        ...


class Publisher(Protocol):
    """Where orders go."""

    async def publish(self, orders: Sequence[Order]) -> Published:
        """Hand all of them over and wait for their acknowledgements."""
        ...


class Clock(Protocol):
    """Wall clock."""

    def __call__(self) -> int: ...
