"""One pybreaker circuit a destination, made fit for asyncio.

pybreaker 1.4.1 knows no coroutines: a call inside its lock would serialise, half-open admits
everybody, excluded errors count as success and a cancelled task as a failure. So a call is admitted
here, made outside, and only its outcome is put through `breaker.calling()`, in one synchronous
step; an outcome that says nothing about the destination (a refusal of this one message, a rate
limit, a cancelled task) is not put through at all. Its storage is memory: nothing can be slow.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

import pybreaker

from notification_service.domain.circuit import (
    CallWindow,
    CircuitPolicy,
    CircuitState,
    CircuitView,
    Readiness,
)
from notification_service.domain.outcome import Reason
from notification_service.ports import ChannelTemporaryError, CircuitOpenError
from service_runtime.telemetry import logger

log = logger(__name__)
T = TypeVar("T")
Changed = Callable[["Circuit"], None]
PROBE_PAUSE: Final = 1.0
"""Seconds after which to ask again when somebody else is the probe."""
_STATES: Final = {
    pybreaker.STATE_CLOSED: CircuitState.CLOSED,
    pybreaker.STATE_HALF_OPEN: CircuitState.HALF_OPEN,
    pybreaker.STATE_OPEN: CircuitState.OPEN,
}


class _DestinationFailedError(Exception):
    """Stands for the destination's failure inside pybreaker."""


class Circuit:
    """Lets calls through while the destination answers, and one probe at a time when it may again.

    `clock` gives epoch milliseconds. `changed` is called after each change of state.
    """

    def __init__(
        self, name: str, policy: CircuitPolicy, *, clock: Callable[[], int], changed: Changed
    ) -> None:
        self.name = name
        self._policy = policy
        self._clock = clock
        self._changed = changed
        self._calls = CallWindow(policy.window)
        self._refused = 0
        self._last_failure = ""
        self._opened_at: int | None = None
        self._held_until = 0
        self._probe = asyncio.Semaphore(1)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=policy.consecutive,
            reset_timeout=policy.cool_down / 1000,
            throw_new_error_on_trip=False,
            name=name,
        )

    @property
    def state(self) -> CircuitState:
        """The state; an open circuit stays open until a probe is admitted."""
        return _STATES[self._breaker.current_state]

    def readiness(self) -> Readiness:
        """Return what the destination takes right now."""
        now = self._clock()
        if now < self._held_until:
            return Readiness.SHUT
        if self.state is CircuitState.CLOSED:
            return Readiness.OPEN
        cooling = self.state is CircuitState.OPEN and now < self._reopens_at()
        return Readiness.SHUT if cooling or self._probe.locked() else Readiness.PROBE

    def _reopens_at(self) -> int:
        return (self._opened_at or 0) + self._policy.cool_down

    def view(self) -> CircuitView:
        """Return what is shown of it."""
        return CircuitView(
            name=self.name,
            state=self.state,
            failure_rate=self._calls.rate,
            failed_calls=self._calls.failures,
            buffered_calls=self._calls.calls,
            not_permitted_calls=self._refused,
            opened_at=self._opened_at,
        )

    async def call(self, send: Callable[[], Awaitable[T]]) -> T:
        """Make the call, unless the destination counts as down.

        Raises:
            CircuitOpenError: nothing was sent.
            ChannelTemporaryError: the call failed. A rate limit closes the door for as long as
                it says, but is no failure.
            ChannelPermanentError: this message was refused, which says nothing about others.
        """
        if self.state is CircuitState.CLOSED:
            return await self._observed(send)
        if self.state is CircuitState.OPEN and self._clock() < self._reopens_at():
            raise self._refusal((self._reopens_at() - self._clock()) / 1000)
        if self._probe.locked():
            raise self._refusal(PROBE_PAUSE)
        async with self._probe:
            if self.state is CircuitState.OPEN:
                self._move(self._breaker.half_open)
            return await self._observed(send)

    def _refusal(self, seconds: float) -> CircuitOpenError:
        self._refused += 1
        message = f"the circuit of {self.name} is open: {self._last_failure}"
        return CircuitOpenError(message, retry_after=seconds)

    async def _observed(self, send: Callable[[], Awaitable[T]]) -> T:
        try:
            answer = await send()
        except ChannelTemporaryError as exc:
            if exc.reason is Reason.RATE_LIMITED:
                self._held_until = self._clock() + round((exc.retry_after or 1.0) * 1000)
            else:
                self._last_failure = str(exc)
                self._record(failed=True)
            raise
        self._record(failed=False)
        return answer

    def _record(self, *, failed: bool) -> None:
        self._calls.add(failed=failed)
        if self.state is CircuitState.OPEN:
            return  # a call from before it opened: too old to decide anything
        self._move(self._count_failure if failed else self._count_success)

    def _count_success(self) -> None:
        with self._breaker.calling():
            pass

    def _count_failure(self) -> None:
        with contextlib.suppress(_DestinationFailedError), self._breaker.calling():
            raise _DestinationFailedError
        if self.state is CircuitState.CLOSED and self._calls.trips(self._policy):
            self._breaker.open()

    def _move(self, act: Callable[[], object]) -> None:
        before = self.state
        act()
        after = self.state
        if after is before:
            return
        if after is CircuitState.OPEN:
            self._opened_at = self._clock()
        elif after is CircuitState.CLOSED:
            self._opened_at = None
            self._calls.clear()
        log.warning("circuit_changed", destination=self.name, before=before, after=after)
        self._changed(self)


class CircuitBoard:
    """The circuits of all destinations."""

    def __init__(
        self,
        names: Iterable[str],
        policy: CircuitPolicy,
        *,
        clock: Callable[[], int],
        changed: Changed,
    ) -> None:
        self._circuits = {
            name: Circuit(name, policy, clock=clock, changed=changed) for name in names
        }

    def __getitem__(self, destination: str) -> Circuit:
        return self._circuits[destination]

    def readiness(self, destination: str) -> Readiness:
        """Return what the destination takes right now; one that we do not know takes anything."""
        circuit = self._circuits.get(destination)
        return circuit.readiness() if circuit else Readiness.OPEN

    def views(self) -> list[CircuitView]:
        """Return every circuit as it is shown."""
        return [circuit.view() for circuit in self._circuits.values()]
