"""Who is blind: only one whom nobody could tell anything, not one who reads it later."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis.strategies import integers, permutations, sets
from msgspec.structs import replace

from alert_contracts.rules import RuleType
from alert_contracts.topics import LOG_EVENTS_PARTITIONS
from alert_rule_engine.domain.applied import Applied
from alert_rule_engine.domain.compiling import compile_rule
from alert_rule_engine.domain.conditions import CompiledRule
from alert_rule_engine.domain.partials import FORMAT, Message, Partial
from alert_rule_engine.domain.persistence import pack_vector, unpack_vector
from alert_rule_engine.domain.sight import MAX_HOLES, Blind, Sight
from alert_rule_engine.domain.vector import Vector
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def partial(offset: int, accepted_at: int, at: int, *, settled: int = 0) -> Partial:
    return Partial(
        FORMAT, 0, offset, offset, 1, accepted_at, accepted_at, at, None, [], settled=settled
    )


class LateReading(Pipeline):
    """Stage one reads what was accepted some time after that."""

    read_at = 0

    def _append(self, target: int, *messages: Message) -> list[Applied]:
        read = [
            replace(each, at=self.read_at) if self.read_at and isinstance(each, Partial) else each
            for each in messages
        ]
        return super()._append(target, *read)


def test_a_restart_of_the_first_stage_blinds_nobody() -> None:
    """It was away for 20 s; others' events had been accepted meanwhile, and are read later."""
    window = tumbling(10 * MINUTE, 0)
    pipeline = LateReading(
        a_rule(RuleType.ABSENCE, window=window, threshold=None, resolve_after=MINUTE)
    )
    pipeline.post(an_error(service="gone"))
    for second in range(0, 1_240, 2):
        pipeline.read_at = NOON + 920 * SECOND if 900 <= second < 920 else 0
        pipeline.post(an_error(NOON + second * SECOND))
        if not pipeline.read_at:
            pipeline.tick(NOON + second * SECOND)
    assert {alert.group["service"] for alert in pipeline.alerts} == {"gone"}
    assert pipeline.alerts[0].window.start == NOON + 10 * MINUTE


def test_nor_does_it_while_nobody_sends_anything_but_a_gateway_is_there() -> None:
    """It was away from 100 s to 130 s after noon, in the midst of the first silent window."""
    window = tumbling(MINUTE, 0)
    pipeline = LateReading(
        a_rule(RuleType.ABSENCE, window=window, threshold=None, resolve_after=MINUTE)
    )
    pipeline.tick(NOON)
    pipeline.post(an_error(NOON + SECOND))
    for second in range(2, 140):
        away = 100 <= second < 130
        pipeline.read_at = NOON + 130 * SECOND if away else 0
        pipeline.beat(NOON + second * SECOND)
        if not away:
            pipeline.tick(NOON + second * SECOND)
    (alert,) = pipeline.alerts
    assert (alert.status, alert.window.start) == ("firing", NOON + MINUTE)


def test_silence_is_not_told_from_deafness_while_nothing_is_accepted() -> None:
    """The gateway is away from 65 s to 200 s after noon; ticks go on, and another's events end."""
    pipeline = Pipeline(
        a_rule(RuleType.ABSENCE, window=tumbling(MINUTE, 0), threshold=None, resolve_after=MINUTE)
    )
    for second in range(400):
        at = NOON + second * SECOND
        if second < 65:
            pipeline.post(an_error(at))
        pipeline.tick(at, deaf=65 <= second < 200)
    windows = [(alert.status, (alert.window.start - NOON) // SECOND) for alert in pipeline.alerts]
    assert windows[0] == ("firing", 240)


@pytest.mark.parametrize(("away", "told"), [(2_200, False), (1_500, True)])
def test_the_shortest_windows_are_not_silent_while_nobody_can_be_heard_for_as_long(
    away: int, *, told: bool
) -> None:
    """Of 2.2 s a whole window of two is hidden; a gateway may take 1.5 s from sign to sign."""
    window = tumbling(2 * SECOND, 0)
    pipeline = Pipeline(a_rule(RuleType.ABSENCE, window=window, threshold=None))
    pipeline.post(an_error(NOON + 3_950))
    begin, end = NOON + 3_950, NOON + 3_950 + away
    for at in range(NOON + 4_000, NOON + 12_000, 100):
        if at >= end and not told:
            pipeline.post(an_error(at))
        pipeline.tick(at, deaf=begin < at < end)
    assert bool(pipeline.alerts) == told


def windows_of(size: int) -> CompiledRule:
    return compile_rule(a_rule(window=tumbling(size)))


def test_a_blink_of_the_gateway_hides_nobody_but_from_short_windows() -> None:
    sight = Sight()
    for second in (0, 1, 2, 6, 7):
        sight.see(NOON + second * SECOND)
    assert sight.blind(NOON + 8 * SECOND)[:2] == (NOON, NOON + 6 * SECOND)
    assert sight.blind(NOON + 11 * SECOND)[:2] == (NOON, NOON + 11 * SECOND + 1)
    assert sight.blind(NOON + 13 * SECOND).long == NOON + 13 * SECOND + 1
    assert Blind(long=1, short=2).of(windows_of(50 * SECOND)) == 1
    assert Blind(long=1, short=2).of(windows_of(49 * SECOND)) == 2


class InOrder(Pipeline):
    """Each batch was accepted at the time of its event, whatever was read before."""

    def _append(self, target: int, *messages: Message) -> list[Applied]:
        read = [
            replace(each, accepted_at=each.clock) if isinstance(each, Partial) else each
            for each in messages
        ]
        return super()._append(target, *read)


def test_a_window_is_judged_while_one_source_is_read_far_ahead_of_the_others() -> None:
    """Stage one stood still, and then reads of one source alone what all had accepted since."""
    window = tumbling(MINUTE, 0)
    pipeline = InOrder(a_rule(RuleType.ABSENCE, window=window, threshold=None))
    pipeline.post(an_error(NOON + SECOND, service="gone"))
    for second in range(122):
        for source in range(LOG_EVENTS_PARTITIONS):
            pipeline.post(an_error(NOON + second * SECOND), source=source)
    pipeline.post(an_error(NOON + 135 * SECOND), source=0)
    for source in range(1, LOG_EVENTS_PARTITIONS):
        pipeline.post(an_error(NOON + 122 * SECOND), source=source)
    (alert,) = pipeline.alerts
    assert (alert.status, alert.group["service"]) == ("firing", "gone")
    assert alert.window.start == NOON + MINUTE


def test_what_was_left_out_of_a_spec_or_of_its_tenant_blinds_no_other() -> None:
    rule = windows_of(50 * SECOND)
    for unread, until in (({rule.spec.id: 4}, 4), ({rule.spec.tenant: 5}, 5), ({"acme": 6}, 3)):
        assert Blind(3, 3, unread).of(rule) == until


def test_nobody_has_seen_anything_before_the_first_event_was_accepted() -> None:
    sight = Sight()
    assert sight.blind(NOON)[:2] == (NOON + 1, NOON + 1)
    for second in (100, 1, 2, 3):
        sight.see(NOON + second * SECOND)
    assert sight.blind(NOON + 100 * SECOND).long == NOON + 100 * SECOND


def test_what_is_read_later_fills_a_hole_in_any_order() -> None:
    sight = Sight()
    for second in (0, 60, 10, 57):
        sight.see(NOON + second * SECOND)
    assert sight.holes[1:] == [
        (NOON, NOON + 10 * SECOND),
        (NOON + 10 * SECOND, NOON + 57 * SECOND),
        (NOON + 57 * SECOND, NOON + 60 * SECOND),
    ]
    assert sight.blind(NOON + MINUTE)[:2] == (NOON + 57 * SECOND, NOON + MINUTE)
    for second in (*range(5, 57, 5), 59, 3, 8):
        sight.see(NOON + second * SECOND)
    assert sight.blind(NOON + MINUTE).long == NOON
    vector = Vector(sight=sight)
    assert unpack_vector(pack_vector(vector)) == vector


def test_a_time_of_acceptance_that_is_still_to_come_proves_nothing_of_the_future() -> None:
    vector = Vector()
    vector.take(partial(0, NOON + MINUTE, NOON))
    assert vector.sight.seen == NOON


def test_where_records_are_lost_no_others_tell_that_all_was_seen() -> None:
    vector = Vector()
    vector.take(partial(0, NOON, NOON))
    vector.take(partial(5, NOON + 20 * SECOND, NOON + 20 * SECOND, settled=5))
    for offset in range(6, 24):
        vector.take(partial(offset, NOON + (offset - 4) * SECOND, NOON + 20 * SECOND))
    assert vector.sight.blind(NOON + 20 * SECOND).long == NOON + 20 * SECOND


def test_the_holes_are_bounded_by_filling_the_oldest_no_more() -> None:
    sight = Sight()
    sight.see(NOON)
    far = NOON + 10 * MAX_HOLES * 10 * SECOND
    sight.see(far)
    for number in range(MAX_HOLES + 50):
        sight.see(NOON + (number + 1) * 10 * SECOND)
    assert len(sight.holes) == MAX_HOLES
    assert all(before[1] <= after[0] for before, after in pairwise(sight.holes))
    assert sight.blind(far).long == far


def test_many_blinks_hide_nobody_from_long_windows() -> None:
    """A gateway that tells each four seconds that it is there, for an hour."""
    sight = Sight()
    for second in range(0, 3_600, 4):
        sight.see(NOON + second * SECOND)
    assert len(sight.holes) == MAX_HOLES
    assert sight.blind(NOON + 3_598 * SECOND)[:2] == (NOON, NOON + 3_596 * SECOND)
    assert unpack_vector(pack_vector(Vector(sight=sight))).sight == sight


def test_what_was_forgotten_of_many_blinks_is_hidden_from_short_windows_alone() -> None:
    """All that is still known of is filled later, outages too; of the others nobody can say."""
    sight = Sight()
    blinks = [4 * number for number in range(300)]
    outages = [1_196 + 10 * number for number in range(1, 101)]
    for second in (*blinks, *outages):
        sight.see(NOON + second * SECOND)
    forgotten = NOON + blinks[-(MAX_HOLES - 1 - len(outages))] * SECOND
    assert sight.blind(NOON + 2_198 * SECOND).long == NOON + outages[-1] * SECOND
    for second in range(0, outages[-1], 2):
        sight.see(NOON + second * SECOND)
    assert sight.blind(NOON + 2_198 * SECOND)[:2] == (NOON, forgotten)


def test_an_absence_of_an_hour_is_told_by_few_signs_of_life() -> None:
    pipeline = Pipeline(a_rule(RuleType.ABSENCE, window=tumbling(60 * MINUTE), threshold=None))
    pipeline.post(an_error())
    for second in range(4, 7_300, 4):
        pipeline.tick(NOON + second * SECOND)
    (alert,) = pipeline.alerts
    assert (alert.status, alert.window.start) == ("firing", NOON + 60 * MINUTE)


@given(order=permutations(range(40)), present=sets(integers(0, 39), min_size=1))
def test_the_order_in_which_acceptances_become_known_changes_nothing(
    order: list[int], present: set[int]
) -> None:
    """But for what came before the first one that became known."""
    in_time, shuffled = Sight(), Sight()
    for sight, seconds in ((in_time, range(40)), (shuffled, order)):
        sight.see(NOON - SECOND)
        for second in seconds:
            if second in present:
                sight.see(NOON + second * SECOND)
    for now in (39, 42, 50):
        at = NOON + now * SECOND
        assert in_time.blind(at) == shuffled.blind(at)
