"""What is remembered decides what is new: bounded, forgetful, the same after every restore."""

from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from, tuples

from alert_rule_engine.domain.memory import (
    Admitted,
    Change,
    Groups,
    Keep,
    Memory,
    Terms,
    Values,
    keep_of,
)
from alert_rule_engine.domain.shelves import SHARDS, Shelf

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LATER = 99 * DAY
PAY = ("pay",)
SHOP = ("shop",)
AnyMemory = TypeVar("AnyMemory", bound=Memory)


def restored(source: AnyMemory, empty: AnyMemory) -> AnyMemory:
    """Return what a restart makes of a memory."""
    for piece in source.live():
        stored = msgspec.msgpack.encode(source.pack(piece))
        empty.unpack(piece, msgspec.msgpack.decode(stored))
    return empty


def entries(of: Memory) -> dict[int, list[Any]]:
    return {piece: sorted(map(list, of.pack(piece))) for piece in of.live()}


# --- Groups


def test_a_group_is_known_from_its_first_event_on() -> None:
    groups = Groups(DAY)
    assert PAY not in groups
    assert groups.first(PAY) is None
    assert groups.last(PAY) is None
    assert groups.see(PAY, 10 * HOUR, room=1)
    assert groups.see(PAY, 12 * HOUR, room=1)
    assert groups.first(PAY) == 10 * HOUR
    assert list(groups) == [PAY]
    assert len(groups) == 1


def test_a_late_event_makes_a_group_known_from_then_on() -> None:
    groups = Groups(DAY)
    groups.see(PAY, 10 * HOUR, room=1)
    groups.see(PAY, 9 * HOUR, room=1)
    assert groups.first(PAY) == 9 * HOUR
    assert groups.last(PAY) == 10 * HOUR + groups.grain


def test_known_groups_stay_and_others_find_no_room() -> None:
    groups = Groups(DAY)
    assert groups.see(PAY, 0, room=1)
    assert not groups.see(SHOP, 0, room=1)
    assert groups.see(PAY, HOUR, room=1)
    assert list(groups) == [PAY]


def test_a_silent_group_is_forgotten_and_leaves_its_room() -> None:
    groups = Groups(DAY)
    groups.see(PAY, 0, room=1)
    assert not groups.forget(0, DAY)
    assert PAY in groups
    assert groups.forget(DAY, DAY + 2 * groups.grain)
    assert PAY not in groups
    assert groups.see(SHOP, 2 * DAY, room=1)


def test_steady_sightings_change_nothing_that_is_stored() -> None:
    groups = Groups(DAY)
    groups.see(PAY, 0, room=1)
    assert groups.touched() == groups.live()
    for at in range(0, groups.grain, MINUTE):
        groups.see(PAY, at, room=1)
    assert groups.touched() == set()
    groups.see(PAY, groups.grain, room=1)
    assert groups.touched() == groups.live()


@given(ats=lists(integers(0, 3 * DAY), min_size=1))
def test_a_group_is_never_forgotten_early_nor_kept_two_grains_late(ats: list[int]) -> None:
    groups = Groups(DAY)
    for at in ats:
        groups.see(PAY, at, room=1)
    last = groups.last(PAY)
    assert last is not None
    assert max(ats) < last <= max(ats) + groups.grain
    groups.forget(0, max(ats) + DAY - 1)
    assert PAY in groups
    groups.forget(0, max(ats) + DAY + 2 * groups.grain)
    assert PAY not in groups


def test_who_is_forgotten_sooner_is_known_more_exactly_by_those_who_forget_later() -> None:
    keep = keep_of([90 * DAY, HOUR, DAY])
    assert keep == Keep(90 * DAY, HOUR // 64)
    groups = Groups(keep.longest, grain=keep.grain)
    groups.see(PAY, 0, room=1)
    groups.see(PAY, HOUR, room=1)
    assert groups.last(PAY) == HOUR + keep.grain
    assert not groups.forget(0, 90 * DAY)
    assert keep_of([]) is None


# --- Terms


def test_the_first_window_of_a_group_teaches_what_is_usual() -> None:
    terms = Terms(30 * DAY, learn=HOUR)
    assert terms.admit(PAY, "chrome", 5, 10 * HOUR, room=9) == Admitted(0)
    assert terms.admit(PAY, "safari", 5, 11 * HOUR - 1, room=9) == Admitted(0)
    assert terms.admit(PAY, "chrome", 5, 12 * HOUR, room=9) == Admitted(0)
    assert terms.admit(PAY, "curl", 5, 12 * HOUR, room=9) == Admitted(1)
    assert terms.admit(PAY, "curl", 5, 12 * HOUR, room=9) == Admitted(0)


def test_each_group_learns_by_itself() -> None:
    terms = Terms(30 * DAY, learn=HOUR)
    terms.admit(PAY, "chrome", 1, 0, room=9)
    assert terms.admit(SHOP, "curl", 1, 2 * HOUR, room=9) == Admitted(0)
    assert terms.admit(PAY, "curl", 1, 2 * HOUR, room=9) == Admitted(1)


@pytest.mark.parametrize("sweep", [False, True])
def test_a_value_that_was_away_for_long_is_new_again(sweep: bool) -> None:  # noqa: FBT001
    terms = Terms(DAY, learn=HOUR)
    terms.admit(PAY, "chrome", 1, 0, room=9)
    terms.admit(PAY, "curl", 1, 0, room=9)
    terms.admit(PAY, "chrome", 1, DAY, room=9)
    again = DAY + 2 * terms.grain
    assert not sweep or terms.forget(0, again)
    assert terms.admit(PAY, "chrome", 1, again, room=9) == Admitted(0)
    assert terms.admit(PAY, "curl", 1, again, room=9) == Admitted(1)


def test_a_value_that_keeps_coming_never_becomes_new() -> None:
    terms = Terms(DAY, learn=HOUR)
    for at in range(0, 10 * DAY, DAY - 1):
        assert terms.admit(PAY, "chrome", 1, at, room=9) == Admitted(0)
        terms.forget(0, at)


def test_a_group_that_was_forgotten_learns_anew() -> None:
    terms = Terms(DAY, learn=HOUR)
    terms.admit(PAY, "chrome", 1, 0, room=9)
    assert terms.forget(0, 2 * DAY)
    assert len(terms) == 0
    assert terms.admit(PAY, "curl", 1, 3 * DAY, room=9) == Admitted(0)


def test_events_of_groups_and_of_terms_beyond_the_bounds_are_told_apart() -> None:
    terms = Terms(DAY, learn=0, most=3, most_of_group=2)
    assert terms.admit(PAY, "a", 7, 0, room=2) == Admitted(1)
    assert terms.admit(PAY, "b", 7, 0, room=2) == Admitted(1)
    assert terms.admit(PAY, "c", 7, 0, room=2) == Admitted(0, excess=7)
    assert terms.admit(SHOP, "a", 7, 0, room=1) == Admitted(0, surplus=7)
    assert terms.admit(SHOP, "a", 7, 0, room=2) == Admitted(1)
    assert terms.admit(SHOP, "b", 7, 0, room=2) == Admitted(0, excess=7)
    assert terms.admit(PAY, "a", 7, 1, room=2) == Admitted(0)
    assert terms.forget(0, 2 * DAY)
    assert terms.admit(SHOP, "b", 7, 2 * DAY, room=2) == Admitted(1)


# --- Values


def test_a_change_is_told_with_what_was_there_before() -> None:
    values = Values(DAY)
    assert values.admit(PAY, [(1, "1.0")], LATER, room=9) == ([], 0, 0)
    assert values.admit(PAY, [(2, "1.0"), (3, "1.1"), (4, "1.0")], LATER, room=9).found == [
        Change(3, "1.0", "1.1"),
        Change(4, "1.1", "1.0"),
    ]


def test_what_is_older_than_the_last_value_is_ignored() -> None:
    values = Values(DAY)
    values.admit(PAY, [(5, "1.1")], LATER, room=9)
    values.touched()
    assert values.admit(PAY, [(3, "1.0"), (4, "1.0")], LATER, room=9) == ([], 2, 0)
    assert values.touched() == set()
    assert values.admit(PAY, [(4, "1.0"), (5, "1.2")], LATER, room=9) == (
        [Change(5, "1.1", "1.2")],
        1,
        0,
    )


def test_what_says_that_it_comes_from_the_future_is_as_old_as_its_acceptance() -> None:
    values = Values(DAY)
    values.admit(PAY, [(5, "1.0"), (500, "1.0")], 7, room=9)
    told = values.admit(PAY, [(8, "1.1"), (9, "1.2")], 9, room=9)
    assert told.found == [Change(8, "1.0", "1.1"), Change(9, "1.1", "1.2")]
    assert values.admit(PAY, [(500, "1.0")], 8, room=9) == ([], 1, 0)


def test_a_group_without_room_has_no_value() -> None:
    values = Values(DAY)
    values.admit(PAY, [(1, "a")], LATER, room=1)
    assert values.admit(SHOP, [(1, "a"), (2, "b")], LATER, room=1) == ([], 0, 2)
    assert values.admit(PAY, [], LATER, room=1) == ([], 0, 0)
    assert SHOP not in values


def test_no_runs_of_an_unknown_group_leave_it_unknown() -> None:
    values = Values(DAY)
    assert values.admit(PAY, [], LATER, room=1) == ([], 0, 0)
    assert PAY not in values


# --- all of them

moments = lists(tuples(sampled_from("abc"), sampled_from("xyz"), integers(0, 3 * DAY)), max_size=60)


@given(moments=moments, every=integers(1, 5))
def test_restores_at_any_moments_change_no_decision(
    moments: list[tuple[str, str, int]], every: int
) -> None:
    whole = (Groups(DAY), Terms(DAY, HOUR), Values(DAY))
    groups, terms, values = Groups(DAY), Terms(DAY, HOUR), Values(DAY)
    for index, (group, value, at) in enumerate(moments):
        if index % every == 0:
            groups = restored(groups, Groups(DAY))
            terms = restored(terms, Terms(DAY, HOUR))
            values = restored(values, Values(DAY))
        told = []
        for seen, words, last in (whole, (groups, terms, values)):
            verdicts = (
                seen.see((group,), at, room=2),
                words.admit((group,), value, 3, at, room=2),
                last.admit((group,), [(at, value)], LATER, room=2),
            )
            forgotten = [each.forget(max(0, at - HOUR), at) for each in (seen, words, last)]
            told.append((verdicts, forgotten, *map(entries, (seen, words, last))))
        assert told[0] == told[1]


@given(moments=moments)
def test_what_is_stored_when_touched_is_all_there_is(moments: list[tuple[str, str, int]]) -> None:
    terms = Terms(DAY, learn=0)
    stored: dict[int, list[Any]] = {}
    for group, value, at in moments:
        terms.admit((group,), value, 1, at, room=9)
        terms.forget(0, at)
        live = terms.live()
        for piece in terms.touched():
            stored[piece] = terms.pack(piece) if piece in live else []
    assert {piece: sorted(map(list, got)) for piece, got in stored.items() if got} == entries(terms)


def test_a_sweep_happens_only_where_time_has_passed_a_step() -> None:
    groups = Groups(64 * MINUTE)
    groups.see(PAY, 0, room=1)
    late = 66 * MINUTE
    assert not groups.forget(late, late + MINUTE - 1)
    assert PAY in groups
    assert groups.forget(late, late + MINUTE)


def test_a_shelf_spreads_its_entries_over_shards() -> None:
    shelf = Shelf()
    for number in range(1_000):
        shelf.put((str(number), "x"), [number])
    assert shelf.live() == set(range(SHARDS))
    assert len(shelf) == 1_000
    assert shelf.under(("7",)) == 1
    assert shelf.sweep(998)
    assert len(shelf.live()) == 1
    assert list(shelf) == [("999", "x")]
    assert shelf.under(("7",)) == 0
