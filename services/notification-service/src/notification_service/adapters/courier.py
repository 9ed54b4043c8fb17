"""Takes one message to its endpoint: render, then retry (outside) around the circuit (inside)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

import tenacity
from tenacity.wait import wait_base

from alert_contracts.notifications import Notification
from notification_service import telemetry
from notification_service.adapters.breaker import CircuitBoard
from notification_service.adapters.channel import ChannelPort, Letter
from notification_service.adapters.rendering import Renderer
from notification_service.domain.directory import Endpoint
from notification_service.domain.outcome import Attempt, Reason, RetryPolicy
from notification_service.ports import (
    ChannelPermanentError,
    ChannelTemporaryError,
    CircuitOpenError,
    Job,
    Leases,
)
from service_runtime.telemetry import logger

log = logger(__name__)
Sleep = Callable[[float], Awaitable[None]]
Permit = Callable[[], Awaitable[bool]]
JITTER: Final = 0.2


class LeaseLostError(Exception):
    """Another process has taken the message over."""


async def _granted() -> bool:
    return True


_FAILURES = (LeaseLostError, CircuitOpenError, ChannelTemporaryError, ChannelPermanentError)


def _failed(failure: Exception, sends: int) -> Attempt:
    """Return the attempt that one of those ended."""
    match failure:
        case CircuitOpenError():
            wait = failure.retry_after
            return Attempt(Reason.CIRCUIT_OPEN, sends, str(failure), retry_after=wait)
        case ChannelTemporaryError():
            wait = failure.retry_after
            return Attempt(failure.reason, sends, str(failure), retry_after=wait)
        case ChannelPermanentError():
            return Attempt(failure.reason, sends, str(failure), permanent=True)
    return Attempt(Reason.LEASE_LOST, sends, "another process has taken it over")


class Post(NamedTuple):
    """What one endpoint needs: how it looks, and the way there."""

    renderer: Renderer
    channel: ChannelPort


class _Pause(wait_base):
    """What the other side asked for, else growing pauses with jitter."""

    def __init__(self, first: float) -> None:
        self._growing = tenacity.wait_exponential_jitter(multiplier=first, max=5, jitter=JITTER)

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        failure = retry_state.outcome.exception() if retry_state.outcome else None
        asked = failure.retry_after if isinstance(failure, ChannelTemporaryError) else None
        return max(asked or 0.0, self._growing(retry_state))


class PostalCourier:
    """The real courier. `clock` gives epoch milliseconds."""

    def __init__(
        self,
        posts: Mapping[str, Post],
        circuits: CircuitBoard,
        *,
        policy: RetryPolicy,
        clock: Callable[[], int],
        leases: Leases,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._posts = posts
        self._leases = leases
        self._circuits = circuits
        self._policy = policy
        self._clock = clock
        self._sleep = sleep

    async def send(self, job: Job, endpoint: Endpoint) -> Attempt:
        post = self._posts[endpoint.name]
        letter = post.renderer.render(
            job.order, key=job.key, instead_of=job.instead_of, now=self._clock()
        )
        return await self._carry(
            letter, endpoint, self._policy, permit=lambda: self._leases.confirm(job)
        )

    async def test(self, order: Notification, endpoint: Endpoint) -> Attempt:
        """Send once, through the circuit, without retries."""
        renderer = self._posts[endpoint.name].renderer
        letter = renderer.render(order, key=order.id, instead_of="", now=self._clock())
        return await self._carry(letter, endpoint, RetryPolicy(tries=1), permit=_granted)

    async def _carry(
        self, letter: Letter, endpoint: Endpoint, policy: RetryPolicy, *, permit: Permit
    ) -> Attempt:
        """Return how it ended; failures are values here."""
        sends = 0

        async def once() -> None:
            nonlocal sends
            sends += 1
            await self._posts[endpoint.name].channel.send(letter)

        circuit = self._circuits[endpoint.destination]

        async def through() -> None:
            if not await permit():
                raise LeaseLostError
            await circuit.call(once)

        began = self._clock()
        try:
            await self._retrying(policy)(through)
        except _FAILURES as exc:
            return _failed(exc, sends)
        except Exception as exc:
            # A fault of ours in one message must not stop the others; it stays owed and visible.
            log.exception("send_failed", endpoint=endpoint.name)
            return Attempt(Reason.INTERNAL_ERROR, sends, type(exc).__name__)
        finally:
            spent = (self._clock() - began) / 1000
            telemetry.DELIVERY_SECONDS.labels(endpoint.channel.value).observe(spent)
        return Attempt(Reason.OK, sends)

    def _retrying(self, policy: RetryPolicy) -> tenacity.AsyncRetrying:
        deadline = self._clock() + round(policy.deadline * 1000)

        def spent(state: tenacity.RetryCallState) -> bool:
            pause = state.upcoming_sleep * 1000
            return state.attempt_number >= policy.tries or self._clock() + pause >= deadline

        return tenacity.AsyncRetrying(
            sleep=self._sleep,
            stop=spent,
            wait=_Pause(policy.first_pause),
            retry=tenacity.retry_if_exception_type(ChannelTemporaryError),
            reraise=True,
        )
