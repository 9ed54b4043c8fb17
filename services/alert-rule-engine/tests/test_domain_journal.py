"""What is stored comes back; a crash at any moment changes no count and no alert."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis.strategies import (
    DataObject,
    SearchStrategy,
    builds,
    data,
    integers,
    just,
    lists,
    one_of,
    sampled_from,
    tuples,
)

from alert_contracts.alerts import Alert
from alert_contracts.events import Event
from alert_contracts.rules import RuleType
from alert_rule_engine.domain import persistence
from alert_rule_engine.domain.alertbook import AlertBook
from alert_rule_engine.domain.bucket import Bucket
from alert_rule_engine.domain.journal import Journal, restore
from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.domain.parts import PART_BYTES, Change, Parts
from alert_rule_engine.domain.seals import StateFormatError, checksum
from alert_rule_engine.testing import (
    LATENESS,
    NOON,
    Pipeline,
    a_rule,
    an_error,
    book_of,
    put,
    sliding,
    tumbling,
)

SECOND = 1_000
RULES = (
    a_rule(id="count", threshold=4, window=tumbling(20 * SECOND), resolve_after=10 * SECOND),
    a_rule(id="slid", threshold=6, window=sliding(30 * SECOND), resolve_after=0),
    a_rule(
        RuleType.LATENCY,
        id="slow",
        threshold=100,
        window=tumbling(20 * SECOND),
        min_count=2,
        resolve_after=5 * SECOND,
    ),
    a_rule(
        id="few",
        condition="count < threshold",
        threshold=2,
        window=tumbling(20 * SECOND, lateness=5 * SECOND),
        resolve_after=0,
    ),
)
events: SearchStrategy[Event] = builds(
    an_error,
    integers(NOON, NOON + 60 * SECOND),
    sampled_from(["pay", "api", "web"]),
    response_time=sampled_from([10.0, 500.0]),
)
Step = tuple[str, Any]
steps: SearchStrategy[list[Step]] = lists(
    one_of(
        tuples(just("post"), tuples(lists(events, min_size=1, max_size=6), integers(0, 11))),
        tuples(just("tick"), integers(0, 90).map(lambda second: NOON + second * SECOND)),
    ),
    max_size=14,
)


def perform(pipeline: Pipeline, step: Step) -> None:
    if step[0] == "post":
        batch, source = step[1]
        pipeline.post(*batch, source=source)
    else:
        pipeline.tick(step[1])


def contents(pipeline: Pipeline) -> list[Any]:
    """Everything that decides, of every partition."""
    return [
        (
            journal.partition.vector,
            [
                (
                    {
                        (spec, start, group): pane
                        for spec, panes in bucket.specs.items()
                        for start, held in panes.slices.items()
                        for group, pane in held.items()
                    },
                    alerts_in(bucket.alerts),
                )
                for bucket in journal.partition.buckets
            ],
        )
        for journal in pipeline.journals
    ]


def alerts_in(book: AlertBook) -> list[Any]:
    """The alerts of a bucket, but for where they are stored."""
    alerts = [*book.all_firing(), *book.ended.values()]
    plain = {each.id: msgspec.structs.replace(each, queued=0, page=0) for each in alerts}
    outbox = {rule: list(mine) for rule, mine in book.outbox.items()}
    return [plain, {key: book.past.get(key) for key in book.past}, book.pending, outbox]


def told(alerts: Sequence[Alert]) -> dict[tuple[str, int], tuple[Any, ...]]:
    """What a reader keeps: one record for each alert and sequence."""
    return {
        (alert.id, alert.sequence): (
            alert.status,
            alert.reason,
            alert.aggregates,
            alert.window,
            alert.starts_at,
            alert.sources,
        )
        for alert in alerts
    }


@given(steps=steps, choice=data())
def test_a_crash_at_any_moment_even_within_a_flush_changes_nothing(
    steps: list[Step], choice: DataObject
) -> None:
    part_bytes = choice.draw(sampled_from([150, PART_BYTES]))
    calm, stormy = Pipeline(*RULES), Pipeline(*RULES, part_bytes=part_bytes)
    for step in steps:
        perform(calm, step)
        perform(stormy, step)
        match choice.draw(sampled_from(["go on", "flush", "crash", "die in the flush"])):
            case "flush":
                stormy.flush()
            case "crash":
                stormy.crash()
            case "die in the flush":
                for _ in range(choice.draw(integers(1, 2))):
                    stormy.flush(writes=choice.draw(integers(0, 12)))
                    stormy.crash(replayed=choice.draw(integers(0, 3)))
                stormy.crash()
    stormy.crash()
    same = told(stormy.alerts) == told(calm.alerts)
    assert same
    same = contents(stormy) == contents(calm)
    assert same


@given(steps=steps, choice=data())
def test_records_delivered_again_change_nothing(steps: list[Step], choice: DataObject) -> None:
    once, often = Pipeline(*RULES), Pipeline(*RULES)
    for step in steps:
        perform(once, step)
        perform(often, step)
        target = choice.draw(integers(0, 3))
        for offset in range(max(0, len(often.log[target]) - 2), len(often.log[target])):
            often.apply(target, offset)
    same = contents(once) == contents(often)
    assert same
    assert told(once.alerts) == told(often.alerts)


@given(batch=lists(events, min_size=1, max_size=30), choice=data())
def test_any_cut_of_a_stream_gives_the_same_counts_and_the_same_alerts(
    batch: list[Event], choice: DataObject
) -> None:
    whole, cut = Pipeline(*RULES[:2]), Pipeline(*RULES[:2])
    whole.post(*batch)
    rest = batch
    while rest:
        size = choice.draw(integers(1, len(rest)))
        cut.post(*rest[:size], source=choice.draw(integers(0, 11)))
        rest = rest[size:]
    assert counts(whole) == counts(cut)
    crossed = {(a.rule.id, a.group["service"]) for a in whole.alerts}
    assert crossed == {(a.rule.id, a.group["service"]) for a in cut.alerts}


def counts(pipeline: Pipeline) -> dict[Any, tuple[int, int]]:
    return {
        (spec, start, group): (pane.count, pane.errors)
        for journal in pipeline.journals
        for bucket in journal.partition.buckets
        for spec, panes in bucket.specs.items()
        for start, held in panes.slices.items()
        for group, pane in held.items()
    }


def keys(pipeline: Pipeline) -> set[str]:
    return {key.decode() for key in pipeline.stored}


def test_a_closed_pane_is_written_cold_once_and_deleted_when_it_is_of_no_use() -> None:
    pipeline = Pipeline(a_rule(window=tumbling(60 * SECOND)))
    pipeline.post(an_error(NOON))
    pipeline.flush()
    assert not any("@" in key for key in keys(pipeline))
    for second in (12, 13, 14):
        pipeline.post(an_error(NOON + second * SECOND))
        pipeline.flush()
    (cold,) = (key for key in keys(pipeline) if "@" in key)
    assert cold.endswith(f"@{NOON}")
    before = pipeline.stored[cold.encode()]
    pipeline.post(an_error(NOON + 15 * SECOND))
    pipeline.flush()
    assert pipeline.stored[cold.encode()] == before
    pipeline.tick(NOON + 600 * SECOND)
    pipeline.flush()
    assert cold in keys(pipeline)
    pipeline.flush()
    assert cold not in keys(pipeline)


def test_a_pane_that_changes_after_it_was_written_cold_is_read_from_its_hot_copy() -> None:
    pipeline = Pipeline(a_rule(window=tumbling(60 * SECOND)))
    pipeline.post(an_error(NOON))
    pipeline.flush()
    for second in (12, 13, 14):
        pipeline.post(an_error(NOON + second * SECOND))
        pipeline.flush()
    pipeline.post(an_error(NOON + 1))
    expected = counts(pipeline)
    pipeline.flush()
    pipeline.crash()
    assert counts(pipeline) == expected
    for _ in range(3):
        pipeline.post(an_error(NOON + 20 * SECOND))
        pipeline.flush()
    expected = counts(pipeline)
    pipeline.crash()
    assert counts(pipeline) == expected


def test_a_flush_without_changes_writes_nothing() -> None:
    pipeline = Pipeline(a_rule())
    pipeline.post(an_error())
    pipeline.flush()
    assert all(journal.vector() is None for journal in pipeline.journals)
    assert not any(any(journal.changes()) for journal in pipeline.journals)


def test_a_rule_that_was_disabled_while_nothing_ran_ends_its_alerts_at_the_start() -> None:
    pipeline = Pipeline(a_rule(threshold=0))
    pipeline.post(an_error())
    pipeline.flush()
    pipeline.book = book_of(a_rule(enabled=False))
    pipeline.crash()
    assert [(a.status, a.reason) for a in pipeline.alerts[1:]] == [
        ("resolved", "the rule was disabled")
    ]


def test_alerts_above_the_cap_survive_a_crash_even_when_they_are_over() -> None:
    rule = a_rule(threshold=0, max_groups=9, window=tumbling(10 * SECOND), resolve_after=0)
    pipeline = Pipeline(rule, cap=0)
    pipeline.post(an_error(), an_error(service="api"))
    pipeline.flush()
    pipeline.rest(NOON + 60 * SECOND)
    pipeline.flush()
    pipeline.cap = 9
    pipeline.crash()
    assert sorted(pipeline.said()) == [
        "firing api 1",
        "firing pay 1",
        "resolved api 1",
        "resolved pay 1",
    ]


def test_no_record_of_the_state_is_long_however_many_groups_there_are() -> None:
    rule = a_rule(threshold=0, max_groups=1_000)
    pipeline = Pipeline(rule, part_bytes=10_000)
    for at in (NOON, NOON + 10 * SECOND, NOON + 20 * SECOND):
        pipeline.post(*(an_error(at, service=f"s{number}") for number in range(1_000)))
    pipeline.flush()
    assert max(map(len, pipeline.stored.values())) <= 10_000
    expected = contents(pipeline)
    pipeline.crash()
    same = contents(pipeline) == expected
    assert same
    pipeline.tick(NOON + 3_600 * SECOND)
    assert not any(panes.slices for journal in pipeline.journals for panes in specs_of(journal))


def specs_of(journal: Journal) -> list[SpecPanes]:
    return [panes for bucket in journal.partition.buckets for panes in bucket.specs.values()]


def stored_by(parts: Parts, stored: dict[bytes, bytes], *changes: Change) -> list[str]:
    stages = parts.cut(changes)
    for key, value in (*stages.parts, *stages.records):
        put(stored, key, value)
    return [key.decode() for key in sorted(stored)]


def test_parts_are_deleted_once_nothing_names_them() -> None:
    parts, stored = Parts(4), dict[bytes, bytes]()
    assert stored_by(parts, stored, Change(b"k", b"123456789")) == ["k", "k.1.0", "k.1.1", "k.1.2"]
    assert Parts(4).join(stored) == {b"k": b"123456789"}
    assert "k.1.2" in stored_by(parts, stored, Change(b"k", b"abcdef"))
    assert Parts(4).join(stored) == {b"k": b"abcdef"}
    assert stored_by(parts, stored) == ["k", "k.2.0", "k.2.1"]
    stored_by(parts, stored, Change(b"k", b"1"))
    assert stored_by(parts, stored) == ["k"]
    stored_by(parts, stored, Change(b"k", b"12345"))
    stored_by(parts, stored, Change(b"k", None))
    assert stored_by(parts, stored) == []


def test_parts_of_a_value_that_was_never_finished_are_deleted_or_overwritten() -> None:
    stored = dict[bytes, bytes]()
    stored_by(Parts(4), stored, Change(b"k", b"12345678"))
    stored |= {b"k.2.0": b"torn", b"k.2.1": b"torn", b"k.2.2": b"torn"}
    heir = Parts(4)
    assert heir.join(stored) == {b"k": b"12345678"}
    assert stored_by(heir, stored, Change(b"k", b"abcde"))[-2:] == ["k.2.0", "k.2.1"]
    assert Parts(4).join(stored) == {b"k": b"abcde"}


def test_a_bucket_that_is_newer_than_the_vector_skips_what_it_contains() -> None:
    calm, dying = Pipeline(a_rule(threshold=1)), Pipeline(a_rule(threshold=1))
    for each in (calm, dying):
        each.post(an_error(), an_error())
        each.tick(NOON + 20 * SECOND)
    dying.flush(writes=1)
    dying.crash()
    assert counts(dying) == counts(calm)
    assert told(dying.alerts) == told(calm.alerts)


def test_a_bucket_that_is_stored_again_before_the_replay_has_reached_it_is_no_older() -> None:
    """Who dies twice: the second time after telling, in the replay, what had waited."""
    dying = Pipeline(a_rule(threshold=0), cap=0)
    dying.post(an_error())
    dying.flush()
    dying.post(an_error())
    dying.tick(NOON)
    dying.flush(writes=2)
    dying.cap = 10
    dying.crash(replayed=0)
    dying.flush()
    dying.crash()
    assert list(counts(dying).values()) == [(2, 2)]


def test_a_missing_part_is_refused_in_plain_words() -> None:
    head = b"parts 1 2 " + checksum(b"parts 1 2").hex().encode()
    with pytest.raises(StateFormatError, match="missing"):
        Parts(4).join({b"k": head, b"k.1.0": b"1234"})


@pytest.mark.parametrize(
    ("value", "found"),
    [(msgspec.msgpack.encode([1, 7]), "1"), (b"\x09abcdef", "unknown"), (b"", "unknown")],
)
def test_state_of_another_format_is_refused_in_plain_words(value: bytes, found: str) -> None:
    with pytest.raises(StateFormatError, match=f"format {found}, this version reads 2"):
        restore(0, {b"0:v": value}, book=book_of(), lateness=LATENESS)


@given(choice=data())
def test_a_byte_that_was_changed_is_found_whatever_it_is(choice: DataObject) -> None:
    pipeline = Pipeline(a_rule(threshold=1), part_bytes=200)
    pipeline.post(*(an_error(service=f"s{number % 20}") for number in range(40)))
    pipeline.flush()
    key = choice.draw(sampled_from(sorted(pipeline.stored)))
    value = bytearray(pipeline.stored[key])
    value[choice.draw(integers(0, len(value) - 1))] ^= choice.draw(integers(1, 255))
    pipeline.stored[key] = bytes(value)
    with pytest.raises(StateFormatError):
        pipeline.crash()


def test_only_the_partitions_own_records_are_read() -> None:
    pipeline = Pipeline(a_rule())
    pipeline.post(an_error())
    pipeline.flush()
    other: Journal = restore(1, {b"0:v": b"not mine"}, book=book_of(), lateness=LATENESS)
    assert other.partition.vector.applied == -1


def test_what_was_remembered_for_a_spec_that_is_no_more_is_passed_over() -> None:
    pipeline = Pipeline(a_rule(RuleType.ABSENCE, threshold=None))
    pipeline.post(an_error())
    full = next(b for j in pipeline.journals for b in j.partition.buckets if b.pieces())
    (piece,) = full.pieces()
    empty = Bucket()
    persistence.unpack_piece(persistence.pack_piece(full, piece), empty, piece)
    assert empty.pieces() == set()
