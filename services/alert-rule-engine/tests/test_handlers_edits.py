"""An edit is a step of the history: what was told before ends, or goes on, though a stage dies."""

import asyncio
from collections.abc import Iterable, Sequence

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alert_contracts.alerts import Alert
from alert_contracts.rules import Rule, Severity
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.inforce import REPEATS, InForce
from alert_rule_engine.domain.partials import Message, Tick
from alert_rule_engine.domain.rulesets import RuleSets
from alert_rule_engine.handlers.aggregate import ApplyPartials
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
)
from service_runtime.consumer import Record

RULE = a_rule(threshold=0)
Messages = Sequence[Sequence[Message]]
"""For each target partition."""


class Stage:
    """Stage two; what it stores outlives it."""

    def __init__(self, store: FakeStore, *rules: Rule) -> None:
        self.sink = FakeAlerts(store.journal)
        self.store = store
        self.witness = Witness(
            self.sink,
            FakeRecords(),
            lambda _spec: None,
            clock=lambda: NOON,
            allowance=Allowance(10, 10.0, lambda: 0.0),
        )
        self.handler = ApplyPartials(
            clock=lambda: NOON,
            witness=self.witness,
            store=store,
            lateness=LATENESS,
            cap=100,
            book=book_of(*rules),
            counted=CountedEvents(CollectorRegistry()),
        )

    def live(self) -> set[str]:
        journals = self.handler.journals.values()
        return {key for each in journals for key in each.partition.book.rules}

    async def begin(self) -> None:
        await self.handler.restore(range(4), dict(self.store.data))

    async def apply(self, offset: int, messages: Messages) -> None:
        for target, mine in enumerate(messages):
            value = partials.pack([partials.encode(message) for message in mine])
            record = Record("rule-partials", target, offset, None, value, {}, NOON)
            await self.handler.apply(record, record)

    async def flush(self) -> list[Record]:
        cut = await self.handler.cut()
        await self.witness.hand_over()
        await self.handler.keep(cut)
        await self.handler.turn()
        await self.witness.hand_over()
        return cut.done

    async def follow(self, *rules: Rule) -> None:
        following = asyncio.ensure_future(self.handler.follow(book_of(*rules)))
        while not following.done():
            await self.witness.hand_over()
            await asyncio.sleep(0)
        await following
        await self.witness.hand_over()

    async def heard(self) -> list[Alert]:
        await self.witness.hand_over()
        return self.sink.alerts


def an_error_at(at: int, offset: int, *rules: Rule) -> Messages:
    sets = RuleSets()
    sets.follow(book_of(*rules))
    found = told(sets, [an_error(at)], offset=offset, at=at, batch=f"b{offset}")
    return [[partial] for partial in found]


def tick(at: int) -> Messages:
    return [[Tick(partials.FORMAT, at, {})]] * 4


def words(alerts: Iterable[Alert]) -> list[tuple[str, int, int]]:
    return [(alert.status, alert.sequence, alert.rule.revision) for alert in alerts]


async def died_after_telling(rule: Rule) -> tuple[FakeStore, list[Alert]]:
    """Return what is stored, and what was told after that and is stored nowhere."""
    stage = Stage(FakeStore(), rule)
    await stage.begin()
    await stage.apply(0, tick(NOON))
    await stage.flush()
    await stage.apply(1, an_error_at(NOON + 1, 0, rule))
    return stage.store, await stage.heard()


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        ((), "the rule was deleted"),
        ((replace(RULE, revision=2, enabled=False),), "the rule was disabled"),
        ((replace(RULE, revision=2, match="nonsense("),), "the rule does not compile"),
        ((replace(RULE, revision=2, severity=Severity.LOW),), "the rule was changed"),
    ],
)
async def test_an_alert_that_was_told_just_before_a_crash_ends_if_its_rule_goes_meanwhile(
    after: tuple[Rule, ...], reason: str
) -> None:
    store, said = await died_after_telling(RULE)
    assert words(said) == [("firing", 1, 1)]
    heir = Stage(store, *after)
    await heir.begin()
    await heir.apply(1, an_error_at(NOON + 1, 0, RULE))
    heir.handler.reached(dict.fromkeys(range(4), 2))
    await heir.flush()
    firing, over, *anew = await heir.heard()
    assert firing == said[0]
    assert (over.status, over.sequence, over.id) == ("resolved", 2, firing.id)
    assert over.reason.startswith(reason)
    assert words(anew) == ([("firing", 1, 2)] if reason == "the rule was changed" else [])


async def test_a_threshold_that_was_raised_meanwhile_leaves_the_alert_that_was_told() -> None:
    store, said = await died_after_telling(RULE)
    heir = Stage(store, replace(RULE, revision=2, threshold=100))
    await heir.begin()
    await heir.apply(1, an_error_at(NOON + 1, 0, RULE))
    await heir.apply(2, tick(NOON + 3 + REPEATS))
    await heir.flush()
    assert await heir.heard() == said
    (alert,) = [
        alert
        for journal in heir.handler.journals.values()
        for bucket in journal.partition.buckets
        for alert in bucket.alerts.all_firing()
    ]
    assert (alert.id, alert.rule.revision) == (said[0].id, 2)


async def test_rules_are_taken_over_when_all_that_may_have_been_told_was_repeated() -> None:
    store, _ = await died_after_telling(RULE)
    new = a_rule(id="new", threshold=0)
    heir = Stage(store, new)
    await heir.begin()
    for offset, at in enumerate((NOON + REPEATS, NOON + REPEATS + 1), start=1):
        heir.handler.reached(dict.fromkeys(range(4), 9))
        await heir.flush()
        assert heir.live() == {"default/r1"}
        await heir.apply(offset, tick(at))
    await heir.flush()
    assert heir.live() == {"default/new"}


async def test_what_was_told_is_stored_before_an_edit_and_the_edit_before_it_tells() -> None:
    stage = Stage(FakeStore(), RULE)
    await stage.begin()
    await stage.apply(0, tick(NOON))
    await stage.flush()
    await stage.apply(1, an_error_at(NOON + 1, 0, RULE))
    await stage.heard()
    del stage.store.journal[: stage.store.journal.index("alert firing")]
    await stage.follow()
    steps = stage.store.journal
    over = steps.index("alert resolved")
    vectors = [index for index, step in enumerate(steps) if step.endswith(":v")]
    rules = [index for index, step in enumerate(steps) if ":r" in step]
    assert (len(vectors), len(rules)) == (4, 4)
    assert max(vectors) < min(rules) < over
    assert steps.index("alert firing") < min(vectors)


async def test_records_that_an_edit_stored_are_acknowledged_with_the_next_flush() -> None:
    stage = Stage(FakeStore(), RULE)
    await stage.begin()
    await stage.flush()
    await stage.apply(0, tick(NOON))
    await stage.follow()
    await stage.apply(1, tick(NOON + 1))
    assert [record.offset for record in await stage.flush()] == [0, 0, 0, 0, 1, 1, 1, 1]


async def test_two_edits_at_one_place_are_told_alike_after_a_crash() -> None:
    stage = Stage(FakeStore(), RULE)
    await stage.begin()
    await stage.apply(0, an_error_at(NOON, 0, RULE))
    await stage.flush()
    await stage.follow(replace(RULE, revision=2, threshold=100))
    await stage.follow()
    heir = Stage(stage.store)
    await heir.begin()
    (over,) = await heir.heard()
    assert over == stage.sink.alerts[-1]
    assert words([over]) == [("resolved", 2, 2)]


async def test_a_rule_that_was_edited_twice_at_one_place_was_counted_all_along() -> None:
    """Who misses an edit cannot know that, since the rule may have been off in between."""
    stage = Stage(FakeStore(), RULE)
    await stage.begin()
    await stage.apply(0, tick(NOON))
    await stage.flush()
    last = replace(RULE, revision=3, threshold=9)
    await stage.follow(replace(RULE, revision=2, threshold=7))
    await stage.follow(last)
    heir = Stage(stage.store, last)
    await heir.begin()
    sights = [each.partition.vector.sight.new for each in heir.handler.journals.values()]
    assert sights == [{}] * 4


async def test_no_more_is_applied_before_it_is_stored_than_is_repeated_after_a_crash() -> None:
    stage = Stage(FakeStore(), RULE)
    await stage.begin()
    assert not stage.handler.ahead(0)
    await stage.apply(0, tick(NOON))
    await stage.flush()
    await stage.apply(1, tick(NOON + REPEATS))
    assert not stage.handler.ahead(0)
    await stage.apply(2, tick(NOON + REPEATS + 1))
    assert stage.handler.ahead(0)
    await stage.flush()
    assert not stage.handler.ahead(0)
    assert not stage.handler.ahead(9)


def test_an_edit_rewrites_the_rules_of_one_shard_only() -> None:
    kept = InForce()
    rules = [a_rule(id=f"r{number}") for number in range(1_000)]
    before = book_of(*rules)
    for shard, packed in kept.changes(before, {}):
        kept.take(shard, packed)
    ((_, packed),) = kept.changes(book_of(replace(rules[0], revision=2), *rules[1:]), {})
    assert 0 < len(packed.rules) < 20
    assert not list(kept.changes(book_of(replace(rules[0], revision=2), *rules[1:]), {}))
    assert kept.compiled(before) is before
