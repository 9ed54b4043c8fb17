"""Use cases: take an order in, and bring one message to the person."""

from collections.abc import Callable, Sequence
from typing import Final

from alert_contracts.notifications import Notification
from notification_service import telemetry
from notification_service.domain.directory import Channel, Directory, Endpoint
from notification_service.domain.fallback import next_receiver
from notification_service.domain.outcome import Action, Attempt, Patience, Reason, Verdict, judge
from notification_service.ports import Courier, Job, NewDelivery, Outbox, ResultLog, ResultWire
from service_runtime.telemetry import logger

log = logger(__name__)
Clock = Callable[[], int]
REMINDER: Final = "repeat_due"
_UNTRIED: Final = frozenset({Reason.WAITS_FOR_EARLIER, Reason.LEASE_LOST})


def plan(
    directory: Directory, order: Notification, receiver: str, visited: tuple[str, ...]
) -> list[NewDelivery]:
    """Return one message for each integration of a receiver, each with a key of its own.

    A receiver that the configuration does not have gets one message that cannot be delivered:
    nothing is dropped silently.
    """
    endpoints = directory.receivers.get(receiver)
    if endpoints is None:
        endpoints = (unknown_endpoint(receiver),)
    return [
        NewDelivery(
            key=f"{order.id}:{receiver}:{endpoint.integration}",
            order=order,
            endpoint=endpoint,
            visited=visited,
            skipped=_skip(order, endpoint),
        )
        for endpoint in endpoints
    ]


def unknown_endpoint(receiver: str) -> Endpoint:
    """Return the place of messages for a receiver that the configuration lacks."""
    return Endpoint(receiver=receiver, integration="none[0]", channel=Channel.NONE, destination="")


def _skip(order: Notification, endpoint: Endpoint) -> Reason | None:
    unwanted = order.status == "resolved" and not endpoint.send_resolved
    return Reason.RESOLVED_NOT_WANTED if unwanted else None


def latency(order: Notification, now: int) -> float | None:
    """Return the seconds since the event that crossed was accepted, for the first message of it."""
    return _seconds(order, [alert.accepted_at for alert in order.alerts], now)


def delay(order: Notification, now: int) -> float | None:
    """Return the seconds since the engine decided that it fires, for the first message of it."""
    return _seconds(order, [alert.decided_at for alert in order.alerts], now)


def _seconds(order: Notification, stamps: Sequence[int | None], now: int) -> float | None:
    known = [at for at in stamps if at is not None]
    if not known or order.status == "resolved" or order.reason == REMINDER:
        return None
    return max(0, now - min(known)) / 1000


def _time(order: Notification, now: int) -> None:
    """Observe how long a delivery took."""
    for histogram, spent in (
        (telemetry.ALERT_TO_NOTIFICATION, latency(order, now)),
        (telemetry.DECISION_TO_NOTIFICATION, delay(order, now)),
    ):
        if spent is not None:
            histogram.observe(spent)


class Notifier:
    """Everything that happens between an order and its delivery. `clock` gives epoch ms."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        courier: Courier,
        directory: Directory,
        patience: Patience,
        clock: Clock,
    ) -> None:
        self._outbox = outbox
        self._courier = courier
        self._directory = directory
        self._patience = patience
        self._clock = clock

    async def accept(self, orders: Sequence[Notification]) -> int:
        """Store one message for each integration of each order's receiver; return how many."""
        planned = [
            delivery
            for order in orders
            for delivery in plan(self._directory, order, order.receiver, (order.receiver,))
        ]
        return await self._outbox.add(planned, now=self._clock()) if planned else 0

    async def deliver(self, job: Job) -> Verdict:
        """Try to deliver what was claimed, and store what became of it.

        Raises:
            TemporaryError: the outbox is away; each of the three steps can be done again.
        """
        await self.follow(job)
        attempt = await self.attempt(job)
        return await self.settle(job, attempt)

    async def follow(self, job: Job) -> None:
        """Have a resolution told to everybody who heard of the alert instead of this receiver."""
        if job.order.status != "resolved" or job.instead_of:
            return
        planned = [
            delivery
            for receiver in await self._outbox.stand_ins(job)
            for delivery in plan(self._directory, job.order, receiver, (job.receiver, receiver))
        ]
        if planned:
            await self._outbox.add(planned, now=self._clock())

    async def attempt(self, job: Job) -> Attempt:
        """Return how the attempt ended; nothing is stored yet."""
        if job.behind:
            return Attempt(Reason.WAITS_FOR_EARLIER, error="an earlier message is still owed")
        endpoint = self._directory.endpoint(job.receiver, job.integration)
        if endpoint is None:
            gone = f"the configuration has no {job.receiver}/{job.integration}"
            return Attempt(Reason.UNKNOWN_RECEIVER, error=gone, permanent=True)
        return await self._courier.send(job, endpoint)

    async def settle(self, job: Job, attempt: Attempt) -> Verdict:
        """Decide what follows from an attempt, and store it."""
        now = self._clock()
        verdict = judge(
            attempt,
            taken_over_by=self._next(job),
            owed=job.owed,
            rounds=job.rounds,
            created_at=job.created_at,
            patience=self._patience,
            now=now,
        )
        await self._store(job, attempt, verdict, now)
        self._tell(job, attempt, verdict, now)
        return verdict

    def _next(self, job: Job) -> str | None:
        """Good news can wait, and an incident is closed where it was opened: no fallback."""
        if job.behind or job.order.status == "resolved":
            return None
        return next_receiver(self._directory, job.visited)

    async def _store(self, job: Job, attempt: Attempt, verdict: Verdict, now: int) -> None:
        if verdict.action is Action.DELIVERED:
            await self._outbox.delivered(job, attempt, now=now)
        elif verdict.action is Action.FELL_BACK:
            visited = (*job.visited, verdict.fallback)
            instead = plan(self._directory, job.order, verdict.fallback, visited)
            await self._outbox.fell_back(job, attempt, instead, now=now)
        elif verdict.action is not Action.LEFT:
            await self._outbox.owe(job, attempt, next_at=verdict.next_at, now=now)

    def _tell(self, job: Job, attempt: Attempt, verdict: Verdict, now: int) -> None:
        facts = {
            "notification": job.order.id,
            "receiver": job.receiver,
            "integration": job.integration,
            "reason": attempt.reason.value,
            "attempts": attempt.sends,
        }
        if attempt.delivered:
            telemetry.SENT.labels(job.channel, "success").inc()
            _time(job.order, now)
            log.info("notification_delivered", **facts)
            return
        if attempt.reason not in _UNTRIED:
            telemetry.SENT.labels(job.channel, "failure").inc()
        telemetry.FAILURES.labels(job.channel, attempt.reason.value).inc()
        if verdict.action is Action.FELL_BACK:
            telemetry.FALLBACKS.labels(job.channel).inc()
        log.warning(
            "notification_not_delivered",
            **facts,
            action=verdict.action.value,
            error=attempt.error,
            fallback=verdict.fallback,
        )


class Reporter:
    """Tells the alert manager what became of its orders; nothing is told before it is stored."""

    def __init__(self, log_of_results: ResultLog, wire: ResultWire) -> None:
        self._results = log_of_results
        self._wire = wire

    async def publish(self, *, limit: int = 200) -> int:
        """Publish what is not yet published, oldest first; return how many.

        Raises:
            TemporaryError: the store or Kafka is away; the same results come again.
        """
        results = await self._results.unpublished(limit)
        if results:
            await self._wire.publish([one.result for one in results])
            await self._results.published(results)
        return len(results)
