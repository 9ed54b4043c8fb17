"""The gateway says that it is there while nobody sends anything."""

import pytest

from api_gateway.domain.records import LogRecord
from api_gateway.entrypoints.pulse import PAUSE_SECONDS, Pulse
from api_gateway.handlers.beating import QUIET_MS, Heartbeat
from api_gateway.testing import FakeEventLog
from service_runtime.errors import TemporaryError
from service_runtime.health import Health

NOW = 1_800_000_000_000


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


def a_record(accepted_at: int) -> LogRecord:
    return LogRecord("k", b"{}\n", 1, "acme", accepted_at, "00-t")


async def test_it_beats_once_a_second_while_nothing_is_accepted() -> None:
    log, clock = FakeEventLog(), Clock()
    heart = Heartbeat(log, clock=clock)
    for _ in range(10):
        await heart.beat()
        clock.now += QUIET_MS // 2
    assert [record.accepted_at - NOW for record in log.records] == [0, 1_000, 2_000, 3_000, 4_000]
    assert {(each.lines, each.count, each.tenant) for each in log.records} == {(b"", 0, "default")}
    assert len({each.key for each in log.records}) == 5


async def test_events_that_are_accepted_say_as_much() -> None:
    log, clock = FakeEventLog(), Clock()
    heart = Heartbeat(log, clock=clock)
    for _ in range(5):
        await heart.append(a_record(clock.now))
        clock.now += QUIET_MS - 1
        await heart.beat()
    assert [record.count for record in log.records] == [1] * 5
    clock.now += 1
    await heart.beat()
    assert log.records[-1].count == 0


async def test_what_could_not_be_stored_was_not_accepted() -> None:
    log, clock = FakeEventLog(), Clock()
    heart = Heartbeat(log, clock=clock)
    log.away = True
    with pytest.raises(TemporaryError):
        await heart.append(a_record(NOW))
    log.away = False
    await heart.beat()
    assert [record.count for record in log.records] == [0]


async def test_a_gateway_that_nobody_is_sent_to_says_nothing() -> None:
    log, health = FakeEventLog(), Health("api-gateway")
    pulse = Pulse(Heartbeat(log, clock=Clock()), health)
    await pulse.once()
    assert log.records == []
    health.ready = True
    await pulse.once()
    assert len(log.records) == 1


async def test_no_outage_and_no_fault_ends_it() -> None:
    class Failing(FakeEventLog):
        broken = False

        async def append(self, record: LogRecord) -> None:
            if self.broken:
                raise ZeroDivisionError
            await super().append(record)

    log = Failing()
    pulse = Pulse(Heartbeat(log, clock=Clock()), Health("g", ready=True))
    for log.away, log.broken in (True, False), (False, True), (False, False):
        assert await pulse.once() == PAUSE_SECONDS
    assert len(log.records) == 1
