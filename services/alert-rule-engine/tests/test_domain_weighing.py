"""The samples of an alert are events that tell why it fires, as far as there are any."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, permutations

from alert_contracts.alerts import MAX_SAMPLES, Sample
from alert_contracts.events import Event, encode_batch, is_error
from alert_contracts.rules import Rule, RuleType
from alert_rule_engine.domain.evaluators import evaluator_of
from alert_rule_engine.domain.evidence import Question, Reference, Search
from alert_rule_engine.domain.weighing import scale_of
from alert_rule_engine.testing import NOON, Pipeline, a_rule, book_of, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def request(at: int, status: int | None = 200, took: float | None = None, **more: Any) -> Event:  # noqa: ANN401
    return Event(NOON + at, "pay", f"GET {status}", "INFO", status, took, **more)


def shuffled(*events: Event) -> list[Event]:
    return [*events[::3], *events[1::3], *events[2::3]]


class Scene:
    """A rule, the batches that were posted, and what its first alert asks to be shown."""

    def __init__(self, rule: Rule, *batches: Sequence[Event]) -> None:
        pipeline = Pipeline(rule)
        pipeline.tick(NOON - 2 * SECOND)
        for batch in batches:
            pipeline.post(*batch)
        for second in range(0, 100, 4):
            if not pipeline.alerts:
                pipeline.tick(NOON + second * SECOND)
        self.reason = pipeline.alerts[0].reason
        self.question = asked(pipeline)
        self.records = {(0, n): encode_batch(batch) for n, batch in enumerate(batches)}
        self.selector = evaluator_of(pipeline.book.rules["default/r1"].spec)

    def search(self, *references: Reference) -> Search:
        search = Search([self.question], lambda _: self.selector)
        for reference in references or self.records:
            search.look(reference, self.records[reference])
        return search

    def samples(self, *references: Reference) -> list[Sample]:
        (samples,) = self.search(*references).samples()
        return samples


def asked(pipeline: Pipeline) -> Question:
    question = pipeline.questions[0]
    assert question is not None
    return question


def told(samples: Sequence[Sample]) -> list[tuple[str, int | None]]:
    return [(sample.role, sample.event.status_code) for sample in samples]


def took(samples: Sequence[Sample], role: str = "") -> list[float | None]:
    return [each.event.response_time for each in samples if role in ("", each.role)]


def rate(**changes: Any) -> Rule:  # noqa: ANN401
    return a_rule(RuleType.ERROR_RATE, threshold=5, window=tumbling(MINUTE), **changes)


def metric(condition: str, **changes: Any) -> Rule:  # noqa: ANN401
    changes = {"value": "responseTime", "window": tumbling(MINUTE), **changes}
    return a_rule(RuleType.METRIC, condition=condition, **changes)


def test_the_event_that_crosses_a_count_is_named_wherever_in_its_window_its_batch_lies() -> None:
    rule = a_rule(RuleType.EVENT_COUNT, match="true", threshold=2, window=tumbling(MINUTE))
    spread = [request(at * SECOND) for at in (1, 21, 41, 42)]
    for batch in (spread, spread[::-1]):
        (crossed,) = [
            each.event for each in Scene(rule, batch).samples() if each.role == "crossing"
        ]
        assert crossed == (spread[2] if batch is spread else spread[3])


def test_a_rate_of_errors_shows_errors() -> None:
    fine = [request(at) for at in range(190)]
    wrong = [request(at, 500) for at in range(5, 185, 15)]
    scene = Scene(rate(), shuffled(*fine, *wrong))
    samples = scene.samples()
    assert scene.reason == "errors 12 * 100.0 / total 202 > threshold 5"
    assert [status for _, status in told(samples)] == [500] * MAX_SAMPLES
    assert {"first", "crossing", "last"} <= {role for role, _ in told(samples)}


def test_the_last_error_of_its_record_is_the_one_that_crossed() -> None:
    batch = [*(request(at) for at in range(40)), *(request(50 - at, 500) for at in range(9))]
    samples = Scene(rate(), [*batch, request(60)]).samples()
    (crossed,) = [sample.event.timestamp for sample in samples if sample.role == "crossing"]
    assert crossed == NOON + 42


def test_of_few_errors_each_is_shown_and_others_up_to_three() -> None:
    batch = [request(at) for at in range(30)]
    for number, shown in ((2, 3), (3, 3), (4, 4)):
        wrong = [request(at, 503) for at in range(number)]
        samples = Scene(rate(), [*batch, *wrong]).samples()
        assert [status for _, status in told(samples)].count(503) == number
        assert len(samples) == shown


def test_where_the_newest_record_has_no_error_the_last_one_that_is_found_crossed() -> None:
    batches = [[request(at) for at in range(30)], [request(11_000, 500), request(11_001, 500)]]
    samples = Scene(rate(), *batches, [request(15_000)]).samples()
    assert told(samples) == [("other", 200), ("first", 500), ("crossing", 500)]


def test_without_any_error_to_be_found_it_is_shown_what_there_is() -> None:
    scene = Scene(rate(), [request(1)], [request(2, 500) for _ in range(30)], [request(3)])
    samples = scene.samples((0, 0), (0, 2))
    assert told(samples) == [("first", 200), ("crossing", 200)]


def test_a_percentile_shows_the_slow_ones_and_the_slowest_as_crossing() -> None:
    rule = a_rule(RuleType.LATENCY, threshold=1_000, window=tumbling(MINUTE))
    fast = [request(at, took=100.0) for at in range(180)]
    slow = [request(at, took=3_000.0 + at) for at in range(0, 140, 10)]
    samples = Scene(rule, shuffled(*fast, *slow)).samples()
    assert len(samples) == MAX_SAMPLES
    assert min(map(float, filter(None, took(samples)))) >= 3_000
    assert took(samples, "crossing") == [3_130.0]


def test_a_single_outlier_that_makes_a_p99_is_shown() -> None:
    events = [request(at, took=80.0) for at in range(40)]
    scene = Scene(metric("p99 > 200"), shuffled(*events, request(20, took=400.0)))
    assert took(scene.samples(), "crossing") == [400.0]


@pytest.mark.parametrize(
    ("condition", "crossed"),
    [
        ("avg > 50", 700.0),
        ("avg < 500", -6.0),
        ("sum > 100", 700.0),
        ("max > threshold", 700.0),
        ("min < 0", -6.0),
        ("max - min > 5", 9.0),
        ("p99 > 5 && errors >= 0", 700.0),
        ("p50 > 1000000 || max > 5 || min < -1000", 700.0),
        ("p50 > 5 && p50 < 200", 9.0),
    ],
)
def test_what_crossed_is_the_number_that_the_condition_looks_for(
    condition: str, crossed: float
) -> None:
    numbers = [7.0, 700.0, -6.0, 50.0, None, 9.0]
    events = [request(at, took=number) for at, number in enumerate(numbers)]
    threshold = 5 if "threshold" in condition else None
    scene = Scene(metric(condition, threshold=threshold), events)
    assert took(scene.samples(), "crossing") == [crossed]


def test_of_two_parts_of_a_condition_each_is_shown_and_what_fulfils_both_crossed() -> None:
    rule = metric("errors > 1 && max > 100", match="true")
    events = [request(at, took=1.0) for at in range(30)]
    both = request(9, 500, 200.0)
    events += [request(3, 500, 1.0), request(5, took=300.0), both, request(11, took=150.0)]
    samples = Scene(rule, events).samples()
    assert took(samples, "crossing") == [200.0]
    assert len(samples) == 3
    assert (
        sum(is_error(each.event) or (each.event.response_time or 0) > 100 for each in samples) == 3
    )


def test_of_alternatives_only_the_one_that_holds_is_looked_for() -> None:
    rule = metric("errors > 3 || p50 > 1000", match="true")
    events = [request(at, took=2_000.0 if at % 3 else 1.0) for at in range(0, 60, 3)]
    events += [request(at, took=9_000.0) for at in range(5)]
    wrong = [request(at, 500, 1.0) for at in range(7, 11)]
    scene = Scene(rule, [*events, *wrong])
    assert scene.reason == "errors 4 > 3"
    assert told(scene.samples()) == [
        (role, 500) for role in ("first", "other", "other", "crossing")
    ]


def test_too_few_errors_are_no_reason_to_show_errors() -> None:
    rule = metric("errors < 3 && count > 5", match="true")
    samples = Scene(
        rule, [request(at, 500 if at in (3, 29) else 200) for at in range(30)]
    ).samples()
    assert [status for _, status in told(samples)] == [200] * MAX_SAMPLES


@pytest.mark.parametrize("condition", ["count > 0", "rate > 0", "distinct > 5", "previous.max > 5"])
def test_what_only_asks_how_many_there_are_weighs_nothing(condition: str) -> None:
    (rule,) = book_of(metric(condition, threshold=None)).rules.values()
    assert scale_of(rule, {"count": 1, "distinct": 9, "previous.max": 9}) is None


def test_the_alternative_that_holds_may_weigh_nothing() -> None:
    (rule,) = book_of(metric("errors > 5 || count > 5", threshold=None)).rules.values()
    assert scale_of(rule, {"count": 9, "errors": 0}) is None


def test_few_more_records_are_read_for_what_tells_if_others_are_plenty() -> None:
    fine = [request(at) for at in range(40)]
    batches = [fine, *([request(50 + at, 500)] for at in range(6)), fine]
    scene = Scene(rate(), *batches)
    scene.question = scene.question._replace(others=tuple((0, n) for n in range(1, 7)))
    search = scene.search((0, 0), (0, 7))
    assert search.lacking([]) == [(0, 1), (0, 6)]
    for offset in (1, 4, 5):
        search.look((0, offset), scene.records[0, offset])
    assert search.lacking([]) == []


@given(
    times=lists(integers(0, 900), min_size=30, max_size=60),
    wrong=lists(integers(0, 900), min_size=5, max_size=30),
    order=permutations([0, 1, 2]),
)
def test_the_order_in_which_records_are_read_changes_no_sample(
    times: list[int], wrong: list[int], order: list[int]
) -> None:
    events = shuffled(*map(request, times), *(request(at, 500) for at in wrong))
    scene = Scene(rate(), *(events[n::3] for n in range(3)))
    assert scene.samples() == scene.samples(*((0, n) for n in order))
