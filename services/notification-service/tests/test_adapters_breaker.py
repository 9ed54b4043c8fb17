"""A circuit opens, cools down, lets one probe through, and closes; laws as a state machine."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from notification_service.adapters.breaker import Circuit, CircuitBoard
from notification_service.domain.circuit import CircuitPolicy, CircuitState, Readiness
from notification_service.domain.outcome import Reason
from notification_service.ports import (
    ChannelPermanentError,
    ChannelTemporaryError,
    CircuitOpenError,
)
from notification_service.testing import FakeClock

POLICY = CircuitPolicy(consecutive=3, rate=0.5, window=8, minimum=6, cool_down=10_000)


async def fine() -> str:
    return "ok"


async def down() -> str:
    raise ChannelTemporaryError(Reason.SERVER_ERROR, "answered 503")


async def limited() -> str:
    raise ChannelTemporaryError(Reason.RATE_LIMITED, "slow down", retry_after=2.0)


async def refused() -> str:
    raise ChannelPermanentError(Reason.CLIENT_ERROR, "answered 404")


class Bench:
    """One circuit with a clock, and the states that it went through."""

    def __init__(self, policy: CircuitPolicy = POLICY) -> None:
        self.clock = FakeClock()
        self.changes: list[CircuitState] = []
        self.circuit = Circuit("slack", policy, clock=self.clock, changed=self._changed)

    def _changed(self, circuit: Circuit) -> None:
        self.changes.append(circuit.state)

    async def fail(self, times: int) -> None:
        for _ in range(times):
            with pytest.raises(ChannelTemporaryError):
                await self.circuit.call(down)

    async def opened(self) -> "Bench":
        await self.fail(POLICY.consecutive)
        assert self.circuit.state is CircuitState.OPEN
        return self


async def test_failures_in_a_row_open_it_and_nothing_is_sent_while_it_is_open() -> None:
    bench = await Bench().opened()
    with pytest.raises(CircuitOpenError, match="slack is open: answered 503") as refusal:
        await bench.circuit.call(fine)
    assert refusal.value.retry_after == 10.0
    assert bench.circuit.readiness() is Readiness.SHUT
    view = bench.circuit.view()
    assert (view.state, view.failed_calls, view.not_permitted_calls) == ("OPEN", 3, 1)
    assert view.opened_at == bench.clock.now


async def test_a_high_failure_rate_opens_it_without_failures_in_a_row() -> None:
    bench = Bench()
    for _ in range(3):
        await bench.circuit.call(fine)
        await bench.fail(1)
    assert bench.changes == [CircuitState.OPEN]


async def test_a_probe_that_works_closes_it() -> None:
    bench = await Bench().opened()
    bench.clock.advance(POLICY.cool_down)
    assert bench.circuit.readiness() is Readiness.PROBE
    assert await bench.circuit.call(fine) == "ok"
    assert bench.changes == [CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.CLOSED]
    view = bench.circuit.view()
    assert (view.opened_at, view.buffered_calls, view.failure_rate) == (None, 0, 0.0)


async def test_a_probe_that_fails_opens_it_for_another_cool_down() -> None:
    bench = await Bench().opened()
    bench.clock.advance(POLICY.cool_down)
    await bench.fail(1)
    assert bench.circuit.readiness() is Readiness.SHUT
    bench.clock.advance(POLICY.cool_down - 1)
    assert bench.circuit.readiness() is Readiness.SHUT


async def test_half_open_admits_one_probe_of_many() -> None:
    bench = await Bench().opened()
    bench.clock.advance(POLICY.cool_down)
    gate, sent = asyncio.Event(), 0

    async def slow() -> str:
        nonlocal sent
        sent += 1
        await gate.wait()
        return "ok"

    calls = [asyncio.create_task(bench.circuit.call(slow)) for _ in range(20)]
    await asyncio.sleep(0)
    assert bench.circuit.readiness() is Readiness.SHUT
    gate.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert (sent, results.count("ok")) == (1, 1)
    assert sum(isinstance(one, CircuitOpenError) for one in results) == 19


async def test_a_cancelled_call_is_neither_failure_nor_success() -> None:
    bench = await Bench().opened()
    bench.clock.advance(POLICY.cool_down)
    for _ in range(5):
        probe = asyncio.create_task(bench.circuit.call(asyncio.Event().wait))
        await asyncio.sleep(0)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
    assert bench.circuit.state is CircuitState.HALF_OPEN
    assert bench.circuit.readiness() is Readiness.PROBE


async def test_a_refused_message_says_nothing_about_the_destination() -> None:
    bench = Bench()
    for _ in range(10):
        with pytest.raises(ChannelPermanentError):
            await bench.circuit.call(refused)
    assert bench.circuit.view().buffered_calls == 0
    await bench.fail(2)
    with pytest.raises(ChannelPermanentError):
        await bench.circuit.call(refused)
    await bench.fail(1)
    assert bench.circuit.state is CircuitState.OPEN


async def test_a_rate_limit_shuts_the_door_for_as_long_as_it_says_and_is_no_failure() -> None:
    bench = Bench()
    with pytest.raises(ChannelTemporaryError):
        await bench.circuit.call(limited)
    assert bench.circuit.view().failed_calls == 0
    assert bench.circuit.readiness() is Readiness.SHUT
    bench.clock.advance(2_000)
    assert bench.circuit.readiness() is Readiness.OPEN


async def test_a_call_from_before_it_opened_cannot_close_it() -> None:
    bench = Bench()
    gate = asyncio.Event()
    early = asyncio.create_task(bench.circuit.call(gate.wait))
    await asyncio.sleep(0)
    await bench.opened()
    gate.set()
    await early
    assert bench.circuit.state is CircuitState.OPEN


def test_a_board_has_a_circuit_for_each_destination() -> None:
    board = CircuitBoard(["a", "b", "a"], POLICY, clock=FakeClock(), changed=lambda _: None)
    assert [view.name for view in board.views()] == ["a", "b"]
    assert board.readiness("a") is Readiness.OPEN
    assert board.readiness("unknown") is Readiness.OPEN
    assert board["a"].name == "a"


class CircuitMachine(RuleBasedStateMachine):
    """Whatever happens in whatever order, the circuit keeps its promises."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.row = 0
        self.sent = 0

    def call(self, send: object) -> object:
        async def counted() -> object:
            self.sent += 1
            return await send()  # type: ignore[operator]

        async def outcome() -> object:
            try:
                return await self.bench.circuit.call(counted)
            except (ChannelTemporaryError, ChannelPermanentError, CircuitOpenError) as exc:
                return exc

        return asyncio.run(outcome())

    def ready(self) -> bool:
        return self.bench.circuit.readiness() is not Readiness.SHUT

    @rule(milliseconds=st.integers(min_value=0, max_value=12_000))
    def time_passes(self, milliseconds: int) -> None:
        self.bench.clock.advance(milliseconds)

    @rule(send=st.sampled_from([fine, down, refused]))
    def a_call_is_sent_exactly_when_it_may(self, send: object) -> None:
        before, state, ready = self.sent, self.bench.circuit.state, self.ready()
        result = self.call(send)
        assert isinstance(result, CircuitOpenError) == (self.sent == before)
        if state is not CircuitState.CLOSED:
            assert (self.sent > before) == ready
        after = self.bench.circuit.state
        if send is refused and self.sent > before and state is CircuitState.CLOSED:
            assert after is CircuitState.CLOSED
        if send is fine and self.sent > before:
            assert after is CircuitState.CLOSED

    @precondition(lambda self: self.bench.circuit.state is not CircuitState.CLOSED)
    @rule()
    def it_recovers_by_itself(self) -> None:
        self.bench.clock.advance(POLICY.cool_down)
        assert self.call(fine) == "ok"
        assert self.bench.circuit.state is CircuitState.CLOSED

    @invariant()
    def an_open_circuit_knows_since_when(self) -> None:
        view = self.bench.circuit.view()
        assert (view.opened_at is None) == (view.state is CircuitState.CLOSED)
        assert 0.0 <= view.failure_rate <= 1.0


CircuitMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
test_the_laws_of_a_circuit = CircuitMachine.TestCase
