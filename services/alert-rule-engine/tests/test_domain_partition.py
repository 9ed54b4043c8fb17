"""A partition applies each source record once, whatever is delivered, and knows how late it is."""

import pytest

from alert_contracts.rules import RuleType
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.partials import Block, Partial
from alert_rule_engine.domain.vector import Outcome
from alert_rule_engine.testing import LATENESS, NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def counted(pipeline: Pipeline) -> int:
    return sum(journal.partition.vector.counted for journal in pipeline.journals)


def outcomes(pipeline: Pipeline, target: int, offset: int) -> Outcome:
    (applied,) = pipeline.apply(target, offset)
    return applied.outcome


def test_a_record_that_is_delivered_again_changes_nothing() -> None:
    pipeline = Pipeline(a_rule(threshold=1))
    pipeline.post(an_error(), an_error())
    before = list(pipeline.alerts)
    assert {outcomes(pipeline, target, 0) for target in range(4)} == {Outcome.REPLAYED}
    assert pipeline.alerts == before
    assert counted(pipeline) == 2


def test_a_source_record_that_stage_one_sends_again_changes_nothing() -> None:
    pipeline = Pipeline(a_rule(threshold=1))
    pipeline.post(an_error(), an_error())
    for target in range(4):
        pipeline.log[target].append(pipeline.log[target][0])
        assert outcomes(pipeline, target, 1) is Outcome.REPLAYED
    assert counted(pipeline) == 2
    assert pipeline.said() == ["firing pay 2"]


def test_a_batch_that_a_client_posts_again_is_counted_once() -> None:
    pipeline = Pipeline(a_rule(threshold=2))
    pipeline.post(an_error(), an_error(), batch="b1")
    applied = pipeline.post(an_error(), an_error(), batch="b1")
    assert {each.outcome for each in applied} == {Outcome.REPEATED}
    assert (counted(pipeline), pipeline.alerts) == (2, [])


def test_only_the_last_batch_ids_of_a_source_are_remembered() -> None:
    pipeline = Pipeline()
    pipeline.post(an_error(), batch="first")
    for number in range(256):
        pipeline.post(an_error(), batch=f"b{number}")
    assert pipeline.post(an_error(), batch="first")[0].outcome is Outcome.APPLIED


def told_of(*settled: int) -> list[bytes]:
    """The log of one partition, of one event a record, each sent when so much was settled."""
    pipeline = Pipeline(a_rule(threshold=1_000))
    for each in settled:
        pipeline.post(an_error(), settled=each)
    return pipeline.log[0]


def hear(reader: Pipeline, record: bytes, *, offset: int | None = None) -> tuple[Outcome, bool]:
    """Let partition 0 hear a record, next in the log or at an offset."""
    log = reader.log[0]
    log.extend([b""] * ((len(log) if offset is None else offset) - len(log)))
    log.append(record)
    (applied,) = reader.apply(0, len(log) - 1)
    return applied.outcome, applied.gap


def test_a_partial_whose_predecessor_is_to_come_is_not_applied_before_it() -> None:
    first, second, third = told_of(0, 0, 1)
    reader = Pipeline()
    assert hear(reader, first) == (Outcome.APPLIED, False)
    assert hear(reader, third) == (Outcome.EARLY, True)
    assert hear(reader, second) == (Outcome.APPLIED, False)
    assert hear(reader, third) == (Outcome.APPLIED, False)
    assert counted(reader) == 3


def test_a_partial_that_will_never_come_is_passed_over_but_not_silently() -> None:
    first, _, third = told_of(0, 0, 2)
    reader = Pipeline()
    hear(reader, first)
    assert hear(reader, third) == (Outcome.APPLIED, True)


def test_a_log_that_begins_late_is_no_loss() -> None:
    _, second = told_of(0, 1)
    assert hear(Pipeline(), second) == (Outcome.APPLIED, False)


def test_what_the_log_itself_has_lost_is_not_waited_for_but_anything_after_is() -> None:
    first, _, third, _, fifth = told_of(0, 0, 0, 0, 0)
    reader = Pipeline()
    hear(reader, first)
    assert hear(reader, third, offset=2) == (Outcome.APPLIED, True)
    assert hear(reader, fifth) == (Outcome.EARLY, True)


def test_what_could_not_be_read_is_not_waited_for_also_after_a_restart() -> None:
    first, _, third = told_of(0, 0, 0)
    reader = Pipeline()
    hear(reader, first)
    partition = reader.journals[0].partition
    partition.skip(1)
    partition.skip(1)
    reader.log[0].append(b"")
    reader.flush()
    reader.crash()
    assert reader.journals[0].partition.vector.applied == 1
    assert hear(reader, third) == (Outcome.APPLIED, True)


def test_event_time_is_unknown_until_every_source_has_spoken() -> None:
    pipeline = Pipeline()
    for source in range(11):
        pipeline.post(an_error(NOON + source), source=source)
    assert pipeline.journals[0].partition.watermark() == 0
    pipeline.post(an_error(NOON + 11), source=11)
    assert pipeline.journals[0].partition.watermark() == NOON - LATENESS


def test_the_slowest_source_holds_event_time_back_until_it_is_idle() -> None:
    pipeline = Pipeline()
    for source in range(12):
        pipeline.post(an_error(NOON), source=source)
    for source in range(1, 12):
        pipeline.post(an_error(NOON + MINUTE), source=source)
    assert pipeline.journals[0].partition.watermark() == NOON - LATENESS
    pipeline.tick(NOON + MINUTE)
    assert pipeline.journals[0].partition.watermark() == NOON + MINUTE - LATENESS
    pipeline.tick(NOON)
    assert pipeline.journals[0].partition.watermark() == NOON + MINUTE - LATENESS


def test_a_tick_counts_only_for_sources_of_which_everything_was_applied() -> None:
    pipeline, behind = Pipeline(), Pipeline()
    for each in (pipeline, behind):
        each.post(an_error(NOON), source=3)
    pipeline.post(an_error(NOON + 1), source=3)
    pipeline.tick(NOON + MINUTE)
    behind.log[0].append(pipeline.log[0][-1])
    behind.apply(0, 1)
    assert pipeline.journals[0].partition.vector.clocks[3] == NOON + MINUTE
    assert behind.journals[0].partition.vector.clocks[3] == NOON
    assert behind.journals[0].partition.vector.clocks[4] == NOON + MINUTE


def test_a_tick_that_is_delivered_again_changes_nothing() -> None:
    pipeline = Pipeline()
    pipeline.tick(NOON)
    pipeline.tick(NOON + MINUTE)
    pipeline.apply(0, 0)
    assert pipeline.journals[0].partition.watermark() == NOON + MINUTE - LATENESS


def test_late_events_are_counted_until_the_lateness_of_their_window_is_over() -> None:
    pipeline = Pipeline(a_rule(threshold=1, window=tumbling(MINUTE, lateness=30 * SECOND)))
    pipeline.post(an_error(NOON))
    pipeline.tick(NOON + 91 * SECOND)
    assert sum(each.losses.late for each in pipeline.post(an_error(NOON + 9 * SECOND))) == 0
    assert pipeline.said() == ["firing pay 2"]
    pipeline.tick(NOON + 92 * SECOND)
    assert sum(each.losses.late for each in pipeline.post(an_error(NOON + 59 * SECOND))) == 1


@pytest.mark.parametrize("bound", [3, 1_000])
def test_known_groups_are_kept_and_the_rest_is_counted(bound: int) -> None:
    pipeline = Pipeline(a_rule(threshold=0, max_groups=bound))
    batch = [an_error(service=f"s{number}") for number in range(bound + 5)]
    surplus = sum(each.losses.surplus for each in pipeline.post(*batch))
    assert (surplus, sum(bool(alert.group) for alert in pipeline.alerts)) == (5, bound)
    again = pipeline.post(*batch)
    assert sum(each.losses.surplus for each in again) == 5
    assert counted(pipeline) == 2 * len(batch)


def test_events_that_had_no_room_in_their_partial_are_counted_once() -> None:
    (record,) = told_of(0)
    (partial,) = partials.decode(record)
    assert isinstance(partial, Partial)
    partial.blocks = [Block("s", NOON, 10_000, [], [], [], surplus=7)]
    pipeline = Pipeline()
    pipeline.log[0] = [partials.pack([partials.encode(partial)])] * 2
    lost = [each for offset in range(2) for each in pipeline.apply(0, offset)]
    assert [each.losses.excess for each in lost] == [7, 0]


def test_a_storm_is_told_in_portions_and_loses_nothing() -> None:
    pipeline = Pipeline(a_rule(threshold=0, max_groups=500), cap=2)
    pipeline.post(*(an_error(service=f"s{number}") for number in range(7)))
    told = len(pipeline.alerts)
    assert told == 2
    assert sum(each.partition.waiting() for each in pipeline.journals) == 5
    while sum(each.partition.waiting() for each in pipeline.journals):
        pipeline.tick(NOON)
        assert len(pipeline.alerts) <= told + 2
        told = len(pipeline.alerts)
    assert len({alert.id for alert in pipeline.alerts}) == 7


def test_an_alert_that_is_over_before_it_was_told_is_told_twice() -> None:
    rule = a_rule(threshold=0, window=tumbling(10 * SECOND), resolve_after=0)
    pipeline = Pipeline(rule, cap=0)
    pipeline.post(an_error())
    pipeline.rest(NOON + MINUTE)
    pipeline.cap = 1
    pipeline.tick(NOON + MINUTE)
    pipeline.tick(NOON + MINUTE)
    assert [(a.status, a.sequence) for a in pipeline.alerts] == [("firing", 1), ("resolved", 2)]
    assert not any(journal.partition.waiting() for journal in pipeline.journals)


def test_a_rule_that_stage_two_learns_of_later_finds_what_was_counted() -> None:
    pipeline = Pipeline(a_rule(threshold=2))
    late = pipeline.journals
    for journal in late:
        journal.partition.follow(Pipeline().book)
    pipeline.post(an_error(), an_error(), an_error())
    assert pipeline.alerts == []
    pipeline.change(a_rule(threshold=2))
    assert pipeline.said() == ["firing pay 3"]


def test_a_rule_that_stage_two_learns_of_later_finds_what_came_late() -> None:
    pipeline = Pipeline(a_rule(threshold=1))
    for journal in pipeline.journals:
        journal.partition.follow(Pipeline().book)
    pipeline.post(an_error())
    pipeline.tick(NOON + MINUTE)
    pipeline.post(an_error())
    pipeline.change(a_rule(threshold=1))
    assert pipeline.said() == ["firing pay 2"]


def test_rules_that_share_a_count_fire_each_at_its_own_threshold() -> None:
    pipeline = Pipeline(a_rule(threshold=0), a_rule(id="second", threshold=1))
    pipeline.post(an_error())
    assert [each.rule.id for each in pipeline.alerts] == ["r1"]
    pipeline.post(an_error(NOON + 1))
    assert [each.rule.id for each in pipeline.alerts] == ["r1", "second"]


def test_events_without_a_value_count_but_have_no_figures() -> None:
    rule = a_rule(RuleType.METRIC, condition="count > 1 && sum > 5", value="responseTime")
    pipeline = Pipeline(rule)
    pipeline.post(an_error())
    pipeline.post(an_error(NOON + 1, response_time=6.0))
    (alert,) = pipeline.alerts
    assert (alert.aggregates["count"], alert.aggregates["avg"]) == (2, 6.0)


def test_panes_that_no_rule_reads_are_bounded_and_forgotten() -> None:
    pipeline = Pipeline(a_rule(max_groups=5))
    for journal in pipeline.journals:
        journal.partition.follow(Pipeline().book)
    pipeline.post(*(an_error(service=f"s{number}") for number in range(1_005)))
    held = [
        panes for j in pipeline.journals for b in j.partition.buckets for panes in b.specs.values()
    ]
    assert sum(len(panes.groups) for panes in held) == 1_000
    pipeline.tick(NOON + 10 * MINUTE)
    assert not any(b.specs for j in pipeline.journals for b in j.partition.buckets)


def test_percentiles_are_judged_only_when_a_rule_asks() -> None:
    slow = a_rule(RuleType.LATENCY, threshold=1_000, min_count=2)
    pipeline = Pipeline(slow)
    pipeline.post(*(an_error(response_time=2_000.0) for _ in range(3)))
    assert pipeline.alerts == []
    pipeline.tick(NOON + 12 * SECOND)
    assert [alert.reason for alert in pipeline.alerts] == ["p95 2000 > threshold 1000"]


def test_events_that_are_all_too_late_leave_nothing_behind() -> None:
    pipeline = Pipeline(a_rule(threshold=0))
    pipeline.tick(NOON + 10 * MINUTE)
    assert sum(each.losses.late for each in pipeline.post(an_error())) == 1
    pipeline.tick(NOON + 11 * MINUTE)
    assert not any(b.specs for j in pipeline.journals for b in j.partition.buckets)
