"""Late rows: judged in each window that holds them, once, and for about what they cost on time."""

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import booleans, integers, lists, sampled_from, tuples

from alert_contracts.events import Event
from alert_contracts.rules import Rule, RuleType, Window
from alert_rule_engine.domain.aggregates import Cell
from alert_rule_engine.domain.panes import NO_SLICE, Slice, SpecPanes
from alert_rule_engine.domain.partials import Group, Numbers
from alert_rule_engine.domain.rolling import Rolling
from alert_rule_engine.testing import LATENESS, NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
PANE = 10 * SECOND
GROUP: Group = ("pay",)
LONG = {
    "tumbling": Window(size=HOUR, step=HOUR, allowed_lateness=HOUR),
    "sliding": Window("sliding", HOUR, PANE, HOUR),
}


class Looked(dict[int, Slice]):
    """Panes that count how often one was looked at."""

    looks = 0

    def get(self, start: int, default: Any = None) -> Any:  # noqa: ANN401 - as dict's
        self.looks += 1
        return super().get(start, default)


def two_hours(rule: Rule) -> tuple[Pipeline, list[Looked]]:
    """Return a pipeline that has judged two hours, and its panes."""
    pipeline = Pipeline(rule)
    for at in range(NOON, NOON + 2 * HOUR, PANE):
        pipeline.post(an_error(at, response_time=100.0 + at // PANE % 70))
        if at % MINUTE == 0:
            pipeline.tick(at)
    pipeline.tick(NOON + 2 * HOUR)
    looked = []
    for journal in pipeline.journals:
        for bucket in journal.partition.buckets:
            for panes in bucket.specs.values():
                panes.slices = Looked(panes.slices)
                looked.append(panes.slices)
    return pipeline, looked


@pytest.mark.parametrize("kind", [*LONG])
@pytest.mark.parametrize(
    "changes",
    [
        {"kind": RuleType.LATENCY, "threshold": 1e6},
        {"kind": RuleType.LATENCY, "threshold": 1e6, "hold": MINUTE},
        {"kind": RuleType.ERROR_RATE, "threshold": 100},
        {"kind": RuleType.ERROR_THRESHOLD, "threshold": 10},
        {"kind": RuleType.SPIKE, "threshold": None, "factor": 3.0},
    ],
    ids=["percentile", "for", "rate", "count", "compares"],
)
def test_late_rows_look_at_each_pane_a_few_times_however_many_windows_hold_them(
    changes: dict[str, Any], kind: str
) -> None:
    """720 panes are there, 300 were judged since; and six rows come, in six panes."""
    pipeline, looked = two_hours(a_rule(window=LONG[kind], **changes))
    late = [an_error(NOON + 70 * MINUTE + n * PANE, response_time=5.0) for n in range(6)]
    pipeline.post(*late)
    pipeline.tick(NOON + 2 * HOUR + SECOND)
    assert sum(each.looks for each in looked) < 12 * 720


def test_late_rows_of_a_second_are_judged_once_in_however_many_batches_they_come() -> None:
    rule = a_rule(RuleType.LATENCY, threshold=1e6, window=LONG["sliding"])
    pipeline, looked = two_hours(rule)
    for number in range(20):
        late = an_error(NOON + 70 * MINUTE + number * PANE, response_time=5.0)
        pipeline.post(late, accepted=NOON + 2 * HOUR)
    pipeline.tick(NOON + 2 * HOUR + SECOND)
    assert sum(each.looks for each in looked) < 12 * 720


@pytest.mark.parametrize("gone", [False, True])
def test_what_came_late_before_a_crash_is_judged_after_it_unless_its_rule_is_gone(
    *, gone: bool
) -> None:
    few = a_rule(RuleType.LATENCY, id="few", condition="p95 > 500 && count < 5", threshold=None)
    rules = (a_rule(RuleType.LATENCY, threshold=500), few)
    pipeline = Pipeline(*rules)
    pipeline.post(*slow(5, 19))
    pipeline.tick(NOON + 30 * SECOND)
    pipeline.post(*slow(6, 1))
    pipeline.flush()
    pipeline.crash(*rules)
    if gone:
        pipeline.change()
    assert pipeline.alerts == []
    pipeline.tick(NOON + 31 * SECOND)
    assert [alert.late_by for alert in pipeline.alerts] == ([] if gone else [18 * SECOND])


def play(pipeline: Pipeline, first: int, last: int, events: Iterable[int]) -> None:
    """Let each second pass, some with an event."""
    due = set(events)
    for second in range(first, last):
        if second in due:
            pipeline.post(an_error(NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND)


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
def test_what_ends_a_window_is_judged_when_its_lateness_is_over_whatever_comes_late(
    *, together: bool
) -> None:
    """Three events in time, three that are late: never fewer than five."""
    few = {"condition": "count < threshold", "threshold": 5, "min_count": 1}
    pipeline = Pipeline(a_rule(RuleType.EVENT_COUNT, window=tumbling(MINUTE), **few))
    play(pipeline, -4, 70, (1, 10, 20))
    late = [an_error(NOON + at * SECOND) for at in (55, 56, 57)]
    for batch in [late] if together else [[event] for event in late]:
        pipeline.post(*batch)
    play(pipeline, 70, 119, range(71, 119, 4))
    assert pipeline.alerts == []


def test_a_drop_that_late_events_undo_is_none() -> None:
    rule = a_rule(
        RuleType.SPIKE,
        condition="count * factor < previous.count",
        threshold=None,
        factor=2.0,
        window=tumbling(MINUTE),
    )
    pipeline = Pipeline(rule)
    play(pipeline, -64, 125, range(-60, 80))
    pipeline.post(*[an_error(NOON + second * SECOND) for second in range(95, 96)])
    pipeline.post(*[an_error(NOON + second * SECOND) for second in range(96, 118)])
    play(pipeline, 125, 170, range(125, 170))
    assert pipeline.alerts == []


def slow(at: int, count: int) -> list[Event]:
    return [an_error(NOON + at * SECOND, response_time=900.0) for _ in range(count)]


def test_late_events_push_each_window_over_that_they_are_in() -> None:
    """Only those from 12:00:10 to 12:00:50 have both the 19 and one more; the last is told of."""
    window = Window("sliding", MINUTE, PANE, 5 * MINUTE)
    rule = a_rule(RuleType.LATENCY, threshold=500, window=window)
    pipeline = Pipeline(rule)
    pipeline.post(*slow(55, 19))
    pipeline.tick(NOON + 3 * MINUTE)
    assert pipeline.alerts == []
    pipeline.post(*slow(65, 1))
    pipeline.tick(NOON + 3 * MINUTE + SECOND)
    pipeline.post(*slow(5, 1))
    pipeline.tick(NOON + 3 * MINUTE + 2 * SECOND)
    (alert,) = pipeline.alerts
    assert (alert.window.start, alert.late_by) == (NOON + 50 * SECOND, 108 * SECOND)
    assert alert.aggregates["count"] == 20


def test_late_events_count_in_each_window_that_is_over_and_holds() -> None:
    """The event of 12:00:20 is in the second of the two windows that the others make hold."""
    window = Window("hopping", 40 * SECOND, 20 * SECOND, 5 * MINUTE)
    rule = a_rule(threshold=3, window=window, keep_firing_for=10 * MINUTE)
    pipeline = Pipeline(rule)
    play(pipeline, 0, 50, (0,))
    pipeline.post(*[an_error(NOON)] * 3)
    pipeline.post(an_error(NOON + 20 * SECOND))
    pipeline.tick(NOON + 51 * SECOND)
    pipeline.change()
    over = pipeline.alerts[-1]
    assert (over.window.start, over.events) == (NOON, 5)


def test_a_late_row_in_a_window_before_the_alert_s_says_nothing_new() -> None:
    window = Window(size=MINUTE, step=MINUTE, allowed_lateness=5 * MINUTE)
    rule = a_rule(RuleType.LATENCY, threshold=500, window=window)
    pipeline = Pipeline(rule)
    pipeline.post(*slow(5, 19), *slow(65, 30))
    pipeline.tick(NOON + 80 * SECOND)
    pipeline.post(*slow(6, 5))
    pipeline.tick(NOON + 81 * SECOND)
    (alert,) = pipeline.alerts
    assert (alert.window.start, alert.aggregates["count"]) == (NOON + MINUTE, 30)


def test_a_late_value_is_one_more_of_those_that_lasted() -> None:
    window = Window(size=MINUTE, step=MINUTE, allowed_lateness=5 * MINUTE)
    rule = a_rule(RuleType.CARDINALITY, value="host", threshold=1, hold=20 * SECOND, window=window)
    pipeline = Pipeline(rule)
    pipeline.post(an_error(NOON, host="a"))
    pipeline.tick(NOON + 50 * SECOND)
    pipeline.post(an_error(NOON + SECOND, host="b"))
    pipeline.tick(NOON + 51 * SECOND)
    (alert,) = pipeline.alerts
    assert (alert.aggregates["distinct"], alert.starts_at) == (2, NOON + SECOND)


@given(
    rows=lists(tuples(integers(0, 30), integers(0, 9)), max_size=40),
    steps=lists(tuples(integers(0, 6), integers(0, 3)), max_size=12),
    distinct=integers(0, 4),
)
def test_sums_of_late_rows_are_those_of_the_panes(
    rows: list[tuple[int, int]], steps: list[tuple[int, int]], distinct: int
) -> None:
    panes = SpecPanes(1)
    for start, value in rows:
        cell = panes.slices.get(start, NO_SLICE).get(GROUP)
        if cell is None:
            cell = Cell(0, 0, value, value)
            panes.put(start, GROUP, cell)
        cell.count += 1
        cell.errors += value % 2
        if value < 7:
            cell.add_numbers(Numbers(1, float(value), value, value, [value]))
        if distinct == 0:
            cell.add_distinct([value])
    rolling = Rolling(panes, GROUP)
    start, end = 0, 0
    for grown, moved in steps:
        end += grown
        start = min(end, start + moved * 3)
        rolled, plain = rolling.window(start, end), panes.window(GROUP, start, end)
        assert rolled.seen(1_000) == plain.seen(1_000)
        assert rolled.references() == plain.references()


def test_a_shipper_that_sends_once_a_minute_is_counted_whole() -> None:
    """Eight errors a minute, forty in each window; the windows are open when they come."""
    pipeline = Pipeline(a_rule(threshold=39, window=tumbling(5 * MINUTE)))
    for at in range(NOON, NOON + 5 * MINUTE, MINUTE):
        pipeline.tick(at + MINUTE)
        pipeline.post(*[an_error(at + n * 7_500) for n in range(8)], accepted=at + MINUTE)
    assert pipeline.said() == ["firing pay 40"]


@given(
    rows=lists(tuples(integers(0, 120), integers(0, 200)), max_size=12),
    window=sampled_from(
        [
            tumbling(MINUTE, lateness=20 * SECOND),
            Window("hopping", MINUTE, 20 * SECOND, 20 * SECOND),
            Window("sliding", MINUTE, PANE, 20 * SECOND),
            Window("sliding", MINUTE, PANE, 0),
        ]
    ),
    threshold=integers(0, 3),
    longer=booleans(),
)
def test_an_event_counts_as_long_as_a_window_that_holds_it_is_open(
    rows: list[tuple[int, int]], window: Window, threshold: int, *, longer: bool
) -> None:
    """Of any rule that counts the same; one whose window is over does not fire any more."""
    rule = a_rule(threshold=threshold, window=window)
    lasting = tumbling(2 * MINUTE, lateness=window.allowed_lateness)
    other = a_rule(id="longer", threshold=1_000, window=lasting)
    pipeline = Pipeline(rule, *([other] * longer))
    in_time: list[int] = []
    fires = False
    for at, comes in sorted(
        ((NOON + at * SECOND, at + delay) for at, delay in rows), key=itemgetter(1)
    ):
        now = NOON + comes * SECOND
        pipeline.tick(now)
        lost = pipeline.post(an_error(at), accepted=now)
        last = at // window.step * window.step
        starts = range(last, at - window.size, -window.step)
        over = now - LATENESS - window.size - window.allowed_lateness
        open_ = [start for start in starts if start > over]
        end = at // lasting.size * lasting.size + lasting.size + lasting.allowed_lateness
        counts = bool(open_) or (longer and end > now - LATENESS)
        in_time += [at] * counts
        assert sum(each.losses.late for each in lost) == (not counts)
        fires |= any(
            sum(start <= each < start + window.size for each in in_time) > threshold
            for start in open_
        )
        assert fires or not pipeline.alerts
    pipeline.tick(pipeline.now + PANE)
    assert bool(pipeline.alerts) == fires
