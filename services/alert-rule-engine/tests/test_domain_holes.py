"""Who is blind: only one whom nobody could tell anything, not one who reads it later."""

from itertools import pairwise

from msgspec.structs import replace

from alert_contracts.rules import RuleType
from alert_rule_engine.domain.partials import FORMAT, Message, Partial
from alert_rule_engine.domain.partition import Applied
from alert_rule_engine.domain.persistence import pack_vector, unpack_vector
from alert_rule_engine.domain.vector import MAX_HOLES, Vector
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

    def _append(self, target: int, message: Message) -> list[Applied]:
        if self.read_at and isinstance(message, Partial):
            message = replace(message, at=self.read_at)
        return super()._append(target, message)


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


def test_a_time_in_which_nothing_was_accepted_blinds_until_its_end() -> None:
    vector = Vector()
    vector.hear(NOON)
    vector.hear(NOON + MINUTE)
    assert vector.blind == NOON + MINUTE
    vector.take(partial(0, NOON + 10 * SECOND, NOON + MINUTE))
    vector.take(partial(1, NOON + 57 * SECOND, NOON + MINUTE))
    assert (vector.blind, vector.holes[1:]) == (
        NOON + 57 * SECOND,
        [(NOON, NOON + 10 * SECOND), (NOON + 10 * SECOND, NOON + 57 * SECOND)],
    )
    assert unpack_vector(pack_vector(vector)) == vector


def test_what_came_before_the_first_start_is_not_known() -> None:
    vector = Vector()
    vector.hear(NOON)
    for offset in range(100):
        vector.take(partial(offset, NOON - (100 - offset) * SECOND, NOON))
    assert vector.blind == NOON


def test_where_records_are_lost_no_others_tell_that_all_was_seen() -> None:
    vector = Vector()
    vector.hear(NOON)
    vector.take(partial(0, NOON, NOON))
    vector.hear(NOON + 20 * SECOND)
    vector.take(partial(5, NOON + 2 * SECOND, NOON + 20 * SECOND, settled=5))
    for offset in range(6, 24):
        vector.take(partial(offset, NOON + (offset - 4) * SECOND, NOON + 20 * SECOND))
    assert vector.blind == NOON + 20 * SECOND


def test_the_holes_are_bounded_by_filling_the_oldest_no_more() -> None:
    vector = Vector()
    vector.hear(NOON)
    far = NOON + 10 * MAX_HOLES * 10 * SECOND
    vector.hear(far)
    for offset in range(MAX_HOLES + 50):
        vector.take(partial(offset, NOON + (offset + 1) * 10 * SECOND, far))
    assert len(vector.holes) == MAX_HOLES
    assert all(before[1] <= after[0] for before, after in pairwise(vector.holes))
    assert vector.blind == far
