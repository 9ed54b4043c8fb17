"""The oracle agrees with counting by hand, and with the engine about what an expression means."""

import json
from collections import Counter

import pytest
from engine import oracle
from engine.rulesets import ENDS, LOUD, SENTINEL, WINDOW_MS, questions, rules
from engine.workload import ERROR_SHARE, PARTITIONS, Record, Workload

from alert_contracts.events import decode_batch
from rule_language import compile_match

WORK = Workload(seed=3, batch=50, warm_up=1_200, main=3_600, pool=2_000)
ASKED = questions(60)
RECORDS = [record for part in WORK.parts() for record in part]


def events(record: Record) -> list[dict[str, object]]:
    return [json.loads(line) for line in WORK.value(record).splitlines()]


def test_each_part_ends_with_a_sentinel_on_every_partition() -> None:
    for part in WORK.parts():
        assert [record.partition for record in part[-PARTITIONS:]] == list(range(PARTITIONS))
        assert all(record.chunk < 0 for record in part[-PARTITIONS:])


def test_what_the_oracle_sees_is_what_stands_in_the_record() -> None:
    for record in RECORDS[:10] + RECORDS[-3:]:
        seen = [(time, event.service, event.host) for time, event in WORK.times(record)]
        assert seen == [(e["timestamp"], e["service"], e["host"]) for e in events(record)]


def test_one_event_in_twenty_is_an_error_and_one_in_ten_a_warning() -> None:
    levels = Counter(event.level for chunk in WORK.drawn for event in chunk)
    assert levels["ERROR"] / 2_000 == pytest.approx(ERROR_SHARE, abs=0.015)
    assert levels["WARN"] / 2_000 == pytest.approx(0.1, abs=0.02)


def test_whole_chunks_are_counted_as_single_events_are() -> None:
    slow: Counter[oracle.Cell] = Counter()
    for record in RECORDS:
        for time, event in WORK.times(record):
            for number, question in enumerate(ASKED):
                if question.matches(event):
                    group = event.host if question.by == "host" else event.service
                    slow[oracle.Cell(number, group, time // WINDOW_MS * WINDOW_MS)] += 1
    assert oracle.count(ASKED, WORK, RECORDS) == slow


def test_a_question_means_to_the_engine_what_it_means_to_the_oracle() -> None:
    for question in ASKED:
        program = compile_match(question.expression())
        for drawn, event in zip(WORK.drawn[0], decode_batch(WORK.value(RECORDS[0])), strict=True):
            assert program.test(event) == question.matches(drawn)


def test_some_ten_rules_fire_and_the_sentinels_always_do() -> None:
    cells = oracle.count(ASKED, WORK, RECORDS)
    limits = oracle.thresholds(ASKED, cells)
    due = oracle.alerts(ASKED, limits, cells)
    assert LOUD / 2 <= len(limits) <= LOUD + 2
    assert sum(alert.rule == SENTINEL for alert in due) == 2 * PARTITIONS
    documents = rules(ASKED, limits)
    assert len({rule.match + rule.group_by[0] for rule in documents}) == len(ASKED)
    assert ASKED.index(ENDS) in limits


def test_a_difference_is_named_whichever_side_it_is_on() -> None:
    one, two, other = (oracle.Fired("r", "g", start) for start in (0, 60, 120))
    assert oracle.difference({one}, {one, two}, lasting=True) == []
    assert oracle.difference({one}, {one, two}, lasting=False) == [f"missing: {two}"]
    assert oracle.difference({other}, {one}, lasting=True) == [f"not due: {other}"]
    assert oracle.difference(set(), {one}, lasting=True) == [f"missing: {one}"]
