"""Windows and judgements against a model that knows every event and sums each window anew."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis.strategies import (
    DataObject,
    SearchStrategy,
    builds,
    data,
    integers,
    lists,
    sampled_from,
)

from alert_contracts.events import Event
from alert_contracts.ids import alert_id
from alert_contracts.rules import SPIKES, Rule, Window
from alert_rule_engine.domain.compiling import compile_rule
from alert_rule_engine.domain.conditions import CompiledRule, Judgement
from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.testing import LATENESS, NOON, Pipeline, a_rule, an_error

SECOND = 1_000
MINUTE = 60 * SECOND
WINDOWS = (
    Window(size=20 * SECOND, step=20 * SECOND, allowed_lateness=0),
    Window("hopping", 30 * SECOND, 10 * SECOND, 0),
    Window("hopping", 40 * SECOND, 25 * SECOND // 5 * 4, 0),
    Window("sliding", 20 * SECOND, 5 * SECOND, 0),
)
CROSSING, CLOSE, END = Judgement
Kinds = tuple[Judgement, dict[str, Any]]
AVERAGE = {"condition": "avg > threshold && count > 1", "threshold": 200, "value": "responseTime"}
MEDIAN = {"condition": "p50 >= threshold", "threshold": 300, "value": "responseTime"}
HOSTS = {"condition": "distinct > threshold", "threshold": 2, "value": "host"}
CONDITIONS: tuple[Kinds, ...] = (
    (CROSSING, {"condition": "count > threshold", "threshold": 3}),
    (CROSSING, {"condition": "errors >= threshold || count > 6", "threshold": 2}),
    (CLOSE, AVERAGE),
    (CLOSE, MEDIAN),
    (
        END,
        {"condition": "min > threshold", "threshold": 5, "value": "responseTime", "min_count": 2},
    ),
    (END, {"condition": "count < threshold", "threshold": 2}),
    (CROSSING, HOSTS),
    (END, {"condition": "distinct <= threshold", "threshold": 1, "value": "host"}),
    (CLOSE, {"condition": SPIKES["up"], "factor": 2.0, "threshold": None, "min_count": 0}),
    (END, {"condition": SPIKES["down"], "factor": 2.0, "threshold": None, "min_count": 0}),
    (CLOSE, {"condition": "count > previous.count + threshold", "threshold": 2}),
)
PARTS: tuple[tuple[Judgement, str], ...] = (
    *((CROSSING, part) for part in ("count > 3", "!(errors < 2)", "rate > 0.15", "sum > 900")),
    *((CROSSING, part) for part in ("max > 500", "min <= 5", "max - min > 300", "errors != 0")),
    *(
        (CLOSE, part)
        for part in ("avg > 200", "p50 < 300", "errors / count > 0.5", "max > 2 * avg")
    ),
    *((END, part) for part in ("count < 4", "!(errors > 1)", "rate < 0.15", "sum <= 900")),
    *((END, part) for part in ("max < 300", "min > 5", "max - min < 300", "count == 3")),
)


def joined(parts: list[tuple[Judgement, str]], sign: str) -> Kinds:
    """Return a condition of these parts: what is judged latest decides."""
    kind = max((kind for kind, _ in parts), key=list(Judgement).index)
    condition = sign.join(part for _, part in parts)
    return kind, {"condition": condition, "threshold": None, "value": "responseTime"}


kinds: SearchStrategy[Kinds] = sampled_from(CONDITIONS) | builds(
    joined, lists(sampled_from(PARTS), min_size=1, max_size=3), sampled_from([" && ", " || "])
)


class Held(NamedTuple):
    """A window of a group as far as it was judged."""

    start: int
    end: int
    holds: bool


def a_rule_of(window: Window, changes: Mapping[str, Any]) -> Rule:
    return a_rule(match="true", window=window, resolve_after=window.size, **changes)


events: SearchStrategy[Event] = builds(
    an_error,
    integers(0, 90 * SECOND).map(lambda at: NOON + at),
    sampled_from(["pay", "api"]),
    level=sampled_from(["ERROR", "INFO"]),
    host=sampled_from(["a", "b", "c", "d"]),
    response_time=sampled_from([1.0, 7.5, 250.0, 333.0, 1_000.0]),
)


def figures(rule: CompiledRule, mine: list[Event], start: int, end: int) -> dict[str, Any]:
    """What the condition sees of the events in [start, end), counted one by one."""
    seen = [event for event in mine if start <= event.timestamp < end]
    times = sorted(e.response_time for e in seen if e.response_time is not None)
    view: dict[str, Any] = {
        "count": len(seen),
        "total": len(seen),
        "rate": len(seen) * 1_000 / rule.shape.size,
        "errors": sum(event.level == "ERROR" for event in seen),
        "distinct": len({event.host for event in seen}),
    }
    if times and rule.rule.value == "responseTime":
        view |= {"sum": sum(times), "avg": sum(times) / len(times)}
        view |= {"min": times[0], "max": times[-1]}
        view["p50"] = times[-(-len(times) // 2) - 1] * 1.01
    return view


def holding(rule: CompiledRule, mine: list[Event], start: int, end: int) -> bool:
    """Tell whether a window holds as far as `end`."""
    view = figures(rule, mine, start, end)
    if rule.compares:
        size = rule.shape.size
        before = figures(rule, mine, start - size, start)
        view |= {f"previous.{name}": value for name, value in before.items()}
        first = min((event.timestamp for event in mine), default=start)
        if first - first % rule.spec.pane >= start - size:
            return False
    empty = not view["count"] and not rule.compares
    return not empty and rule.holds(view)


FIRST = NOON - 2 * SECOND
"""When a gateway is first heard: few events prove nothing in windows that began before."""


def proves(kind: Judgement, start: int, *, whole: bool) -> bool:
    """Tell whether a window, or a part of it, decides anything."""
    return kind is CLOSE or (whole and (kind is CROSSING or start >= FIRST))


def ends(rule: CompiledRule, kind: Judgement, start: int) -> Iterator[int]:
    """Yield when a window is judged: only as long as no older one is open."""
    shape, pane = rule.shape, rule.spec.pane
    for end in range(start + pane, start + shape.size + 1, pane):
        oldest = shape.holding(end - pane, pane) == start
        if oldest and proves(kind, start, whole=end == start + shape.size):
            yield end


def naive(rule: CompiledRule, kind: Judgement, mine: list[Event], until: int) -> Iterator[Held]:
    """Yield every window of a group as it is judged, and whether it holds."""
    size, step = rule.shape
    first = (NOON - 2 * size) // step * step
    for start in range(first, until, step):
        for end in ends(rule, kind, start):
            if end <= until:
                yield Held(start, end, holding(rule, mine, start, end))


def fires(rule: CompiledRule, kind: Judgement, mine: list[Event], until: int) -> Held | None:
    """Return the window of a group with which its condition has held for long enough."""
    since: int | None = None
    for seen in naive(rule, kind, mine, until):
        if seen.holds:
            since = seen.end if since is None else since
            if seen.end - since >= rule.rule.hold:
                return seen
        elif seen.end == seen.start + rule.shape.size or (
            rule.sways and figures(rule, mine, seen.start, seen.end)["count"]
        ):
            since = None
    return None


def opened_by(rule: Rule, group: str, start: int) -> str:
    """The id of the alert that a window opens."""
    return alert_id(
        tenant=rule.tenant,
        rule_id=rule.id,
        revision=rule.revision,
        group={"service": group},
        window_start=start,
    )


def by_group(stream: list[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for event in stream:
        found[event.service].append(event)
    return found


@given(
    stream=lists(events, max_size=25),
    window=sampled_from(WINDOWS),
    rule_kind=kinds,
    hold=sampled_from([0, 0, 10 * SECOND, 25 * SECOND]),
    choice=data(),
)
def test_each_group_fires_first_in_the_window_that_the_model_says_and_as_soon(
    stream: list[Event], window: Window, rule_kind: Kinds, hold: int, choice: DataObject
) -> None:
    """In the order of time, whatever the cut; crashes and rebuilt sums in between."""
    kind, changes = rule_kind
    agree(kind, a_rule_of(window, {**changes, "hold": hold}), stream, choice)


@given(
    low=integers(0, 5),
    high=integers(6, 11),
    more=lists(events, max_size=2),
    hold=sampled_from([0, 10 * SECOND]),
    choice=data(),
)
def test_what_a_hopping_window_leaves_behind_lets_a_group_fire_as_soon(
    low: int, high: int, more: list[Event], hold: int, choice: DataObject
) -> None:
    """Few events, of which those of a whole step are gone at once."""
    window = Window("hopping", 60 * SECOND, 30 * SECOND, 0)
    average = {"condition": "avg > threshold", "threshold": 600, "value": "responseTime"}
    first = an_error(NOON + low * 5 * SECOND, response_time=1.0)
    second = an_error(NOON + high * 5 * SECOND, response_time=1_000.0)
    stream = [first, second, *more]
    agree(CLOSE, a_rule_of(window, {**average, "hold": hold}), stream, choice)


def agree(kind: Judgement, rule: Rule, stream: list[Event], choice: DataObject) -> None:
    """Let a rule be judged, and compare with the model: which window fires first, and when.

    An alert's id names the window that opened it; where time moves on by several at once, the
    first record may show a later one already. What is judged at once fires before its window ends.
    """
    compiled = compile_rule(rule)
    kind = CLOSE if rule.hold and kind is CROSSING else kind
    assert compiled.judgement is kind
    pipeline = Pipeline(rule)
    stream.sort(key=lambda event: event.timestamp)
    waiting = list(stream)
    told: dict[str, tuple[str, int]] = {}
    for second in range(0, 181, 4):
        now = NOON + second * SECOND
        pipeline.beat(now - 2 * SECOND)
        due = [event for event in waiting if event.timestamp <= now]
        del waiting[: len(due)]
        while due:
            size = choice.draw(integers(1, len(due)))
            pipeline.post(*due[:size], source=choice.draw(integers(0, 11)))
            due = due[size:]
        pipeline.tick(now)
        for alert in pipeline.alerts:
            if alert.status == "firing":
                told.setdefault(alert.group["service"], (alert.id, now))
        if second % 40 == 24 and choice.draw(sampled_from([True, False])):
            pipeline.flush()
            pipeline.crash()
    expected: dict[str, str] = {}
    for group, mine in by_group(stream).items():
        first = fires(compiled, kind, mine, NOON + 180 * SECOND - LATENESS)
        if first is not None:
            expected[group] = opened_by(rule, group, first.start)
            since = told[group][1] - LATENESS - first.end if group in told else 0
            assert since < 4 * SECOND
            assert since >= 0 or kind is CROSSING
    assert {group: found for group, (found, _) in told.items()} == expected


@given(
    stream=lists(events, max_size=30),
    size=sampled_from([20, 30, 60]),
    choice=data(),
)
def test_a_sum_that_rolls_on_is_the_sum_of_the_panes(
    stream: list[Event], size: int, choice: DataObject
) -> None:
    pane = 5 * SECOND
    window = Window("sliding", size * SECOND, pane, 0)
    rule = a_rule_of(window, choice.draw(sampled_from([MEDIAN, HOSTS, AVERAGE])))
    pipeline = Pipeline(rule)
    for event in stream:
        pipeline.post(event)
    panes: list[SpecPanes] = [
        each for j in pipeline.journals for b in j.partition.buckets for each in b.specs.values()
    ]
    for each in panes:
        for group in list(each.groups):
            end = NOON
            for _ in range(6):
                end += pane * choice.draw(integers(0, 5))
                if choice.draw(integers(0, 9)) == 0:
                    each.forget(0, end - size * SECOND)
                start = end - choice.draw(sampled_from([size * SECOND, pane, 2 * pane]))
                rolled = each.rolled(group, start, end, size * SECOND)
                plain = each.window(group, start, end)
                assert rolled.seen(1_000) == plain.seen(1_000)
                assert rolled.references() == plain.references()
