"""The use cases on fakes: order of storing, poison, rules taken over."""

import pytest
from prometheus_client import CollectorRegistry

from alert_contracts.events import Event, encode_batch
from alert_contracts.rules import Rule, encode_rule
from alert_contracts.topics import Header
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.partials import Partial, Tick
from alert_rule_engine.handlers.aggregate import ApplyPartials
from alert_rule_engine.handlers.evaluate import EvaluateBatch, tick
from alert_rule_engine.handlers.rules import TakeRules
from alert_rule_engine.telemetry import CountedEvents
from alert_rule_engine.testing import (
    LATENESS,
    NOON,
    FakeAlerts,
    FakeStore,
    a_rule,
    an_error,
    book_of,
)
from service_runtime.consumer import Record
from service_runtime.errors import PoisonError


def a_record(
    value: bytes | None,
    *,
    offset: int = 0,
    partition: int = 1,
    headers: dict[str, str] | None = None,
) -> Record:
    key = b"b%d" % offset
    return Record("log-events", partition, offset, key, value, headers or {}, NOON + 7)


def a_batch(*events: Event, offset: int = 0, headers: dict[str, str] | None = None) -> Record:
    return a_record(encode_batch(events), offset=offset, headers=headers)


def evaluator(*rules: Rule) -> EvaluateBatch:
    handler = EvaluateBatch(lambda: NOON + 9)
    handler.follow(book_of(*rules))
    return handler


def decoded(values: list[bytes]) -> list[Partial]:
    found = [partials.decode(value) for value in values]
    return [each for each in found if isinstance(each, Partial)]


class Stage:
    """Stage two with its fakes, fed by stage one."""

    def __init__(self, *rules: Rule, cap: int = 100) -> None:
        self.journal: list[str] = []
        self.sink = FakeAlerts(self.journal)
        self.store = FakeStore(self.journal)
        self.evaluate = evaluator(*rules)
        self.registry = CollectorRegistry()
        self.handler = ApplyPartials(
            clock=lambda: NOON + 20,
            alerts=self.sink,
            store=self.store,
            lateness=LATENESS,
            cap=cap,
            book=book_of(*rules),
            counted=CountedEvents(self.registry),
        )
        self.posted = 0
        self.settled = 0

    async def post(self, *events: Event) -> None:
        emission = self.evaluate.handle(a_batch(*events, offset=self.posted), settled=self.settled)
        for target, value in enumerate(emission.values):
            record = a_record(value, offset=self.posted, partition=target)
            if target in self.handler.journals:
                await self.handler.apply(record, f"{target}@{self.posted}")
        self.posted += 1

    async def flush(self) -> list[str]:
        cut = await self.handler.cut()
        await self.handler.keep(cut)
        return cut.done


def test_a_record_yields_one_partial_for_each_target_also_when_it_adds_nothing() -> None:
    record = a_batch(
        an_error(NOON + 5),
        an_error(NOON + 1),
        headers={Header.ACCEPTED_AT: str(NOON + 6), Header.TRACEPARENT: "00-t"},
    )
    emission = evaluator(a_rule()).handle(record, settled=0)
    found = decoded(emission.values)
    assert len(found) == 4
    assert emission.poison is None
    assert sum(row.count for each in found for block in each.blocks for row in block.rows) == 2
    assert {(each.source, each.offset, each.clock, each.at) for each in found} == {
        (1, 0, NOON + 5, NOON + 9)
    }
    assert {(each.accepted_at, each.traceparent) for each in found} == {(NOON + 6, "00-t")}
    assert sum(each.events for each in found) == 2


def test_event_time_never_runs_ahead_of_acceptance() -> None:
    emission = evaluator().handle(a_batch(an_error(NOON + 600_000)), settled=0)
    assert {each.clock for each in decoded(emission.values)} == {NOON + 7}


@pytest.mark.parametrize("value", [b"nonsense", None, b'{"timestamp":"x"}\n'])
def test_poison_is_named_and_still_yields_its_partials(value: bytes | None) -> None:
    emission = evaluator(a_rule()).handle(a_record(value), settled=0)
    assert isinstance(emission.poison, PoisonError)
    found = decoded(emission.values)
    assert [(each.offset, each.events, each.blocks) for each in found] == [(0, 0, [])] * 4


def test_a_record_without_our_headers_is_accepted_when_kafka_took_it() -> None:
    emission = evaluator().handle(
        Record("log-events", 0, 3, None, encode_batch([an_error()]), {"accepted-at": "soon"}, NOON),
        settled=0,
    )
    assert {each.accepted_at for each in decoded(emission.values)} == {NOON}


def test_a_tenant_is_judged_by_its_own_rules() -> None:
    handler = evaluator(a_rule(tenant="acme"))
    mine = decoded(
        handler.handle(a_batch(an_error(), headers={"tenant": "acme"}), settled=0).values
    )
    other = decoded(handler.handle(a_batch(an_error()), settled=0).values)
    assert sum(len(each.blocks) for each in mine) == 1
    assert sum(len(each.blocks) for each in other) == 0
    assert sum(each.events for each in other) == 1


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
    heir.evaluate = stage.evaluate
    await heir.post(an_error())
    assert heir.sink.alerts == []
    assert {heir.handler.expects(number) for number in range(4)} == {1}


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
    value = tick(now=NOON, idle=dict.fromkeys(range(12), 0))
    assert partials.decode(value) == Tick(1, NOON, dict.fromkeys(range(12), 0))
    await stage.handler.apply(a_record(value, partition=0), "t")
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
        told.append(len(stage.sink.alerts))
    assert told == [3, 6, 8, 8]
    assert len({alert.id for alert in stage.sink.alerts}) == 8


async def test_a_missing_partial_is_waited_for_and_not_fatal() -> None:
    stage = Stage(a_rule(threshold=0))
    await stage.handler.restore(range(4), {})
    await stage.post(an_error())
    missing = stage.evaluate.handle(a_batch(an_error(NOON + 1), offset=2), settled=1).values[0]
    await stage.handler.apply(a_record(missing, offset=1, partition=0), "early")
    assert stage.handler.journals[0].partition.vector.sources == {1: 0}
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
    after = stage.evaluate.handle(a_batch(an_error(NOON + 1), offset=2), settled=0).values[0]
    await heir.handler.apply(a_record(after, offset=2, partition=0), "next")
    assert heir.handler.journals[0].partition.vector.sources == {1: 2}


async def test_a_partial_of_another_format_is_poison() -> None:
    stage = Stage(a_rule())
    await stage.handler.restore([0], {})
    value = partials.encode(Tick(9, NOON, {}))
    with pytest.raises(PoisonError, match="format 9, this version reads 1"):
        await stage.handler.apply(a_record(value, partition=0), "token")


async def test_a_repeated_batch_is_not_news() -> None:
    stage = Stage(a_rule())
    await stage.handler.restore(range(4), {})
    await stage.post(an_error())
    newest = stage.handler.newest_accepted
    stage.posted = 0
    await stage.post(an_error(NOON + 50))
    assert stage.handler.newest_accepted == newest


async def test_rules_that_change_end_their_alerts_at_once() -> None:
    stage = Stage(a_rule(threshold=0))
    await stage.handler.restore(range(4), {})
    await stage.post(an_error())
    await stage.handler.follow(book_of(a_rule(enabled=False)))
    assert [alert.status for alert in stage.sink.alerts] == ["firing", "resolved"]


def a_rule_record(rule: Rule | None, value: bytes | None = None) -> Record:
    raw = value if rule is None else encode_rule(rule)
    return Record("alert-rules", 0, 0, b"default/r1", raw, {}, NOON)


def test_rules_are_taken_over_revision_by_revision() -> None:
    handler = TakeRules()
    assert handler.take(a_rule_record(a_rule(revision=2)))
    assert not handler.take(a_rule_record(a_rule(revision=1)))
    assert set(handler.compile().rules) == {"default/r1"}
    assert handler.take(a_rule_record(None))
    assert not handler.compile().rules


def test_a_rule_of_a_database_that_was_built_anew_is_taken_over() -> None:
    handler = TakeRules()
    assert handler.take(a_rule_record(a_rule(revision=7, updated_at=NOON)))
    assert handler.take(a_rule_record(a_rule(revision=1, updated_at=NOON + 1)))
    assert not handler.take(a_rule_record(a_rule(revision=8, updated_at=NOON)))


def test_a_record_without_a_key_is_a_rule_all_the_same() -> None:
    handler = TakeRules()
    record = Record("alert-rules", 0, 0, None, encode_rule(a_rule()), {}, NOON)
    assert handler.take(record)


def test_a_record_that_is_no_rule_is_poison() -> None:
    with pytest.raises(PoisonError):
        TakeRules().take(a_rule_record(None, b"{}"))


def test_a_refused_rule_is_counted_once_for_each_reason() -> None:
    handler = TakeRules()
    handler.take(a_rule_record(a_rule(match="level ==")))
    assert set(handler.compile().errors) == {"default/r1"}
    assert set(handler.compile().errors) == {"default/r1"}
