"""The oracle on cases that were worked out by hand; it is right, and it misses nothing."""

from pathlib import Path
from typing import Any

import pytest
from oracle.expectation import Episode, episodes, judge
from oracle.journal import Batch, Event, Journal, read
from oracle.presence import Presence, presence
from oracle.strain import Strain, strain
from oracle.told import Record, Told, gather
from oracle.verdict import compare, counted
from oracle.watch import Watch, predicate, read_rule
from oracle.windows import tally

MINUTE = 60_000
DOCUMENT: dict[str, Any] = {
    "id": "r",
    "tenant": "t",
    "revision": 1,
    "type": "ERROR_THRESHOLD",
    "match": 'level in ["ERROR", "FATAL"]',
    "condition": "count > threshold",
    "threshold": 2,
    "value": None,
    "minCount": 1,
    "resolveAfter": 10_000,
    "groupBy": ["service"],
    "window": {"kind": "tumbling", "size": MINUTE, "step": MINUTE, "allowedLateness": 0},
}


LONG = Presence(100 * MINUTE)


def rule(**change: object) -> Watch:
    return read_rule({**DOCUMENT, **change})


def sliding(size: int, step: int) -> dict[str, object]:
    return {"window": {"kind": "sliding", "size": size, "step": step, "allowedLateness": 0}}


def error(at: int, service: str = "pay", **more: object) -> Event:
    return {"timestamp": at, "service": service, "level": "ERROR", "message": "no", **more}


def batch(*events: Event, id_: str = "b", late: int = 5) -> Batch:
    at = max(event["timestamp"] for event in events) + late
    return Batch(id_, at, at, 0, 0, events)


def record(
    sequence: int, status: str, count: int, *, start: int = 0, id_: str = "a", **more: object
) -> Record:
    return {
        "id": id_,
        "tenant": "t",
        "status": status,
        "sequence": sequence,
        "rule": {"id": "r", "revision": 1},
        "group": {"service": "pay"},
        "window": {"start": start, "end": start + MINUTE},
        "aggregates": {"count": float(count), "errors": float(count)},
        "events": count,
        "reason": "no window held for 10s",
        "startsAt": start + 1,
        "endsAt": start + MINUTE + 10_000,
        "decidedAt": start + MINUTE + 12_000,
        **more,
    }


def differences(
    watch: Watch, batches: list[Batch], records: list[Record], seen: Presence = LONG
) -> list[str]:
    return compare(tally(batches, [watch]), [watch], gather(records), seen).differences


def known(watch: Watch, batches: list[Batch], seen: Presence = LONG) -> list[Episode]:
    return list(episodes(tally(batches, [watch]), [watch], seen))


THREE = [batch(error(1_000), error(2_000), error(59_999))]
LIFE = [record(1, "firing", 3), record(2, "resolved", 3)]


def test_a_moment_belongs_to_the_windows_that_hold_it() -> None:
    assert list(rule().windows(59_999)) == [0]
    assert list(rule().windows(60_000)) == [MINUTE]
    assert list(rule(**sliding(3_000, 1_000)).windows(5_500)) == [3_000, 4_000, 5_000]
    assert list(rule(**sliding(20_000, 5_000)).windows(20_000)) == [5_000, 10_000, 15_000, 20_000]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (7.0, "7"),
        (7.5, "7.5"),
        (1e19, "1e+19"),
        ("7.0", "7.0"),
        (None, ""),
        (True, "true"),
        ({"b": ["ü"], "a": 1}, '{"a":1,"b":["ü"]}'),
    ],
)
def test_a_group_names_numbers_by_their_value_and_anything_else_as_json(
    value: object, text: str
) -> None:
    grouped = rule(groupBy=["attributes.k"])
    assert grouped.group_of({"attributes": {"k": value}}) == (text,)


def test_windows_are_counted_by_rule_group_and_start() -> None:
    batches = [batch(error(1), error(59_999, "web"), error(60_000)), batch(error(2), late=900)]
    windows = tally(batches, [rule()])
    assert windows["r", ("pay",)][0].count == 2
    assert windows["r", ("pay",)][0].accepted_at == 60_005
    assert windows["r", ("pay",)][MINUTE].count == 1
    assert windows["r", ("web",)][0].count == 1


def test_a_sliding_window_holds_what_its_steps_hold() -> None:
    windows = tally([batch(error(500), error(2_500))], [rule(**sliding(3_000, 1_000))])
    counts = {start: window.count for start, window in windows["r", ("pay",)].items()}
    assert counts == {-2_000: 1, -1_000: 1, 0: 2, 1_000: 1, 2_000: 1}


def test_figures_are_what_they_are_by_hand() -> None:
    events = [error(number, responseTime=number, host=f"h{number % 3}") for number in range(1, 101)]
    slow = rule(condition="p95 > threshold", value="responseTime", match="has(responseTime)")
    hosts = rule(condition="distinct > threshold", value="host")
    share = rule(condition="errors * 100.0 / total > threshold", match="true")
    mixed = [*events[:3], {"timestamp": 4, "service": "pay", "level": "ERROR", "statusCode": 200}]
    assert tally([batch(*events)], [slow])["r", ("pay",)][0].figure("p95") == 95
    assert tally([batch(*events)], [hosts])["r", ("pay",)][0].figure("distinct") == 3
    assert tally([batch(*mixed)], [share])["r", ("pay",)][0].figure("share") == 75


def test_a_match_means_what_it_says_and_an_unknown_one_is_refused() -> None:
    assert predicate('level == "WARN"')({"level": "WARN"})
    assert not predicate('attributes.region == "eu"')({"attributes": {"region": "us"}})
    assert not predicate("statusCode >= 500")({})
    with pytest.raises(LookupError):
        predicate("message.size() > 3")


def test_the_threshold_itself_does_not_hold() -> None:
    assert not known(rule(), [batch(error(1), error(2))])
    assert known(rule(), THREE) == [Episode("r", ("pay",), (0,), alone=True)]


def test_what_more_events_can_undo_holds_for_sure_only_in_windows_that_were_seen_whole() -> None:
    least = rule(condition="min > threshold", type="METRIC", value="attributes.size")
    high = [
        batch(error(at, attributes={"size": 3}))
        for at in (1, 4 * MINUTE + 1, 8 * MINUTE + 1, 12 * MINUTE + 1)
    ]
    cut = Presence(13 * MINUTE, ((8 * MINUTE + 10_000, 8 * MINUTE + 30_000),))
    tallied = tally(high, [least])
    assert judge(least, tallied["r", ("pay",)], cut) == {
        0: False,
        4 * MINUTE: True,
        12 * MINUTE: False,
    }


def test_neighbouring_windows_that_hold_are_one_episode_whose_opener_is_not_known() -> None:
    near = [*THREE, batch(error(70_000), error(70_001), error(70_002))]
    far = [*THREE, batch(error(400_000), error(400_001), error(400_002))]
    (episode,) = known(rule(), near)
    assert episode == Episode("r", ("pay",), (0, MINUTE), alone=False)
    assert [each.starts for each in known(rule(), far)] == [(0,), (360_000,)]


def test_overlapping_windows_that_hold_the_same_burst_have_a_known_opener() -> None:
    watch = rule(**sliding(3_000, 1_000))
    burst = batch(error(5_100), error(5_200), error(5_900))
    stray = batch(error(7_000))
    (alone,) = known(watch, [burst])
    assert alone == Episode("r", ("pay",), (3_000, 4_000, 5_000), alone=True)
    (mixed,) = known(watch, [burst, stray])
    assert not mixed.alone


@pytest.mark.parametrize(
    ("shown", "began", "right"),
    [
        (3_000, 5_900, True),
        (4_000, 5_900, True),  # it was opened by [3 000, 6 000), and went on before it was told
        (4_000, 6_000, True),  # the same, when event time had come to the end of the pane
        (4_000, 6_500, False),
        (4_000, 7_000, False),
    ],
)
def test_of_overlapping_windows_the_one_that_ended_next_opened_an_alert(
    shown: int, began: int, *, right: bool
) -> None:
    _opened(5_000, shown, began, right=right)


@pytest.mark.parametrize(
    ("shown", "began", "right"),
    [(4_000, 6_000, True), (5_000, 6_000, True), (3_000, 6_000, False), (5_000, 8_000, False)],
)
def test_what_began_with_a_pane_was_opened_by_the_window_that_ends_with_it(
    shown: int, began: int, *, right: bool
) -> None:
    _opened(6_000, shown, began, right=right)


def _opened(pane: int, shown: int, began: int, *, right: bool) -> None:
    """Let a burst in a pane have an alert that shows a window at first, and began at a time."""
    burst = batch(error(pane), error(pane + 200), error(pane + 900))
    life = [
        record(number, status, 3, start=shown, startsAt=began)
        for number, status in ((1, "firing"), (2, "resolved"))
    ]
    assert (differences(rule(**sliding(3_000, 1_000)), [burst], life) == []) is right


def test_an_alert_that_was_not_over_when_nobody_could_be_heard_goes_on_behind_that() -> None:
    far = [*THREE, batch(error(400_000), error(400_001), error(400_002))]
    silent = Presence(LONG.until, ((62_000, 399_000),))
    assert [each.starts for each in known(rule(), far, silent)] == [(0, 360_000)]
    later = Presence(LONG.until, ((120_000, 399_000),))
    assert [each.starts for each in known(rule(), far, later)] == [(0,), (360_000,)]


def test_the_journal_gives_back_each_batch_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    for offset in (7, 9):
        journal.accepted("b", posted=4, at=5, place=(3, offset), lines=['{"timestamp":1}'])
    two = ['{"timestamp":2}', '{"timestamp":3}']
    journal.accepted("c", posted=5, at=6, place=(0, 0), lines=two)
    journal.close()
    found = list(read(journal.path))
    assert [(each.posted_at, each.accepted_at) for each in found] == [(4, 5), (5, 6)]
    assert [(each.id, each.partition, each.offset) for each in found] == [("b", 3, 7), ("c", 0, 0)]
    assert [len(each.events) for each in found] == [1, 2]


def test_what_had_to_be_said_and_was_is_no_difference() -> None:
    life = [record(1, "firing", 3), record(2, "updated", 3), record(3, "resolved", 3)]
    assert differences(rule(), THREE, life) == []
    assert counted(3, 3.0) == []


@pytest.mark.parametrize(
    ("said", "difference"),
    [
        ([], "never fired"),
        ([record(1, "firing", 3)], "never resolved"),
        ([record(1, "firing", 4), record(2, "resolved", 3)], "4 events told"),
        ([record(1, "firing", 3), record(2, "resolved", 2)], "resolved with count 2"),
        ([LIFE[0], record(2, "resolved", 3, events=2)], "over with 2 events, there were 3"),
        ([record(1, "firing", 3), record(3, "resolved", 3)], "sequences are missing"),
        ([record(1, "resolved", 3)], "does not begin with its one firing"),
        ([*LIFE, record(3, "updated", 3)], "resolved and went on"),
        ([*LIFE, record(1, "firing", 2)], "told twice, with another aggregates"),
        ([*LIFE, *(record(n, s, 3, id_="c") for n, s in ((1, "firing"), (2, "resolved")))], "ids"),
        ([record(1, "firing", 3, start=MINUTE), record(2, "resolved", 3)], "does not hold"),
        ([record(1, "firing", 3, rule={"id": "x", "revision": 1})], "of no rule"),
    ],
)  # fmt: skip
def test_whatever_else_is_said_is_a_difference(said: list[Record], difference: str) -> None:
    assert any(difference in found for found in differences(rule(), THREE, said))


def test_one_lost_and_one_invented_event_are_both_seen() -> None:
    assert differences(rule(), [batch(error(1), error(2))], LIFE)
    assert differences(rule(), [*THREE, batch(error(3_000), id_="c")], LIFE)
    assert counted(3, 2.0) == ["2 events counted, 3 were accepted"]


def test_an_alert_told_again_after_a_crash_is_counted_and_is_no_difference() -> None:
    (told,) = gather([LIFE[0], LIFE[0], LIFE[1]])
    assert isinstance(told, Told)
    assert (told.repeats, told.faults) == (1, [])


def test_what_came_late_must_have_fired_though_a_newer_alert_was_over() -> None:
    newer = batch(*[error(10 * MINUTE + at) for at in range(3)])
    late = THREE[0]._replace(id="late", posted_at=15 * MINUTE, accepted_at=15 * MINUTE)
    told = [
        record(sequence, status, 3, start=10 * MINUTE, id_="b")
        for sequence, status in enumerate(("firing", "resolved"), 1)
    ]
    assert differences(rule(), [newer, late], told) == ["never fired: r pay at (0,)"]
    assert differences(rule(), [newer, late], [*told, *LIFE]) == []


def test_counts_of_a_window_whose_events_were_accepted_too_late_are_not_compared() -> None:
    late = [batch(error(1_000), error(2_000)), batch(error(59_999), id_="c", late=10_001)]
    assert differences(rule(), late, [record(1, "firing", 3), record(2, "resolved", 2)]) == []


def test_percentiles_are_compared_within_the_error_of_the_sketch() -> None:
    watch = rule(
        condition="p95 > threshold", value="responseTime", match="has(responseTime)", threshold=900
    )
    events = [batch(*(error(at, responseTime=1_000) for at in range(3)))]

    def life(p95: float) -> list[Record]:
        exact = {"sum": 3e3, "avg": 1e3, "min": 1e3, "max": 1e3}
        figures = {"count": 3.0, "errors": 3.0, "p95": p95, **exact}
        return [{**each, "aggregates": figures} for each in LIFE]

    assert differences(watch, events, life(1_009)) == []
    assert differences(watch, events, life(1_020))


def test_figures_of_numbers_are_what_they_are_by_hand() -> None:
    sizes = [error(at, attributes={"size": size}) for at, size in enumerate((50, 150, 700))]
    for figure, value in (("sum", 900), ("avg", 300), ("min", 50), ("max", 700), ("p50", 150)):
        watch = rule(condition=f"{figure} > threshold", value="attributes.size")
        assert tally([batch(*sizes)], [watch])["r", ("pay",)][0].figure(figure) == value


@pytest.mark.parametrize("wrong", ["sum", "avg", "min", "max", "p50", "errors"])
def test_every_figure_that_is_told_is_compared(wrong: str) -> None:
    watch = rule(condition="avg > threshold", value="attributes.size")
    events = [batch(*(error(at, attributes={"size": 100}) for at in range(3)))]
    right = {"count": 3.0, "errors": 3.0, "sum": 300.0, "avg": 100.0, "min": 100.0, "max": 100.0}
    right |= {"p50": 100.0}

    def life(figures: dict[str, float]) -> list[Record]:
        return [{**each, "aggregates": figures} for each in LIFE]

    assert differences(watch, events, life(right)) == []
    assert differences(watch, events, life({**right, wrong: 102.0}))


COUNTRY = {"type": "NEW_TERM", "condition": "count > 0", "value": "attributes.country"}


def visit(at: int, country: str) -> Event:
    return error(at, attributes={"country": country})


def news(found: dict[str, str], start: int, count: int = 1) -> list[Record]:
    said: dict[str, Any] = {
        "aggregates": {"count": float(count), "errors": 0.0},
        "found": found,
    }
    return [record(n + 1, status, count, start=start, **said) for n, status in enumerate(BOTH)]


BOTH = ("firing", "resolved")


def test_a_value_is_new_once_and_not_in_a_groups_first_window() -> None:
    events = [visit(5_000, "DE"), visit(64_999, "FR"), visit(65_000, "NO"), visit(69_000, "NO")]
    late = [visit(130_000, "FR"), visit(131_000, "NO"), error(132_000)]
    watch = rule(**COUNTRY)
    batches = [batch(*late, id_="late"), batch(*reversed(events))]
    assert known(watch, batches) == [Episode("r", ("pay",), (MINUTE,), alone=True)]
    assert differences(watch, batches, news({"value": "NO"}, MINUTE)) == []
    assert differences(watch, batches, news({"value": "FR"}, MINUTE))
    assert differences(watch, batches, news({"value": "NO"}, MINUTE, count=2))
    assert differences(watch, batches, news({"value": "NO"}, 2 * MINUTE))


def test_a_value_that_is_another_than_before_is_a_change() -> None:
    watch = rule(type="CHANGE", condition="count > 0", value="attributes.country")
    events = [visit(1_000, "a"), visit(61_000, "b"), visit(62_000, "b"), visit(500_000, "b")]
    batches = [batch(*events[2:], id_="late"), batch(*events[:2])]
    assert differences(watch, batches, news({"old": "a", "new": "b"}, MINUTE)) == []
    assert differences(watch, batches, news({"old": "b", "new": "a"}, MINUTE))
    assert differences(watch, batches, news({}, MINUTE))


def spike(condition: str, **more: object) -> Watch:
    given = {"condition": condition, "minCount": 0, "factor": 3.0, "minReference": 2, **more}
    return rule(type="SPIKE", match="true", **given)


def minutes(*counts: int) -> list[Batch]:
    """Return so many events in each minute."""
    return [
        batch(*(error(number * MINUTE + 30_000 + each) for each in range(count)), id_=str(number))
        for number, count in enumerate(counts)
        if count
    ]


RISE, FALL = "count > previous.count * factor", "count * factor < previous.count"


@pytest.mark.parametrize(
    ("condition", "counts", "starts"),
    [
        (RISE, (1, 2, 6), []),
        (RISE, (1, 2, 7), [(2, True)]),
        (RISE, (1, 1, 9), []),
        (RISE, (2, 9), [(1, False)]),
        (FALL, (1, 6, 2, 2), []),
        (FALL, (1, 6, 1, 2, 2), [(2, True)]),
        (FALL, (6, 1, 1), [(1, False)]),
    ],
)
def test_a_spike_is_compared_with_the_window_before_once_the_group_was_there(
    condition: str, counts: tuple[int, ...], starts: list[tuple[int, bool]]
) -> None:
    until = Presence((len(counts)) * MINUTE)
    windows = tally(minutes(*counts), [spike(condition)])["r", ("pay",)]
    found = judge(spike(condition), windows, LONG if condition == RISE else until)
    assert [start // MINUTE for start in found] == [start for start, _ in starts]
    found = judge(spike(condition), windows, LONG)
    assert [found[start * MINUTE] for start, _ in starts] == [sure for _, sure in starts]


def absence(lateness: int = 30_000) -> Watch:
    window = {"kind": "tumbling", "size": MINUTE, "step": MINUTE, "allowedLateness": lateness}
    return rule(type="ABSENCE", match="true", condition="count == 0", minCount=0, window=window)


def silence(start: int, shown: int | None = None) -> list[Record]:
    """Return an alert of a window that was silent, told when another was silent, too."""
    told = start if shown is None else shown
    began: dict[str, Any] = {"startsAt": start + MINUTE}
    return [record(n + 1, status, 0, start=told, **began) for n, status in enumerate(BOTH)]


def test_a_group_that_was_there_is_missed_in_the_first_window_without_an_event() -> None:
    batches = minutes(2, 0, 0, 1, 1)
    until = Presence(5 * MINUTE)
    assert known(absence(), batches, until) == [
        Episode("r", ("pay",), (MINUTE, 2 * MINUTE), alone=True)
    ]
    assert differences(absence(), batches, silence(MINUTE), until) == []
    assert differences(absence(), batches, silence(MINUTE, 2 * MINUTE), until) == []
    assert differences(absence(), batches, silence(2 * MINUTE), until)
    assert differences(absence(), batches, silence(3 * MINUTE), until)
    assert differences(absence(), batches, [], until)


def test_what_was_silent_while_nobody_could_write_is_no_absence() -> None:
    batches = minutes(2, 0, 0, 1, 1)
    outage = Presence(5 * MINUTE, ((MINUTE + 1_000, MINUTE + 20_000),))
    assert differences(absence(), batches, silence(MINUTE), outage)
    assert differences(absence(), batches, silence(2 * MINUTE), outage) == []


def test_an_absence_that_was_told_before_an_outage_goes_on_over_it() -> None:
    batches = minutes(2, *[0] * 9)
    outage = Presence(10 * MINUTE, ((3 * MINUTE, 7 * MINUTE),))
    assert differences(absence(), batches, silence(MINUTE), outage) == []
    seen = Presence(10 * MINUTE)
    assert differences(absence(), batches, [], outage)
    assert differences(absence(), minutes(2, 0, 0, *[2] * 5, 0, 0), silence(MINUTE), seen)


def test_an_alert_is_not_over_while_nobody_can_be_heard() -> None:
    over = record(2, "resolved", 3, endsAt=2 * MINUTE, decidedAt=9 * MINUTE)
    told = [LIFE[0], over]
    for gaps, wrong in (((), 0), (((MINUTE, 5 * MINUTE),), 1), (((2 * MINUTE, 5 * MINUTE),), 0)):
        assert len(differences(rule(), THREE, told, Presence(20 * MINUTE, gaps))) == wrong


@pytest.mark.parametrize(
    ("over", "since"), [(9 * MINUTE, 10 * MINUTE), (MINUTE + 7_000, 7_000), (61_500, 1_500)]
)
def test_an_alert_goes_on_until_a_window_was_seen_whole_or_nearly(over: int, since: int) -> None:
    """Of an outage of seven seconds that is a nuance, where windows are long."""
    longer = {"kind": "tumbling", "size": 2 * MINUTE, "step": MINUTE, "allowedLateness": 0}
    watch = rule() if over > 2 * MINUTE else rule(window=longer)
    seen = Presence(20 * MINUTE, ((MINUTE, over),))
    assert seen.outlasts(watch, 0, 2 * MINUTE) == since


def test_where_an_outage_was_short_or_the_end_is_near_either_verdict_is_right() -> None:
    batches = minutes(2, 0, 1, 1)
    for seen in (
        Presence(4 * MINUTE, ((MINUTE + 1_000, MINUTE + 5_000),)),
        Presence(4 * MINUTE, ((2 * MINUTE + 35_000, 3 * MINUTE),)),
        Presence(2 * MINUTE + 30_000),
    ):
        assert differences(absence(), batches, silence(MINUTE), seen) == []
        assert differences(absence(), batches, [], seen) == []


def test_presence_is_where_records_were_accepted_with_events_or_without() -> None:
    batches = [Batch("b", at, at, 0, 0, ()) for at in (20_000, 1_000, 2_000, 3_400)]
    gaps = ((3_400, 20_000),)
    assert presence(batches) == Presence(20_000, gaps, gaps)
    assert presence([]) == Presence(0)


def test_a_rule_that_is_new_may_take_its_first_windows_for_incomplete() -> None:
    seen = Presence(20 * MINUTE, live=MINUTE - 5_000)
    assert seen.doubts(absence(), 0)
    assert seen.doubts(absence(), MINUTE)
    assert not seen.forbids(absence(), MINUTE)
    assert not seen.doubts(absence(), 2 * MINUTE)


def test_what_was_posted_before_an_outage_is_acknowledged_after_it_but_was_not_silent() -> None:
    """Nothing was acknowledged for nine seconds, but it was posted in three of them."""
    times = [(second * 1_000, second * 1_000) for second in range(60)]
    times += [(second * 1_000, 69_000) for second in (60, 61, 62)]
    times += [(second * 1_000, second * 1_000) for second in range(69, 200)]
    seen = presence(Batch("b", *both, 0, 0, ()) for both in times)
    assert seen.gaps == ((62_000, 69_000),)
    assert not seen.forbids(absence(), MINUTE)
    assert seen.doubts(absence(), MINUTE)
    assert Presence(seen.until, seen.waits).forbids(absence(), MINUTE)


def test_strain_is_what_came_twice_behind_its_time_or_behind_newer_events() -> None:
    late = Batch("a", 9_000, 9_000, 3, 8, [error(1_000), error(2_000)])
    entries = [late, Batch("b", 5_005, 5_005, 3, 7, [error(5_000)]), late._replace(offset=9)]
    assert strain(entries, [rule()]) == {"r": Strain(3, repeated=2, overtaken=2, late=2)}
    assert str(strain(entries, [rule()])["r"]) == (
        "3 events, 66.7% sent twice, 66.7% overtaken, 66.7% late"
    )


def test_the_oracle_does_not_take_a_rule_that_forgets() -> None:
    with pytest.raises(LookupError, match="forgets"):
        rule(**COUNTRY, remember=60_000)


def test_an_alert_that_was_over_before_that_could_be_known_is_a_difference() -> None:
    last = record(2, "resolved", 3, endsAt=MINUTE)
    (difference,) = differences(rule(), THREE, [LIFE[0], last])
    assert difference.endswith("over at 60000, that can be known from 70000 on")
    (difference,) = differences(rule(), THREE, [LIFE[0], {**last, "endsAt": 80_000}])
    assert "over at 80000" in difference
    changed = {**last, "reason": "the rule was deleted"}
    assert not differences(rule(), THREE, [LIFE[0], changed])
