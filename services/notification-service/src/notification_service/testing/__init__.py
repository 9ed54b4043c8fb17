"""Fakes of what delivery needs. Each passes the suite of the thing that it replaces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from alert_contracts.notifications import DeliveryResult, Notification
from notification_service.domain.circuit import CircuitState, CircuitView, Readiness
from notification_service.domain.directory import Channel, Directory, Endpoint
from notification_service.domain.outcome import Attempt, Reason
from notification_service.domain.sample import sample_order
from notification_service.ports import Job
from service_runtime.errors import TemporaryError


@dataclass(slots=True)
class FakeClock:
    """Epoch milliseconds that move only when told to."""

    now: int = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now

    def advance(self, milliseconds: int) -> None:
        self.now += milliseconds

    async def sleep(self, seconds: float) -> None:
        """Return at once, later."""
        self.now += round(seconds * 1000)


def endpoint(
    receiver: str, channel: Channel = Channel.SLACK, *, index: int = 0, send_resolved: bool = True
) -> Endpoint:
    """Return an endpoint whose destination is the channel's name."""
    return Endpoint(
        receiver=receiver,
        integration=f"{channel.value}[{index}]",
        channel=channel,
        destination=channel.value,
        send_resolved=send_resolved,
    )


def directory(*endpoints: Endpoint, **fallbacks: tuple[str, ...]) -> Directory:
    """Return a directory of these endpoints under their receivers' names."""
    receivers: dict[str, tuple[Endpoint, ...]] = {}
    for one in endpoints:
        receivers[one.receiver] = (*receivers.get(one.receiver, ()), one)
    return Directory(receivers, fallbacks)


def order(
    receiver: str = "slack",
    *,
    id: str = "n1",  # noqa: A002 - the field's name
    group_key: str = "group",
    status: Literal["firing", "resolved"] = "firing",
    now: int = 1_800_000_000_000,
) -> Notification:
    """Return an order about one alert."""
    sample = sample_order(receiver, status=status, now=now, test=False)
    fields = {name: getattr(sample, name) for name in sample.__struct_fields__}
    return Notification(**{**fields, "id": id, "group_key": group_key})


@dataclass(slots=True)
class FakeCourier:
    """Answers what it was told to; by default everything arrives."""

    answers: dict[str, list[Attempt]] = field(default_factory=dict)
    """By endpoint name, in order; the last one stays."""
    sent: list[tuple[str, str]] = field(default_factory=list)
    """Endpoint name and idempotency key (or the order's id, in a test) of each send."""

    async def send(self, job: Job, endpoint: Endpoint) -> Attempt:
        return self._answer(endpoint, job.key)

    async def test(self, order: Notification, endpoint: Endpoint) -> Attempt:
        return self._answer(endpoint, order.id)

    def _answer(self, endpoint: Endpoint, key: str) -> Attempt:
        self.sent.append((endpoint.name, key))
        answers = self.answers.get(endpoint.name, [Attempt(Reason.OK, 1)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@dataclass(slots=True)
class FakeCircuits:
    """Circuits whose state is set by hand."""

    states: dict[str, Readiness] = field(default_factory=dict)

    def readiness(self, destination: str) -> Readiness:
        return self.states.get(destination, Readiness.OPEN)

    def views(self) -> list[CircuitView]:
        shown = {
            Readiness.OPEN: CircuitState.CLOSED,
            Readiness.PROBE: CircuitState.HALF_OPEN,
            Readiness.SHUT: CircuitState.OPEN,
        }
        blank = CircuitView("", CircuitState.CLOSED, 0.125, 1, 8, 0, None)
        return [
            blank._replace(name=name, state=shown[state], opened_at=None)
            for name, state in self.states.items()
        ]


@dataclass(slots=True)
class FakeWire:
    """Keeps what was published; `away` makes it refuse."""

    results: list[DeliveryResult] = field(default_factory=list)
    away: bool = False

    async def publish(self, results: Sequence[DeliveryResult]) -> None:
        if self.away:
            message = "Kafka is away"
            raise TemporaryError(message)
        self.results += results


@dataclass(slots=True)
class FakeLedger:
    """Answers with rows that a test put there, and notes what it was asked."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    statuses: dict[int, str] = field(default_factory=dict)
    asked: list[tuple[Mapping[str, str], int | None]] = field(default_factory=list)

    async def attempts(
        self, filters: Mapping[str, str], *, before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        self.asked.append((filters, before))
        return [row for row in self.rows if before is None or row["id"] < before][:limit]

    async def failed(
        self, filters: Mapping[str, str], *, before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        return await self.attempts(filters, before=before, limit=limit)

    async def retry(self, delivery: int, *, now: int) -> str | None:  # noqa: ARG002 - the port's
        return self.statuses.get(delivery)

    async def retry_failed(self, filters: Mapping[str, str], *, now: int) -> int:  # noqa: ARG002
        self.asked.append((filters, None))
        return len(self.statuses)
