"""What stage one could not count is no silence: no alert opens or ends by it, in both stages."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alert_contracts.events import Event, encode_batch
from alert_contracts.rule_status import RuleStatus
from alert_contracts.rules import SPIKES, Rule, RuleType
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.evaluators import SpecEvaluator, evaluator_of
from alert_rule_engine.domain.partials import Partial, Tick
from alert_rule_engine.domain.quarantine import IN_A_ROW, PAUSE_MS
from alert_rule_engine.domain.rulesets import RuleSets
from alert_rule_engine.domain.specs import PaneSpec
from alert_rule_engine.domain.tallies import Tallies
from alert_rule_engine.handlers.aggregate import ApplyPartials
from alert_rule_engine.handlers.evaluate import MAX_UNREAD, EvaluateBatch
from alert_rule_engine.handlers.evidence import Allowance, Witness
from alert_rule_engine.telemetry import CountedEvents
from alert_rule_engine.testing import (
    LATENESS,
    NOON,
    FakeAlerts,
    FakeRecords,
    FakeStore,
    a_rule,
    an_error,
    book_of,
    told,
    tumbling,
)
from service_runtime.consumer import Record

SECOND = 1_000
MINUTE = 60 * SECOND
STEP = 4
"""Seconds between two batches."""
ALL = f"attributes.l.all(x, x == 0 || {' || '.join(f'x == {n}' for n in range(250))})"
"""Each element counts for 252 steps, though the first of them decides."""
NOISE = {"l": [0] * 900}


class _Broken(SpecEvaluator):
    """A fault of ours in each rule that is called so."""

    __slots__ = ()

    def collect(self, events: Sequence[Event], tallies: Tallies) -> None:  # noqa: ARG002
        raise ZeroDivisionError


def _make(spec: PaneSpec) -> SpecEvaluator:
    """Return an evaluator; one that fails if its match has a 1013, none if a 1014."""
    made = evaluator_of(spec)
    if "1014" in spec.match:
        raise KeyError(spec.match)
    return _Broken(spec, made.match) if "1013" in spec.match else made


class Stages:
    """Both stages, without Kafka."""

    def __init__(self, *rules: Rule) -> None:
        self.now = NOON
        self.book = book_of(*rules)
        self.sink, self.store = FakeAlerts(), FakeStore()
        self.one = EvaluateBatch(lambda: self.now, sets=RuleSets(_make))
        self.one.follow(self.book)
        self.two = self._two()
        self.read: Counter[int] = Counter()
        self.unread: list[list[str]] = []
        self.log = 0

    def _two(self) -> ApplyPartials:
        witness = Witness(
            self.sink,
            FakeRecords(),
            lambda _spec: None,
            clock=lambda: self.now,
            allowance=Allowance(10, 10.0, lambda: 0.0),
        )
        return ApplyPartials(
            clock=lambda: self.now,
            witness=witness,
            store=self.store,
            lateness=LATENESS,
            cap=100,
            book=self.book,
            counted=CountedEvents(CollectorRegistry()),
        )

    async def follow(self, *rules: Rule) -> None:
        self.book = book_of(*rules)
        self.one.follow(self.book)
        await self.two.follow(self.book)

    async def restart(self, *, one: bool = False) -> None:
        """Store the state and begin anew from it."""
        if self.log:
            await self.two.keep(await self.two.cut())
        if one:
            self.one = EvaluateBatch(lambda: self.now, sets=RuleSets(_make))
            self.one.follow(self.book)
        self.two = self._two()
        await self.two.restore(range(4), self.store.data)

    async def post(self, value: bytes, source: int = 0) -> None:
        offset, key = self.read[source], b"%d/%d" % (source, self.read[source])
        self.read[source] += 1
        emission = self.one.handle(
            Record("log-events", source, offset, key, value, {}, self.now), settled=0
        )
        (partial,) = partials.decode(partials.pack(emission.values[:1]))
        assert isinstance(partial, Partial)
        self.unread.append(sorted(partial.unread))
        await self._apply([partials.pack([each]) for each in emission.values])

    async def tick(self) -> None:
        await self.post(b"", source=11)
        idle = {source: self.read[source] for source in range(12)}
        message = partials.encode(Tick(partials.FORMAT, self.now, idle))
        await self._apply([partials.pack([message])] * 4)

    async def _apply(self, values: Sequence[bytes]) -> None:
        for target, value in enumerate(values):
            record = Record("rule-partials", target, self.log, None, value, {}, self.now)
            await self.two.apply(record, None)
        await self.two.witness.hand_over()
        self.log += 1

    async def run(self, since: int, until: int, *values: bytes | Sequence[Event]) -> None:
        """Each four seconds between two of them after noon, post these; events happen then."""
        for second in range(since, until, STEP):
            self.now = NOON + second * SECOND
            for value in values:
                if isinstance(value, bytes):
                    await self.post(value)
                else:
                    batch = [replace(event, timestamp=self.now) for event in value]
                    await self.post(encode_batch(batch))
            await self.tick()

    def told(self, rule: str = "r1") -> list[tuple[str, int]]:
        """What was said of the group that is of interest, but for news."""
        return [
            (alert.status, (alert.window.start - NOON) // SECOND)
            for alert in self.sink.alerts
            if alert.status != "updated"
            and (alert.rule.id, alert.group["service"]) == (rule, HEARD[0].service)
        ]

    def status(self, rule: str = "r1") -> list[RuleStatus]:
        return [each for each in self.two.statuses() if each.rule_id == rule]


async def started(*rules: Rule) -> Stages:
    stages = Stages(*rules)
    await stages.restart()
    return stages


HEARD = [an_error(attributes={"l": [0]})]
EXHAUSTING = [*(an_error(service="noise", attributes=NOISE) for _ in range(30)), *HEARD]
POISON = b"{"


def absence(**changes: Any) -> Rule:  # noqa: ANN401
    given = {
        "match": ALL,
        "threshold": None,
        "resolve_after": MINUTE,
        "window": tumbling(MINUTE, 0),
    }
    return a_rule(RuleType.ABSENCE, **{**given, **changes})


LEFT_OUT = pytest.mark.parametrize("batch", [EXHAUSTING, POISON])


@LEFT_OUT
@pytest.mark.parametrize("restart", [False, True])
async def test_a_group_is_not_absent_because_its_events_were_left_out(
    *, batch: bytes | Sequence[Event], restart: bool
) -> None:
    stages = await started(absence())
    await stages.run(0, 60, HEARD)
    await stages.run(60, 92, batch)
    if restart:
        await stages.restart()
    await stages.run(92, 152)
    if restart:
        await stages.restart()
    await stages.run(152, 240)
    assert stages.told() == [("firing", 120)]


async def test_neither_is_it_while_its_rule_pauses() -> None:
    stages = await started(absence())
    await stages.run(0, 60, HEARD)
    await stages.run(60, 60 + STEP * IN_A_ROW, EXHAUSTING)
    assert [each.rule_id for each in stages.one.statuses() if each.quarantined] == ["r1"]
    paused = stages.now
    await stages.run(60 + STEP * IN_A_ROW, 132, HEARD)
    assert stages.now < paused + PAUSE_MS
    assert stages.unread[-2:] == [list(stages.book.specs), []]
    await stages.run(132, 260)
    assert stages.told() == [("firing", 180)]


@pytest.mark.parametrize("number", [1013, 1014])
async def test_neither_is_it_while_its_rule_fails_by_a_fault_of_ours(number: int) -> None:
    """A rule that none can be made of, or that fails, says nothing until it changes."""
    rule = absence(match="attributes.l == [0]")
    other = absence(id="other", match="attributes.l == [0] || false")
    stages = await started(rule, other)
    await stages.run(0, 60, HEARD)
    broken = replace(rule, revision=2, updated_at=2, match=f"attributes.l == [0] || {number} == 1")
    await stages.follow(replace(broken, expect=(("pay",),)), other)
    await stages.run(60, 300, HEARD)
    assert {len(names) for names in stages.unread[-20::2]} == {1}
    await stages.run(300, 420, [an_error(service="noise")])
    assert stages.told() == []
    assert stages.told("other") == [("firing", 300)]


async def test_a_rule_says_until_when_it_is_blind_by_what_was_left_out() -> None:
    stages = await started(absence(), a_rule(id="other"))
    await stages.run(0, 80, HEARD)
    assert {each.blind_until for each in stages.status()} == {0}
    await stages.run(80, 84, EXHAUSTING)
    assert {each.blind_until for each in stages.status()} == {NOON + 3 * MINUTE}
    assert {each.blind_until for each in stages.status("other")} == {0}
    await stages.follow(replace(absence(), enabled=False))
    await stages.follow(absence())
    await stages.run(84, 200, HEARD)
    assert {each.blind_until for each in stages.status()} == {0}


@LEFT_OUT
async def test_few_of_a_group_that_is_new_are_not_few_if_others_were_left_out(
    batch: bytes | Sequence[Event],
) -> None:
    few = a_rule(match=ALL, condition="count < 5", threshold=None, window=tumbling(MINUTE, 0))
    stages = await started(replace(few, min_count=1))
    await stages.run(0, 96)
    await stages.run(96, 96 + STEP * (IN_A_ROW - 1), batch)
    await stages.run(96 + STEP * (IN_A_ROW - 1), 188, HEARD)
    await stages.run(188, 280)
    assert stages.told() == [("firing", 180)]


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_no_window_is_compared_with_one_of_which_some_was_left_out(direction: Any) -> None:  # noqa: ANN401
    spike = a_rule(
        RuleType.SPIKE,
        match=ALL,
        condition=SPIKES[direction],
        factor=2.0,
        threshold=None,
        min_reference=3,
        min_count=0,
        window=tumbling(MINUTE, 0),
    )
    stages = await started(spike)
    await stages.run(0, 120, HEARD)
    await stages.run(120, 120 + STEP * (IN_A_ROW - 1), EXHAUSTING)
    await stages.run(120 + STEP * (IN_A_ROW - 1), 152, POISON)
    await stages.run(152, 400, HEARD)
    assert stages.told() == []


async def test_an_absence_goes_on_while_who_is_absent_may_be_left_out() -> None:
    stages = await started(absence())
    await stages.run(0, 60, HEARD)
    await stages.run(60, 140)
    await stages.run(140, 400, POISON)
    assert stages.told() == [("firing", 60)]
    await stages.run(400, 640, HEARD)
    assert [status for status, _ in stages.told()] == ["firing", "resolved"]


@LEFT_OUT
async def test_an_alert_is_not_over_by_a_time_in_which_its_events_were_left_out(
    batch: bytes | Sequence[Event],
) -> None:
    often: dict[str, Any] = {
        "threshold": 2,
        "resolve_after": 20 * SECOND,
        "window": tumbling(MINUTE),
    }
    stages = await started(a_rule(match=ALL, **often))
    await stages.run(0, 40, HEARD)
    await stages.run(40, 100, batch)
    await stages.run(100, 116)
    assert stages.told() == [("firing", 0)]
    await stages.run(116, 140)
    assert stages.told() == [("firing", 0), ("resolved", 0)]


async def test_what_one_tenant_sends_hides_nobody_of_another() -> None:
    stages = await started(absence(), absence(id="other", tenant="acme"))
    await stages.run(0, 60, HEARD)
    assert stages.unread[:2] == [[], []]
    await stages.run(60, 64, POISON)
    assert stages.unread[-2:] == [["default"], []]
    assert {each.blind_until for each in stages.status("other")} == {0}


async def test_many_that_are_left_out_are_told_by_the_name_of_their_tenant() -> None:
    broken = [a_rule(id=f"r{number}", match=f"1014 != {number}") for number in range(MAX_UNREAD)]
    stages = await started(*broken, a_rule(id="good"))
    await stages.run(0, 4, HEARD)
    good = stages.book.rules["default/good"].spec.id
    assert stages.unread[0] == sorted(stages.book.specs.keys() - {good})
    await stages.follow(*broken, a_rule(id="more", match="1014 == 1"), a_rule(id="good"))
    await stages.run(4, 8, HEARD)
    assert stages.unread[2:] == [["default"], []]


def test_a_partial_with_one_field_more_or_less_at_its_end_is_read() -> None:
    """So the stages may be upgraded one after the other."""
    sets = RuleSets()
    sets.follow(book_of(a_rule()))
    told_now = replace(told(sets, HEARD)[0], unread={"spec": 1})
    fields = msgspec.msgpack.decode(partials.encode(told_now))
    for changed, unread in (([*fields, "new"], {"spec": 1}), (fields[:-1], {})):
        (read,) = partials.decode(partials.pack([msgspec.msgpack.encode(changed)]))
        assert read == replace(told_now, unread=unread)
