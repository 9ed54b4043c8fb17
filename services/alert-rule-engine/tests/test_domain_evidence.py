"""An alert shows the events that its rule counted, as far as their records can be read."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, permutations, sampled_from

from alert_contracts.alerts import MAX_SAMPLES, Sample
from alert_contracts.events import Event, encode_batch
from alert_rule_engine.domain.evidence import (
    MAX_MARKS,
    Question,
    Reference,
    Search,
    Selector,
)
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.sampling import MAX_SAMPLE, events_of, fitted
from alert_rule_engine.domain.weighing import News

START = 1_000
END = 2_000


class Errors:
    """Counts ERROR events by service; `host` is their value."""

    def allow(self, steps: int) -> None:
        assert steps > 0

    def matches(self, event: Event) -> bool:
        return event.level == "ERROR"

    def group_of(self, event: Event) -> tuple[str, ...]:
        return (event.service,)

    def number(self, event: Event) -> float | None:
        return event.response_time

    def text(self, event: Event) -> str | None:
        return event.host

    def marks(self, group: Group) -> tuple[str, ...]:
        return group


class Unmarked(Errors):
    """Knows no text by which to tell an event of a group."""

    def marks(self, group: Group) -> tuple[str, ...]:
        return group[:0]


def an_event(
    at: int, message: str = "", service: str = "pay", level: str = "ERROR", host: str | None = None
) -> Event:
    return Event(at, service, message or str(at), level, host=host)


def ask(
    *others: Reference,
    first: Reference | None = None,
    crossing: Reference | None = None,
    last: Reference | None = None,
    count: int | None = None,
    value: str | None = None,
    service: str = "pay",
) -> Question:
    news = None if value is None else News(value)
    return Question(
        "errors", (service,), START, END, first, crossing, last, others, count, news=news
    )


def shown(samples: Sequence[Sample]) -> list[tuple[str, str]]:
    return [(sample.role, sample.event.message) for sample in samples]


def ndjson(*events: Event) -> bytes:
    return encode_batch(events)


def answer(
    questions: Sequence[Question],
    records: Mapping[Reference, bytes],
    selector: Selector = Errors(),  # noqa: B008 - it has no state
) -> list[list[Sample]]:
    search = Search(questions, {"errors": selector}.get)
    for reference, value in records.items():
        search.look(reference, value)
    return search.samples()


def one(question: Question, records: dict[Reference, bytes]) -> list[Sample]:
    (samples,) = answer([question], records)
    return samples


def test_the_first_the_crossing_and_the_last_event_are_named() -> None:
    records = {
        (0, 1): ndjson(an_event(1_001), an_event(1_002)),
        (3, 7): ndjson(an_event(1_003), an_event(1_004), an_event(1_005)),
        (0, 9): ndjson(an_event(1_006), an_event(1_007)),
    }
    samples = one(ask(first=(0, 1), crossing=(3, 7), last=(0, 9), count=2), records)
    assert shown(samples) == [
        ("first", "1001"),
        ("other", "1002"),
        ("other", "1003"),
        ("crossing", "1004"),
        ("other", "1005"),
        ("other", "1006"),
        ("last", "1007"),
    ]
    assert {(sample.partition, sample.offset) for sample in samples} == set(records)


def test_only_what_the_rule_counted_in_this_group_and_window_is_shown() -> None:
    record = ndjson(
        an_event(1_500),
        an_event(1_500, service="shop"),
        an_event(1_500, level="INFO"),
        an_event(START - 1),
        an_event(END),
        an_event(START),
    )
    assert shown(one(ask((0, 1)), {(0, 1): record})) == [("other", "1000"), ("other", "1500")]


def test_one_event_that_is_first_crossing_and_last_is_the_crossing_one() -> None:
    samples = one(
        ask(first=(0, 1), crossing=(0, 1), last=(0, 1)), {(0, 1): ndjson(an_event(1_001))}
    )
    assert shown(samples) == [("crossing", "1001")]


def test_where_it_cannot_be_told_what_crossed_it_is_the_last_line_of_the_record() -> None:
    record = ndjson(an_event(1_003), an_event(1_009), an_event(1_001))
    assert ("crossing", "1001") in shown(one(ask(crossing=(0, 1)), {(0, 1): record}))
    assert ("crossing", "1001") in shown(one(ask(crossing=(0, 1), count=9), {(0, 1): record}))


def test_the_event_that_crossed_is_sought_in_the_pane_that_did() -> None:
    record = ndjson(an_event(1_450), an_event(1_110), an_event(1_320), an_event(1_330))
    question = ask(crossing=(0, 1), count=1)._replace(pane=100)
    for reached, message in ((1_400, "1320"), (1_200, "1110"), (1_450, "1450"), (1_900, "1450")):
        samples = one(question._replace(reached=reached), {(0, 1): record})
        assert ("crossing", message) in shown(samples)
    samples = one(question._replace(reached=1_400, needed=2), {(0, 1): record})
    assert ("crossing", "1330") in shown(samples)


def test_rows_that_reach_no_further_than_the_beginning_of_their_pane_crossed_in_it() -> None:
    record = ndjson(an_event(1_100), an_event(1_300), an_event(1_300))
    question = ask(crossing=(0, 1), count=2)._replace(reached=1_300, pane=100)
    assert shown(one(question, {(0, 1): record}))[2] == ("crossing", "1300")


def test_the_event_with_the_value_that_crossed_is_shown_as_such() -> None:
    record = ndjson(
        an_event(1_001, host="old"), an_event(1_002, host="new"), an_event(1_003, host="old")
    )
    found = shown(one(ask(crossing=(0, 1), value="new"), {(0, 1): record}))
    assert ("crossing", "1002") in found
    found = shown(one(ask(crossing=(0, 1), value="gone"), {(0, 1): record}))
    assert ("crossing", "1003") in found


def test_a_record_that_could_not_be_read_leaves_its_part_empty() -> None:
    question = ask((0, 5), first=(0, 1), crossing=(3, 7), last=(0, 9))
    assert one(question, {}) == []
    assert shown(one(question, {(0, 5): ndjson(an_event(1_004))})) == [("other", "1004")]


def test_a_rule_that_is_gone_shows_nothing() -> None:
    question = ask((0, 1))._replace(spec="gone")
    assert one(question, {(0, 1): ndjson(an_event(1_001))}) == []


def test_a_record_that_nobody_asked_for_is_of_no_use() -> None:
    assert one(ask((0, 1)), {(0, 2): ndjson(an_event(1_001))}) == []


def test_a_record_without_an_event_of_the_group_plays_no_part() -> None:
    records = {(0, 1): ndjson(an_event(1_001, service="shop")), (0, 2): ndjson(an_event(1_002))}
    assert shown(one(ask((0, 2), first=(0, 1)), records)) == [("other", "1002")]


def test_lines_that_are_no_events_are_left_out() -> None:
    record = b'{"timestamp":1,"service":"pay"}\n\xff\n' + ndjson(an_event(1_001))
    assert shown(one(ask((0, 1)), {(0, 1): record})) == [("other", "1001")]
    assert events_of(b"nothing") == []


SERVICES = ("pay", "payé", 'p"ay', "p\\ay", "p/ay", "p\tay", "支払い")


@given(
    lists(sampled_from(SERVICES), max_size=12),
    lists(sampled_from(SERVICES), min_size=1, max_size=3),
    sampled_from([json.dumps, partial(json.dumps, ensure_ascii=False)]),
)
def test_whatever_the_text_and_its_spelling_the_same_events_are_found_by_their_marks(
    services: list[str], asked: list[str], encode: Callable[[object], str]
) -> None:
    lines = [
        encode({"timestamp": START + number, "service": service, "message": "m", "level": "ERROR"})
        for number, service in enumerate(services)
    ]
    records = {(0, 1): "\n".join(lines).encode()}
    questions = [ask(crossing=(0, 1), service=service) for service in asked]
    assert answer(questions, records) == answer(questions, records, Unmarked())


def test_more_groups_than_are_looked_for_by_their_marks_are_found_as_well() -> None:
    names = [f"s{number}" for number in range(MAX_MARKS + 1)]
    record = ndjson(*(an_event(1_001, service=name) for name in names))
    answers = answer([ask(first=(0, 1), service=name) for name in names], {(0, 1): record})
    assert [samples[0].event.service for samples in answers] == names


def test_one_record_answers_many_questions() -> None:
    record = ndjson(*(an_event(1_001, service=f"s{number}") for number in range(50)))
    questions = [ask(first=(0, 1), service=f"s{number}") for number in range(50)]
    answers = answer(questions, {(0, 1): record})
    assert [samples[0].event.service for samples in answers] == [f"s{n}" for n in range(50)]


def test_there_are_ten_samples_at_most_and_those_with_a_part_among_them() -> None:
    many = ndjson(*(an_event(1_000 + number) for number in range(900)))
    records = {(0, 1): many, (0, 2): many, (0, 3): many}
    samples = one(ask(first=(0, 1), crossing=(0, 2), last=(0, 3), count=450), records)
    assert len(samples) == MAX_SAMPLES
    assert {"first", "crossing", "last"} <= {sample.role for sample in samples}
    assert [sample.event.timestamp for sample in samples] == sorted(
        sample.event.timestamp for sample in samples
    )
    gaps = [b.event.timestamp - a.event.timestamp for a, b in pairwise(samples)]
    assert max(gaps) < 900


@given(times=lists(integers(900, 2_100), min_size=1, max_size=40), order=permutations([0, 1, 2]))
def test_the_order_in_which_records_are_read_changes_no_sample(
    times: list[int], order: list[int]
) -> None:
    records = {(0, n): ndjson(*map(an_event, times[n::3] or [1])) for n in range(3)}
    question = ask(first=(0, 0), crossing=(0, 1), last=(0, 2))
    shuffled = {(0, n): records[0, n] for n in order}
    assert one(question, records) == one(question, shuffled)


def test_the_most_telling_records_are_read_first_each_once() -> None:
    questions = [
        ask((0, 8), (0, 9), first=(0, 1), crossing=(0, 2), last=(0, 3)),
        ask((0, 3), (0, 8), first=(0, 4), crossing=(0, 2), last=(0, 2)),
        ask(),
    ]
    search = Search(questions, {"errors": Errors()}.get)
    assert search.telling() == [(0, 2), (0, 1), (0, 4), (0, 3)]
    assert search.lacking(search.telling()) == [(0, 8), (0, 9)]
    assert search.lacking([(0, 8)]) == [(0, 9), (0, 3)]
    assert Search([], {"errors": Errors()}.get).telling() == []


def test_other_records_are_read_only_for_who_has_not_enough_to_show() -> None:
    questions = [ask((0, 8 + n), first=(0, 1), service=f"s{n}") for n in range(2)]
    search = Search(questions, {"errors": Errors()}.get)
    assert search.lacking([]) == [(0, 8), (0, 9)]
    many = [an_event(1_000 + number, service="s0") for number in range(MAX_SAMPLES)]
    search.look((0, 1), ndjson(*many, an_event(1_500, service="s1")))
    assert search.lacking([]) == [(0, 9)]


def test_no_more_records_are_read_than_events_are_lacking() -> None:
    search = Search(
        [ask(*[(0, number) for number in range(2, 12)], first=(0, 1))], {"errors": Errors()}.get
    )
    search.look((0, 1), ndjson(*[an_event(1_000 + number) for number in range(MAX_SAMPLES - 4)]))
    assert search.lacking([(0, 1)]) == [(0, 2), (0, 5), (0, 8), (0, 11)]


@given(unit=sampled_from("aé😀\x01"), size=integers(0, 20_000))
def test_a_long_message_is_cut_and_short_ones_stay_whole(unit: str, size: int) -> None:
    event = an_event(1, unit * size)
    cut = fitted(event)
    assert len(msgspec.json.encode(cut)) <= MAX_SAMPLE
    assert cut == event or (
        cut.message.endswith("…") and event.message.startswith(cut.message[:-1])
    )
    assert (cut == event) == (len(msgspec.json.encode(event)) <= MAX_SAMPLE)


@pytest.mark.parametrize("service", ["pay", "s" * 100_000])
def test_what_is_too_long_without_its_message_keeps_only_what_is_required(service: str) -> None:
    event = Event(7, service, "boom", "ERROR", attributes={"huge": "x" * 100_000})
    cut = fitted(event)
    assert (cut.timestamp, cut.message, cut.level, cut.attributes) == (7, "boom", "ERROR", {})
    assert cut.service.startswith(service[:256])
    assert len(msgspec.json.encode(cut)) <= MAX_SAMPLE
