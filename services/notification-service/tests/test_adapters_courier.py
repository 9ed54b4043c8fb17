"""Retries outside, circuit inside; whatever happens is a value."""

from collections.abc import Sequence

import pytest

from notification_service.adapters.breaker import CircuitBoard
from notification_service.adapters.channel import Letter
from notification_service.adapters.courier import Post, PostalCourier
from notification_service.adapters.rendering import Renderer
from notification_service.domain.circuit import CircuitPolicy, CircuitState
from notification_service.domain.directory import Channel
from notification_service.domain.outcome import Attempt, Reason, RetryPolicy
from notification_service.ports import ChannelPermanentError, ChannelTemporaryError, Job
from notification_service.testing import FakeClock, endpoint, order

HERE = endpoint("ops")
SERVER = ChannelTemporaryError(Reason.SERVER_ERROR, "answered 503")
LIMITED = ChannelTemporaryError(Reason.RATE_LIMITED, "slow down", retry_after=7.0)
LONG = ChannelTemporaryError(Reason.RATE_LIMITED, "slow down", retry_after=600.0)
REFUSED = ChannelPermanentError(Reason.AUTH_ERROR, "answered 403")


class ScriptedChannel:
    """Fails as it was told to, and then takes everything."""

    def __init__(self, failures: Sequence[Exception]) -> None:
        self.failures = list(failures)
        self.letters: list[Letter] = []

    async def send(self, letter: Letter) -> None:
        self.letters.append(letter)
        if self.failures:
            raise self.failures.pop(0)


class Bench:
    def __init__(self, *failures: Exception) -> None:
        self.clock = FakeClock()
        self.asked: list[str] = []
        self.ours_for = 99
        self.channel = ScriptedChannel(failures)
        self.circuits = CircuitBoard(
            ["slack"], CircuitPolicy(consecutive=4), clock=self.clock, changed=lambda _: None
        )
        self.courier = PostalCourier(
            {HERE.name: Post(Renderer(Channel.SLACK, {}), self.channel)},
            self.circuits,
            policy=RetryPolicy(),
            clock=self.clock,
            leases=self,
            sleep=self.clock.sleep,
        )

    async def confirm(self, job: Job) -> bool:
        self.asked.append(job.key)
        return len(self.asked) <= self.ours_for

    async def send(self) -> Attempt:
        job = Job(
            id=1,
            key="the-key",
            order=order("ops"),
            receiver="ops",
            integration="slack[0]",
            channel="slack",
            visited=("ops",),
            owed=False,
            behind=False,
            rounds=0,
            attempts=0,
            created_at=self.clock.now,
        )
        return await self.courier.send(job, HERE)


async def test_what_arrives_was_really_sent() -> None:
    bench = Bench()
    assert await bench.send() == Attempt(Reason.OK, 1)
    assert [letter.key for letter in bench.channel.letters] == ["the-key"]


async def test_a_hiccup_is_retried_under_the_same_key() -> None:
    bench = Bench(SERVER, SERVER)
    assert await bench.send() == Attempt(Reason.OK, 3)
    assert {letter.key for letter in bench.channel.letters} == {"the-key"}


async def test_after_the_last_try_the_failure_is_told() -> None:
    bench = Bench(SERVER, SERVER, SERVER)
    assert await bench.send() == Attempt(Reason.SERVER_ERROR, 3, "answered 503")


async def test_a_refusal_is_not_retried() -> None:
    bench = Bench(REFUSED)
    assert await bench.send() == Attempt(Reason.AUTH_ERROR, 1, "answered 403", permanent=True)


async def test_a_wait_that_was_asked_for_is_kept() -> None:
    bench = Bench(LIMITED)
    began = bench.clock.now
    assert await bench.send() == Attempt(Reason.OK, 2)
    assert bench.clock.now - began >= 7_000


async def test_a_wait_beyond_the_deadline_ends_the_round() -> None:
    bench = Bench(LONG)
    attempt = await bench.send()
    assert attempt == Attempt(Reason.RATE_LIMITED, 1, "slow down", retry_after=600.0)


async def test_an_open_circuit_ends_the_round_without_a_send() -> None:
    bench = Bench(*[SERVER] * 4)
    await bench.send()
    assert (await bench.send()).reason is Reason.CIRCUIT_OPEN
    assert bench.circuits["slack"].state is CircuitState.OPEN
    attempt = await bench.send()
    assert (attempt.reason, attempt.sends, len(bench.channel.letters)) == (
        Reason.CIRCUIT_OPEN,
        0,
        4,
    )
    assert attempt.retry_after == pytest.approx(10.0, abs=0.5)


async def test_a_fault_of_ours_is_a_failure_like_any_other() -> None:
    bench = Bench(ZeroDivisionError())
    assert await bench.send() == Attempt(Reason.INTERNAL_ERROR, 1, "ZeroDivisionError")


async def test_what_another_process_has_taken_over_is_not_sent() -> None:
    bench = Bench(SERVER)
    bench.ours_for = 1
    attempt = await bench.send()
    assert (attempt.reason, attempt.sends) == (Reason.LEASE_LOST, 1)
    assert bench.asked == ["the-key"] * 2
    assert len(bench.channel.letters) == 1


async def test_a_test_message_is_tried_once() -> None:
    bench = Bench(SERVER)
    attempt = await bench.courier.test(order("ops", id="test-1"), HERE)
    assert (attempt.reason, attempt.sends) == (Reason.SERVER_ERROR, 1)
    assert bench.channel.letters[0].key == "test-1"
