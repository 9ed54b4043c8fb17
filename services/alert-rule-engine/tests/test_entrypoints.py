"""Watching over a worker, and Faust's events as records."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from faust.types import TP

from alert_contracts.alerts import Alert
from alert_contracts.rule_status import RuleStatus, decode_status, encode_status
from alert_contracts.topics import Topic
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.partials import Partial, Tick
from alert_rule_engine.entrypoints.evaluate import EvaluateWorker
from alert_rule_engine.entrypoints.guard import (
    DeafWatch,
    Fence,
    FencedAlerts,
    LoopWatch,
    StallWatch,
    close_gap,
    forever,
    was_skipped,
)
from alert_rule_engine.entrypoints.packing import MAX_SECONDS
from alert_rule_engine.entrypoints.records import record_of
from alert_rule_engine.entrypoints.statuses import tell_statuses
from alert_rule_engine.failpoints import Point, Reach, unarmed
from alert_rule_engine.handlers.evaluate import EvaluateBatch
from alert_rule_engine.testing import (
    NOON,
    EndedError,
    FakeAlerts,
    FakeOutlet,
    Pipeline,
    a_rule,
    an_error,
    book_of,
)
from alert_rule_engine.testing import end as halt


def test_work_that_goes_on_is_left_alone() -> None:
    watch = StallWatch(halt, seconds=60)
    for now in range(0, 600, 10):
        watch.observe(lag=100, progress=now, now=now)


def test_nothing_to_do_is_no_stall() -> None:
    watch = StallWatch(halt, seconds=60)
    for now in range(0, 600, 10):
        watch.observe(lag=0, progress=7, now=now)
    watch.observe(lag=5, progress=7, now=620)


def test_records_that_wait_while_none_is_done_end_the_process() -> None:
    watch = StallWatch(halt, seconds=60)
    watch.observe(lag=5, progress=7, now=0)
    watch.observe(lag=5, progress=7, now=60)
    with pytest.raises(EndedError, match="5 records wait"):
        watch.observe(lag=5, progress=7, now=61)


def an_alert() -> Alert:
    pipeline = Pipeline(a_rule(threshold=0))
    pipeline.post(an_error())
    return pipeline.alerts[0]


async def broker() -> AsyncIterator[str]:
    """Listen as a broker does, and yield the address."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"


reachable = pytest.fixture(broker)


async def test_a_consumer_that_hears_nothing_of_a_broker_that_is_there_ends_the_process(
    reachable: str,
) -> None:
    watch = DeafWatch(f"{reachable},other:9092", halt, seconds=60)
    await watch.unheard(now=0)
    await watch.unheard(now=60)
    with pytest.raises(EndedError, match="deaf"):
        await watch.unheard(now=61)


async def test_an_answer_begins_the_wait_anew(reachable: str) -> None:
    watch = DeafWatch(reachable, halt, seconds=60)
    await watch.unheard(now=0)
    watch.heard()
    await watch.unheard(now=61)


async def test_a_broker_that_is_away_is_waited_for() -> None:
    watch = DeafWatch("127.0.0.1:1", halt, seconds=60)
    for now in range(0, 600, 10):
        await watch.unheard(now=now)


class SteadyClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_a_process_that_stood_still_for_long_ends_before_it_says_anything() -> None:
    clock, sink = SteadyClock(), FakeAlerts()
    fence = Fence(halt, 7, clock)
    alerts = FencedAlerts(sink, fence)
    clock.now += 60
    await alerts.send(an_alert())
    await fence.beat()
    clock.now += 7
    await fence.beat()
    await alerts.send(an_alert())
    clock.now += 8
    with pytest.raises(EndedError, match=r"stood still for 8\.0 s"):
        await alerts.send(an_alert())
    with pytest.raises(EndedError):
        await fence.beat()
    assert len(sink.alerts) == 2


async def test_statuses_are_told_under_a_key_of_their_own() -> None:
    outlet = FakeOutlet()
    status = RuleStatus("default", "r1", 1, "aggregate", "3", NOON)
    await tell_statuses(outlet, [status])
    assert outlet.keyed_values == [
        ("rule-status", b"aggregate/3/default/r1", encode_status(status))
    ]


async def test_a_status_that_cannot_be_sent_is_no_failure() -> None:
    class Away(FakeOutlet):
        async def keyed(self, *_args: Any) -> Any:  # noqa: ANN401
            raise KafkaError

    await tell_statuses(Away(), [RuleStatus("default", "r1", 1, "aggregate", "3", NOON)])


@pytest.mark.parametrize(
    ("acked", "committed", "after"),
    [
        ([7, 8], 5, {5, 6, 7, 8}),
        ([5, 6], 5, {5, 6}),
        ([], 5, set()),
        ([7], None, {7}),
    ],
)
def test_records_that_faust_skipped_though_the_state_has_them_hold_no_commit_back(
    acked: list[int], committed: int | None, after: set[int]
) -> None:
    consumer = SimpleNamespace(_acked={SOURCE: acked}, _committed_offset={SOURCE: committed})
    close_gap(consumer, SOURCE)
    assert set(acked) == after


class FakeConsumer:
    def __init__(self, earliest: int) -> None:
        self.earliest = earliest

    async def earliest_offsets(self, tp: TP) -> dict[TP, int]:
        return {tp: self.earliest}


class FakeApp:
    """As much of a Faust app as a worker touches before it is started."""

    def __init__(self, *, committed: int | None, earliest: int, end: int) -> None:
        self.rebalancing = False
        self.consumer = self
        self.on_partitions_assigned = self
        self._committed_offset = {SOURCE: committed}
        self._earliest = earliest
        self._end = end
        self.monitor = self
        self.tp_end_offsets: dict[TP, int] = {}

    def topic(self, name: str, **_types: type) -> str:
        return name

    def agent(self, *_topics: str, **_options: object) -> Callable[[object], None]:
        return self._take

    def _take(self, body: Any) -> None:  # noqa: ANN401 - the agent's function
        self.body = body

    def connect(self, callback: Callable[..., Awaitable[None]]) -> None:
        self.assign = callback

    def assignment(self) -> set[TP]:
        return {SOURCE}

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, self._end)

    async def position(self, _tp: TP) -> int:
        return self._end

    async def earliest_offsets(self, tp: TP) -> dict[TP, int]:
        return {tp: self._earliest}


SOURCE = TP("log-events", 3)


@pytest.mark.parametrize(
    ("committed", "earliest", "end", "idle"),
    [
        (None, 0, 0, True),
        (None, 0, 5, False),
        (None, 5, 5, True),
        (4, 0, 5, False),
        (5, 0, 5, True),
    ],
)
async def test_a_silent_source_is_idle_only_if_all_of_it_was_told(
    *, committed: int | None, earliest: int, end: int, idle: bool
) -> None:
    app: Any = FakeApp(committed=committed, earliest=earliest, end=end)
    outlet = FakeOutlet()
    worker = a_worker(app, outlet)
    await app.assign(app, {SOURCE}, signal=None)
    await worker.tick()
    assert [target for _, target, _ in outlet.sent] == ([0, 1, 2, 3] if idle else [])


class FakeStream:
    """A Faust stream of these events; it remembers what was acknowledged."""

    def __init__(self, events: list[Any]) -> None:
        self._events = events
        self.acked: list[int] = []

    def noack(self) -> "FakeStream":
        return self

    async def events(self) -> AsyncIterator[Any]:
        while self._events:
            yield self._events.pop(0)

    async def ack(self, event: Any) -> None:  # noqa: ANN401
        self.acked.append(event.message.offset)


def an_event(offset: int, value: bytes = b"", tp: TP = SOURCE) -> Any:  # noqa: ANN401
    place = {"topic": tp.topic, "partition": tp.partition, "offset": offset, "tp": tp}
    rest = {"key": b"k", "value": value, "headers": None, "timestamp": 1.0}
    return SimpleNamespace(message=SimpleNamespace(**place, **rest))


def a_worker(
    app: Any,  # noqa: ANN401
    outlet: FakeOutlet,
    reach: Reach = unarmed,
    clock: Callable[[], float] = lambda: 100.0,
) -> EvaluateWorker:
    """Return one for which no time passes, unless it has a clock."""
    return EvaluateWorker(
        app,
        EvaluateBatch(lambda: NOON),
        outlet,
        clock=lambda: NOON,
        end=halt,
        deaf=DeafWatch("127.0.0.1:1", halt),
        idle_after=0,
        reach=reach,
        monotonic=clock,
    )


def offsets(values: list[tuple[str, int, bytes]]) -> list[list[int]]:
    found = [partials.decode(value) for _, _, value in values]
    return [[each.offset for each in some if isinstance(each, Partial)] for some in found]


def idle(values: list[tuple[str, int, bytes]]) -> list[dict[int, int]]:
    messages = [each for _, _, value in values for each in partials.decode(value)]
    return [each.idle for each in messages if isinstance(each, Tick)]


@pytest.mark.parametrize(("end", "told"), [(1, [{SOURCE.partition: 2}] * 4), (3, [])])
async def test_a_beat_that_comes_while_the_end_is_asked_for_holds_no_event_time_back(
    *, end: int, told: list[dict[int, int]]
) -> None:
    app: Any = FakeApp(committed=0, earliest=0, end=end)
    outlet = FakeOutlet()
    worker = a_worker(app, outlet)
    await app.assign(app, {SOURCE}, signal=None)
    await app.body(FakeStream([an_event(0)]))

    async def beat_and_end(*tps: TP) -> dict[TP, int]:
        await app.body(FakeStream([an_event(1)]))
        return dict.fromkeys(tps, end)

    app.highwaters = beat_and_end
    await worker.tick()
    assert idle(outlet.sent) == told


async def test_records_that_wait_share_a_record_and_are_acknowledged_in_order() -> None:
    app: Any = FakeApp(committed=0, earliest=0, end=5)
    app.tp_end_offsets = {SOURCE: 5}
    outlet = FakeOutlet()
    passed: list[Point] = []
    worker = a_worker(app, outlet, passed.append)
    await app.assign(app, {SOURCE}, signal=None)
    stream = FakeStream([an_event(number) for number in range(5)])
    settling = asyncio.ensure_future(worker.settle())
    await app.body(stream)
    assert offsets(outlet.sent) == [[0, 1, 2, 3, 4]] * 4
    await worker.drain()
    assert stream.acked == [0, 1, 2, 3, 4]
    assert passed == [Point.EVALUATE_BEFORE_SEND, Point.EVALUATE_BEFORE_ACK]
    assert worker.ready()
    settling.cancel()


async def test_a_record_for_which_none_waits_is_told_at_once() -> None:
    app: Any = FakeApp(committed=0, earliest=0, end=5)
    outlet = FakeOutlet()
    a_worker(app, outlet)
    for offset in range(2):
        app.tp_end_offsets = {SOURCE: offset + 1}
        await app.body(FakeStream([an_event(offset)]))
        assert offsets(outlet.sent[-4:]) == [[offset]] * 4


async def test_a_record_waits_a_moment_for_those_of_other_sources() -> None:
    app: Any = FakeApp(committed=0, earliest=0, end=5)
    outlet = FakeOutlet()
    passed = asyncio.Event()
    clock = SteadyClock()
    worker = a_worker(app, outlet, lambda _: passed.set(), clock)
    other = TP("log-events", 4)
    app.tp_end_offsets = {SOURCE: 1, other: 3}
    await app.body(FakeStream([an_event(0, tp=other), an_event(0)]))
    assert outlet.sent == []
    clock.now += 2 * MAX_SECONDS
    lingering = asyncio.ensure_future(worker.linger())
    async with asyncio.timeout(10):
        await passed.wait()
    assert offsets(outlet.sent) == [[0, 0]] * 4
    lingering.cancel()


async def test_poison_is_set_aside_and_told_all_the_same() -> None:
    app: Any = FakeApp(committed=0, earliest=0, end=5)
    outlet = FakeOutlet()
    a_worker(app, outlet)
    await app.body(FakeStream([an_event(0, b"nonsense")]))
    assert [record.offset for record, _ in outlet.dead] == [0]
    assert offsets(outlet.sent) == [[0]] * 4


async def test_a_worker_that_cannot_go_on_ends() -> None:
    app: Any = FakeApp(committed=0, earliest=0, end=5)
    a_worker(app, FakeOutlet())
    with pytest.raises(EndedError, match="offset 2 of"):
        await app.body(FakeStream([an_event(0), an_event(2)]))


async def test_a_worker_that_drains_takes_nothing_more() -> None:
    app: Any = FakeApp(committed=0, earliest=0, end=5)
    outlet = FakeOutlet()
    worker = a_worker(app, outlet)
    await worker.drain()
    await app.body(FakeStream([an_event(0)]))
    assert outlet.sent == []


async def test_how_the_rules_fare_is_told_once_while_nothing_changes() -> None:
    app: Any = FakeApp(committed=0, earliest=0, end=5)
    outlet = FakeOutlet()
    handler = EvaluateBatch(lambda: NOON, worker="w1")
    handler.follow(book_of(a_rule()))
    watch = DeafWatch("127.0.0.1:1", halt)
    worker = EvaluateWorker(
        app, handler, outlet, clock=lambda: NOON, end=halt, deaf=watch, idle_after=0
    )
    for _ in range(2):
        await worker.publish()
    ((topic, key, value),) = outlet.keyed_values
    assert (topic, key) == (Topic.RULE_STATUS, b"evaluate/w1/default/r1")
    assert decode_status(value or b"").revision == 1


@pytest.mark.parametrize(
    ("due", "offset", "earliest", "skipped"),
    [(5, 5, 0, False), (5, 3, 0, False), (5, 7, 0, True), (5, 7, 7, False), (5, 8, 7, True)],
)
async def test_a_record_that_was_not_delivered_is_told_from_one_that_is_no_more(
    *, due: int, offset: int, earliest: int, skipped: bool
) -> None:
    consumer = FakeConsumer(earliest)
    assert await was_skipped(consumer, TP("t", 0), due=due, offset=offset) is skipped


async def test_the_loop_is_young_while_it_turns() -> None:
    clock = SteadyClock()
    watch = LoopWatch(halt, monotonic=clock)
    clock.now += 20
    assert watch.age() == 20
    turning = asyncio.ensure_future(watch.run())
    await asyncio.sleep(0)
    assert watch.age() == 0
    turning.cancel()
    watch.close()


def test_a_loop_that_stands_still_ends_the_process() -> None:
    told: list[str] = []
    ended = threading.Event()

    def note(reason: str) -> None:
        told.append(reason)
        ended.set()

    watch = LoopWatch(note, seconds=0)
    assert ended.wait(10)
    watch.close()
    assert told[0] == "the event loop has not turned for 0 s"


async def test_a_step_is_called_again_and_again() -> None:
    calls = []

    async def step() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise EndedError

    with pytest.raises(EndedError):
        await forever(0, step)


@pytest.mark.parametrize("headers", [{"tenant": b"acme"}, [("tenant", b"acme"), ("odd", None)]])
def test_headers_are_text_in_whatever_form_they_come(headers: object) -> None:
    message = SimpleNamespace(
        topic="log-events",
        partition=3,
        offset=9,
        key=b"k",
        value=b"v",
        headers=headers,
        timestamp=1.5,
    )
    record = record_of(SimpleNamespace(message=message))
    assert record.headers == {"tenant": "acme"}
    assert (record.partition, record.offset, record.timestamp) == (3, 9, 1_500)


def test_a_record_without_headers_has_none() -> None:
    message = SimpleNamespace(
        topic="t", partition=0, offset=0, key=None, value=None, headers=None, timestamp=0.0
    )
    assert record_of(SimpleNamespace(message=message)).headers == {}
