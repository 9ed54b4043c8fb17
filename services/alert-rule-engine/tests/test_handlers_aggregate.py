"""Stage two on fakes: order of storing, poison, portions."""

import pytest
from prometheus_client import REGISTRY, CollectorRegistry

from alert_contracts.events import Event
from alert_contracts.rules import Rule
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.partials import Message, Tick
from alert_rule_engine.domain.rulesets import RuleSets
from alert_rule_engine.failpoints import Point
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
from service_runtime.errors import PoisonError


def a_record(value: bytes | None, *, offset: int = 0, partition: int = 0) -> Record:
    return Record("rule-partials", partition, offset, None, value, {}, NOON + 7)


def a_record_of(*messages: Message, offset: int = 0, partition: int = 0) -> Record:
    value = partials.pack([partials.encode(message) for message in messages])
    return a_record(value, offset=offset, partition=partition)


def errors_of(rule: str) -> float:
    labels = {"tenant": "default", "rule_id": rule}
    return REGISTRY.get_sample_value("tocsin_engine_rule_errors_total", labels) or 0


class Stage:
    """Stage two with its fakes, fed by stage one."""

    def __init__(self, *rules: Rule, cap: int = 100) -> None:
        self.journal: list[str] = []
        self.sink = FakeAlerts(self.journal)
        self.store = FakeStore(self.journal)
        self.witness = Witness(
            self.sink,
            FakeRecords(),
            lambda _spec: None,
            clock=lambda: NOON + 20,
            allowance=Allowance(10, 10.0, lambda: 0.0),
        )
        self.sets = RuleSets()
        self.sets.follow(book_of(*rules))
        self.registry = CollectorRegistry()
        self.handler = ApplyPartials(
            clock=lambda: NOON + 20,
            witness=self.witness,
            store=self.store,
            lateness=LATENESS,
            cap=cap,
            reach=lambda point: self.journal.append(point.value),
            book=book_of(*rules),
            counted=CountedEvents(self.registry),
        )
        self.posted = 0

    def tell(self, *events: Event, offset: int, settled: int = 0) -> list[partials.Partial]:
        return told(self.sets, events, offset=offset, batch=f"b{offset}", settled=settled)

    async def post(self, *events: Event) -> None:
        for target, partial in enumerate(self.tell(*events, offset=self.posted)):
            record = a_record_of(partial, offset=self.posted, partition=target)
            if target in self.handler.journals:
                await self.handler.apply(record, f"{target}@{self.posted}")
        await self.witness.hand_over()
        self.posted += 1

    async def flush(self) -> list[str]:
        cut = await self.handler.cut()
        await self.witness.hand_over()
        await self.handler.keep(cut)
        return cut.done


async def test_alerts_are_stored_before_buckets_and_buckets_before_the_vector() -> None:
    stage = Stage(a_rule(threshold=0))
    await stage.handler.restore(range(4), {})
    await stage.post(an_error())
    done = await stage.flush()
    assert done == ["0@0", "1@0", "2@0", "3@0"]
    assert stage.journal[0] == "alert firing"
    bucket = next(index for index, line in enumerate(stage.journal) if ":b" in line)
    vectors = [index for index, line in enumerate(stage.journal) if line.endswith(":v")]
    assert len(vectors) == 4
    assert 0 < bucket < min(vectors)


async def test_nothing_is_stored_before_the_alerts_are_acknowledged() -> None:
    stage = Stage(a_rule(threshold=0))
    await stage.handler.restore(range(4), {})
    stage.sink.held = True
    await stage.post(an_error())
    cut = await stage.handler.cut()
    keeping = stage.handler.keep(cut)
    step = keeping.__await__()
    next(step)
    assert stage.store.data == {}
    stage.sink.release()
    with pytest.raises(StopIteration):
        next(step)
    assert stage.store.data


async def test_a_store_that_fails_is_not_hidden() -> None:
    stage = Stage(a_rule())
    await stage.handler.restore(range(4), {})
    await stage.post(an_error())
    stage.store.away = True
    with pytest.raises(OSError, match="away"):
        await stage.flush()


async def test_what_was_stored_is_restored_and_the_exact_count_with_it() -> None:
    stage = Stage(a_rule(threshold=0))
    await stage.handler.restore(range(4), {})
    await stage.post(an_error(), an_error())
    await stage.flush()
    heir = Stage(a_rule(threshold=0))
    await heir.handler.restore(range(4), stage.store.data)
    heir.handler.measure()
    assert heir.registry.get_sample_value("tocsin_engine_counted_events_total") == 2
    heir.posted = stage.posted
    await heir.post(an_error())
    assert heir.sink.alerts == []
    assert {heir.handler.expects(number) for number in range(4)} == {2}


async def test_a_process_holds_only_the_partitions_that_it_was_given() -> None:
    stage = Stage(a_rule(threshold=0))
    await stage.handler.restore([2], {})
    assert stage.handler.expects(2) == 0
    await stage.post(an_error())
    assert await stage.flush() == ["2@0"]
    await stage.handler.release()
    assert stage.handler.journals == {}
    assert await stage.flush() == []


async def test_an_unreadable_partial_counts_as_done_and_is_named() -> None:
    stage = Stage(a_rule())
    await stage.handler.restore([0], {})
    with pytest.raises(PoisonError):
        await stage.handler.apply(a_record(b"\xc1", partition=0), "token")
    with pytest.raises(PoisonError):
        await stage.handler.apply(a_record(None, offset=1, partition=0), "other")
    assert await stage.flush() == ["token", "other"]


async def test_a_tick_moves_event_time() -> None:
    stage = Stage(a_rule())
    await stage.handler.restore([0], {})
    tick = Tick(partials.FORMAT, NOON, dict.fromkeys(range(12), 0))
    await stage.handler.apply(a_record_of(tick), "t")
    assert stage.handler.journals[0].partition.watermark() == NOON - LATENESS


async def test_alerts_above_the_cap_wait_for_the_next_flush() -> None:
    stage = Stage(a_rule(threshold=0), cap=3)
    await stage.handler.restore(range(4), {})
    await stage.post(*(an_error(service=f"s{number}") for number in range(8)))
    stage.handler.measure()
    told = [len(stage.sink.alerts)]
    for _ in range(3):
        await stage.flush()
        await stage.handler.retry()
        await stage.witness.hand_over()
        told.append(len(stage.sink.alerts))
    assert told == [3, 6, 8, 8]
    assert len({alert.id for alert in stage.sink.alerts}) == 8


async def test_a_missing_partial_is_waited_for_and_not_fatal() -> None:
    stage = Stage(a_rule(threshold=0))
    await stage.handler.restore(range(4), {})
    await stage.post(an_error())
    missing = stage.tell(an_error(NOON + 1), offset=2, settled=1)[0]
    await stage.handler.apply(a_record_of(missing, offset=1), "early")
    assert stage.handler.journals[0].partition.vector.sources == {0: 0}
    assert "early" in await stage.flush()


async def test_poison_is_passed_for_good_also_by_the_next_process() -> None:
    stage = Stage(a_rule(threshold=0))
    await stage.handler.restore(range(4), {})
    await stage.post(an_error())
    with pytest.raises(PoisonError):
        await stage.handler.apply(a_record(b"nonsense", offset=1, partition=0), "poison")
    assert stage.handler.expects(0) == 2
    await stage.flush()
    heir = Stage(a_rule(threshold=0))
    await heir.handler.restore(range(4), stage.store.data)
    assert heir.handler.expects(0) == 2
    after = stage.tell(an_error(NOON + 1), offset=2)[0]
    await heir.handler.apply(a_record_of(after, offset=2), "next")
    assert heir.handler.journals[0].partition.vector.sources == {0: 2}


async def test_a_partial_of_another_format_is_poison() -> None:
    stage = Stage(a_rule())
    await stage.handler.restore([0], {})
    with pytest.raises(PoisonError, match="format 9, this version reads 3"):
        await stage.handler.apply(a_record_of(Tick(9, NOON, {})), "token")


async def test_a_repeated_batch_is_not_news() -> None:
    stage = Stage(a_rule())
    await stage.handler.restore(range(4), {})
    await stage.post(an_error())
    newest = stage.handler.newest_accepted
    (again, *_) = told(stage.sets, [an_error(NOON + 50)], offset=1, at=NOON + 50, batch="b0")
    await stage.handler.apply(a_record_of(again, offset=1), "again")
    assert stage.handler.newest_accepted == newest


async def test_rules_that_change_end_their_alerts_at_once() -> None:
    stage = Stage(a_rule(threshold=0))
    await stage.handler.restore(range(4), {})
    await stage.post(an_error())
    await stage.handler.follow(book_of(a_rule(enabled=False)))
    await stage.witness.hand_over()
    assert [alert.status for alert in stage.sink.alerts] == ["firing", "resolved"]


async def test_a_process_may_die_between_any_two_steps_of_storing() -> None:
    stage = Stage(a_rule(threshold=0))
    await stage.handler.restore(range(4), {})
    await stage.post(an_error())
    await stage.flush()
    places = [line for line in stage.journal if line in list(Point)]
    assert places == ["before-buckets", "before-vector", "before-ack"]
    bucket = next(index for index, line in enumerate(stage.journal) if ":b" in line)
    vector = next(index for index, line in enumerate(stage.journal) if line.endswith(":v"))
    assert stage.journal.index("alert firing") < stage.journal.index("before-buckets") < bucket
    assert bucket < stage.journal.index("before-vector") < vector


async def test_messages_that_share_a_record_are_applied_in_their_order() -> None:
    stage = Stage(a_rule(threshold=1))
    await stage.handler.restore(range(4), {})
    pairs = zip(stage.tell(an_error(), offset=0), stage.tell(an_error(), offset=1), strict=True)
    for target, (first, second) in enumerate(pairs):
        await stage.handler.apply(a_record_of(first, second, partition=target), "both")
    await stage.witness.hand_over()
    assert [alert.aggregates["count"] for alert in stage.sink.alerts] == [2]


async def test_how_each_rule_fares_is_told_by_partition() -> None:
    stage = Stage(a_rule(threshold=0))
    await stage.handler.restore([0, 3], {})
    found = list(stage.handler.statuses())
    assert [(status.share, status.at) for status in found] == [("0", NOON + 20), ("3", NOON + 20)]


async def test_a_condition_without_an_answer_is_reported_once() -> None:
    rule = a_rule(condition="int(count) / 0 > 1 || count > 9")
    stage = Stage(rule)
    await stage.handler.restore(range(4), {})
    before = errors_of("r1")
    await stage.post(an_error())
    for second in (20, 40):
        tick = Tick(partials.FORMAT, NOON + second * 1_000, dict.fromkeys(range(12), 1))
        for target in range(4):
            record = a_record_of(tick, offset=second, partition=target)
            await stage.handler.apply(record, "tick")
    assert errors_of("r1") == before + 1


async def test_samples_are_looked_for_by_the_rules_as_they_are_now() -> None:
    stage = Stage(a_rule())
    (spec,) = stage.handler.book.specs
    selector = stage.handler.selector(spec)
    assert selector is not None
    assert selector.matches(an_error())
    assert stage.handler.selector("gone") is None
