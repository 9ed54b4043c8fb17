"""The oracle on cases that were worked out by hand; it is right, and it misses nothing."""

from pathlib import Path
from typing import Any

import pytest
from oracle.expectation import Episode, episodes
from oracle.journal import Batch, Event, Journal, events_of, read
from oracle.told import Record, Told, gather
from oracle.verdict import compare, counted, records_of
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


def rule(**change: object) -> Watch:
    return read_rule({**DOCUMENT, **change})


def sliding(size: int, step: int) -> dict[str, object]:
    return {"window": {"kind": "sliding", "size": size, "step": step, "allowedLateness": 0}}


def error(at: int, service: str = "pay", **more: object) -> Event:
    return {"timestamp": at, "service": service, "level": "ERROR", "message": "no", **more}


def batch(*events: Event, id_: str = "b", late: int = 5) -> Batch:
    return Batch(id_, max(event["timestamp"] for event in events) + late, 0, 0, events)


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
        **more,
    }


def differences(watch: Watch, batches: list[Batch], records: list[Record]) -> list[str]:
    return compare(tally(batches, [watch]), [watch], gather(records)).differences


THREE = [batch(error(1_000), error(2_000), error(59_999))]
LIFE = [record(1, "firing", 3), record(2, "resolved", 3)]


def test_a_moment_belongs_to_the_windows_that_hold_it() -> None:
    assert list(rule().windows(59_999)) == [0]
    assert list(rule().windows(60_000)) == [MINUTE]
    assert list(rule(**sliding(3_000, 1_000)).windows(5_500)) == [3_000, 4_000, 5_000]
    assert list(rule(**sliding(20_000, 5_000)).windows(20_000)) == [5_000, 10_000, 15_000, 20_000]


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
    two = tally([batch(error(1), error(2))], [rule()])
    three = tally(THREE, [rule()])
    assert not list(episodes(two, [rule()]))
    assert list(episodes(three, [rule()])) == [Episode("r", ("pay",), (0,), alone=True)]


def test_neighbouring_windows_that_hold_are_one_episode_whose_opener_is_not_known() -> None:
    near = [*THREE, batch(error(70_000), error(70_001), error(70_002))]
    far = [*THREE, batch(error(400_000), error(400_001), error(400_002))]
    (episode,) = episodes(tally(near, [rule()]), [rule()])
    assert episode == Episode("r", ("pay",), (0, MINUTE), alone=False)
    assert [each.starts for each in episodes(tally(far, [rule()]), [rule()])] == [(0,), (360_000,)]


def test_overlapping_windows_that_hold_the_same_burst_have_a_known_opener() -> None:
    watch = rule(**sliding(3_000, 1_000))
    burst = batch(error(5_100), error(5_200), error(5_900))
    stray = batch(error(7_000))
    (alone,) = episodes(tally([burst], [watch]), [watch])
    assert alone == Episode("r", ("pay",), (3_000, 4_000, 5_000), alone=True)
    (mixed,) = episodes(tally([burst, stray], [watch]), [watch])
    assert not mixed.alone


def test_the_journal_gives_back_each_batch_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    for offset in (7, 9):
        journal.accepted("b", at=5, partition=3, offset=offset, lines=['{"timestamp":1}'])
    journal.accepted("c", at=6, partition=0, offset=0, lines=['{"timestamp":2}', '{"timestamp":3}'])
    journal.close()
    found = list(read(journal.path))
    assert [(each.id, each.partition, each.offset) for each in found] == [("b", 3, 7), ("c", 0, 0)]
    assert events_of(found) == 3


def test_what_had_to_be_said_and_was_is_no_difference() -> None:
    life = [record(1, "firing", 3), record(2, "updated", 3), record(3, "resolved", 3)]
    assert differences(rule(), THREE, life) == []
    assert counted(3, 3.0) == []
    assert records_of("u", life) == []


@pytest.mark.parametrize(
    ("said", "difference"),
    [
        ([], "never fired"),
        ([record(1, "firing", 3)], "never resolved"),
        ([record(1, "firing", 4), record(2, "resolved", 3)], "4 events told"),
        ([record(1, "firing", 3), record(2, "resolved", 2)], "resolved with 2 count"),
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


def test_counts_of_a_window_whose_events_were_accepted_too_late_are_not_compared() -> None:
    late = [batch(error(1_000), error(2_000)), batch(error(59_999), id_="c", late=10_001)]
    assert differences(rule(), late, [record(1, "firing", 3), record(2, "resolved", 2)]) == []


def test_percentiles_are_compared_within_the_error_of_the_sketch() -> None:
    watch = rule(
        condition="p95 > threshold", value="responseTime", match="has(responseTime)", threshold=900
    )
    events = [batch(*(error(at, responseTime=1_000) for at in range(3)))]

    def life(p95: float) -> list[Record]:
        figures = {"count": 3.0, "errors": 3.0, "p95": p95}
        return [{**each, "aggregates": figures} for each in LIFE]

    assert differences(watch, events, life(1_009)) == []
    assert differences(watch, events, life(1_020))
