"""Alerts go out in order, with the samples that could be had, and never wait for more."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import pytest

from alert_contracts.alerts import Alert, RuleRef, WindowSpan
from alert_contracts.events import Event, encode_batch
from alert_contracts.rules import RuleType, Severity
from alert_rule_engine.domain.evidence import Question, Reference
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.handlers.evidence import LOOKS, MAX_WAITING, Allowance, Witness
from alert_rule_engine.testing import NOON, FakeAlerts, FakeRecords, an_error


class Errors:
    """Counts every event by its service."""

    def allow(self, steps: int) -> None:
        assert steps > 0

    def matches(self, event: Event) -> bool:
        return event.message != "defect"

    def group_of(self, event: Event) -> tuple[str, ...]:
        return (event.service,)

    def number(self, event: Event) -> float | None:
        return event.response_time

    def text(self, event: Event) -> str | None:
        return event.host

    def marks(self, group: Group) -> tuple[str, ...]:
        return group


class Defect(Errors):
    """Fails at each event."""

    def matches(self, event: Event) -> bool:
        raise ZeroDivisionError(event.message)


class Seconds:
    """A clock that moves when it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def an_alert(name: str = "a", accepted_at: int | None = NOON) -> Alert:
    return Alert(
        id=name,
        fingerprint=name,
        tenant="default",
        status="firing",
        sequence=1,
        rule=RuleRef("r1", "A rule", RuleType.ERROR_THRESHOLD, 1),
        severity=Severity.HIGH,
        group={},
        labels={},
        window=WindowSpan(NOON, NOON + 10),
        aggregates={},
        condition="count > 0",
        starts_at=NOON,
        decided_at=NOON,
        reason="count 1 > 0",
        accepted_at=accepted_at,
    )


def ask(*others: Reference, spec: str = "errors", service: str = "pay") -> Question:
    return Question(spec, (service,), NOON, NOON + 10, others=others)


class Scene:
    """A witness among fakes."""

    def __init__(self, records: Mapping[Reference, bytes] | None = None, burst: int = 64) -> None:
        self.sink = FakeAlerts()
        self.records = FakeRecords(records)
        self.seconds = Seconds()
        self.witness = Witness(
            self.sink,
            self.records,
            {"errors": Errors(), "defect": Defect()}.get,
            clock=lambda: NOON + 40,
            allowance=Allowance(burst, 1, self.seconds),
        )

    def shown(self) -> list[list[str]]:
        return [[sample.event.message for sample in alert.samples] for alert in self.sink.alerts]


def ndjson(*messages: str) -> bytes:
    return encode_batch(an_error(NOON + at, message=text) for at, text in enumerate(messages))


async def test_alerts_go_out_in_order_with_their_samples() -> None:
    scene = Scene({(0, 1): ndjson("one", "two"), (3, 4): ndjson("three")})
    scene.witness.say(an_alert("a"), ask((0, 1)))
    scene.witness.say(an_alert("b", accepted_at=None), None)
    scene.witness.say(an_alert("c"), ask((3, 4), (0, 1)))
    await scene.witness.hand_over()
    assert [alert.id for alert in scene.sink.alerts] == ["a", "b", "c"]
    assert scene.shown() == [["one", "two"], [], ["one", "three", "two"]]
    assert scene.records.asked == [[(0, 1), (3, 4)]]


async def test_other_records_are_read_where_the_most_telling_ones_have_too_little_to_show() -> None:
    ten = ndjson(*"0123456789")
    scene = Scene({(0, 1): ndjson("one"), (0, 2): ndjson("two"), (0, 5): ten, (0, 6): ten})
    others = [(0, number) for number in range(2, 6)]
    for first, rest in (((0, 1), others), ((0, 1), others[:3]), ((0, 6), others), ((9, 9), others)):
        scene.witness.say(an_alert(), ask(*rest)._replace(first=first))
        await scene.witness.hand_over()
    assert scene.records.asked == [
        *([(0, 1)], [(0, 2), (0, 3), (0, 4), (0, 5)]),
        *([(0, 1)], [(0, 2), (0, 3), (0, 4)]),
        [(0, 6)],
        [(9, 9)],
    ]
    assert [len(samples) for samples in scene.shown()] == [10, 2, 10, 0]


async def test_to_await_a_statement_is_to_wait_until_it_is_stored() -> None:
    scene = Scene()
    scene.sink.held = True
    statement = scene.witness.say(an_alert(), None)

    async def stored() -> None:
        await statement

    waiting = asyncio.ensure_future(stored())
    await scene.witness.hand_over()
    await asyncio.sleep(0)
    assert not waiting.done()
    scene.sink.release()
    async with asyncio.timeout(5):
        await waiting


async def test_what_waits_is_handed_over_as_it_comes() -> None:
    scene = Scene()
    running = asyncio.ensure_future(scene.witness.run())
    async with asyncio.timeout(5):
        for name in "abc":
            await scene.witness.say(an_alert(name), None)
    assert [alert.id for alert in scene.sink.alerts] == ["a", "b", "c"]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_an_alert_goes_without_samples_that_cannot_be_read() -> None:
    scene = Scene()
    scene.records.away = True
    scene.witness.say(an_alert(), ask((0, 1)))
    await scene.witness.hand_over()
    assert scene.shown() == [[]]


@pytest.mark.parametrize("spec", ["gone", "defect"])
async def test_whatever_goes_wrong_with_samples_the_alert_goes(spec: str) -> None:
    scene = Scene({(0, 1): ndjson("one")})
    scene.witness.say(an_alert(), ask((0, 1), spec=spec))
    await scene.witness.hand_over()
    assert scene.shown() == [[]]


async def test_a_storm_is_told_with_the_samples_that_may_be_read() -> None:
    scene = Scene({(0, number): ndjson(str(number)) for number in range(9)}, burst=3)
    for number in range(9):
        scene.witness.say(an_alert(str(number)), ask((0, number)))
    await scene.witness.hand_over()
    assert scene.shown() == [["0"], ["1"], ["2"], [], [], [], [], [], []]
    scene.witness.say(an_alert("9"), ask((0, 8)))
    await scene.witness.hand_over()
    assert scene.shown()[-1] == []
    scene.seconds.now = 2.5
    for number in range(3):
        scene.witness.say(an_alert("later"), ask((0, number)))
    await scene.witness.hand_over()
    assert scene.shown()[-3:] == [["0"], ["1"], []]


async def test_others_have_their_turns_while_many_records_are_looked_through() -> None:
    scene = Scene({(0, number): ndjson(str(number)) for number in range(3 * LOOKS)})
    for number in range(3 * LOOKS):
        scene.witness.say(an_alert(str(number)), ask((0, number)))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(others())
    await scene.witness.hand_over()
    beside.cancel()
    assert turns == 3
    assert [len(samples) for samples in scene.shown()] == [1] * 3 * LOOKS


async def test_what_may_be_spent_at_once_is_bounded_however_long_nothing_was() -> None:
    seconds = Seconds()
    allowance = Allowance(5, 100, seconds)
    seconds.now = 1_000.0
    assert [allowance.take(each) for each in (0, 3, 9, 1)] == [0, 3, 2, 0]


async def test_there_is_room_for_so_many_and_what_is_forgotten_leaves_its_own() -> None:
    scene = Scene()
    for _ in range(10):
        scene.witness.say(an_alert(), None)
    assert scene.witness.room() == MAX_WAITING - 10
    scene.witness.forget()
    assert scene.witness.room() == MAX_WAITING
    await scene.witness.hand_over()
    assert scene.sink.alerts == []
