"""State that an older version stored, with fewer slots, is read; nothing is made of the lack."""

from typing import Any

import msgspec

from alert_contracts.rules import RuleType
from alert_rule_engine.domain.persistence import pack_vector, unpack_vector
from alert_rule_engine.domain.seals import seal, unseal
from alert_rule_engine.domain.sight import Sight
from alert_rule_engine.domain.vector import Tally, Vector
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
HOLES = 10
"""The slot of a vector in which it tells when nothing was accepted."""
SPECS = 6
"""The slot of a bucket in which it tells what it knows of pane specs."""
PIECES = 8
"""The slot of a bucket with its alerts."""
BASES = 9
"""The slot of a bucket in which it tells what the rules count under which something is pending."""


def without(value: bytes, slots: int) -> bytes:
    """Return a stored value as it was when it had only so many slots."""
    whole: list[Any] = msgspec.msgpack.decode(unseal(value))
    assert len(whole) > slots
    return seal(msgspec.msgpack.encode(whole[:slots]))


def test_a_vector_without_holes_says_all_that_it_says() -> None:
    vector = Vector(applied=7, sources={1: 2}, clocks={1: NOON}, log_now=NOON, counted=99)
    vector.tallies = {"spec": Tally(4, 3, 2)}
    vector.revisions = {"default/r1": (1, 2)}
    vector.excused = {5}
    read = unpack_vector(without(pack_vector(vector), HOLES))
    read.sight = vector.sight
    assert read == vector


def test_what_a_vector_without_holes_had_not_seen_proves_nothing_however_soon_one_is_heard() -> (
    None
):
    """Until `NOON` nothing proved silence; the next event came a second later, or ten."""
    read = [unpack_vector(without(pack_vector(Vector(sight=Sight(NOON))), HOLES)) for _ in range(2)]
    for vector, second in zip(read, (1, 10), strict=True):
        vector.sight.see(NOON + second * SECOND)
    at_once, later = [each.sight.blind(each.sight.seen) for each in read]
    assert (at_once.long, at_once.short) == (NOON, NOON)
    assert (later.long, later.short) == (NOON + 10 * SECOND, NOON + 10 * SECOND)


def test_an_absence_is_told_when_a_whole_window_was_seen_after_the_upgrade() -> None:
    rule = a_rule(RuleType.ABSENCE, threshold=None, window=tumbling(MINUTE, 0), expect=(("gone",),))
    pipeline = Pipeline(rule)
    for second in range(30):
        pipeline.tick(NOON + second * SECOND)
    pipeline.flush()
    for key in [key for key in pipeline.stored if key.endswith(b":v")]:
        pipeline.stored[key] = without(pipeline.stored[key], HOLES)
    pipeline.crash()
    for second in range(30, 180):
        pipeline.tick(NOON + second * SECOND)
    assert [each.window.start for each in pipeline.alerts][:1] == [NOON + MINUTE]


def test_what_is_pending_begins_anew_where_it_is_not_known_of_what() -> None:
    rule = a_rule(threshold=0, hold=5 * MINUTE, window=tumbling(30 * MINUTE))
    pipeline = Pipeline(rule)
    pipeline.post(an_error())
    for second in range(0, 4 * 60, 4):
        pipeline.tick(NOON + second * SECOND)
    pipeline.flush()
    pending = [key for key, value in pipeline.stored.items() if b"pay" in value and b"@" not in key]
    for key in pending:
        pipeline.stored[key] = without(pipeline.stored[key], BASES)
    assert pending
    pipeline.crash()
    pipeline.post(an_error(NOON + 4 * MINUTE))
    for second in range(4 * 60, 12 * 60, 4):
        pipeline.tick(NOON + second * SECOND)
    assert [each.starts_at >= NOON + 4 * MINUTE for each in pipeline.alerts] == [True]


def test_a_memory_whose_exactness_is_not_told_is_as_exact_as_it_was() -> None:
    quiet = tumbling(MINUTE, 0)
    rule = a_rule(RuleType.ABSENCE, threshold=None, window=quiet, forget=5 * MINUTE)
    spike = a_rule(RuleType.SPIKE, id="other", window=quiet, threshold=None, factor=3.0)
    pipeline = Pipeline(spike)
    for second in range(0, 10 * 60, 4):
        pipeline.post(an_error(NOON + second * SECOND))
        pipeline.tick(NOON + second * SECOND)
    pipeline.flush()
    known = [key for key, value in pipeline.stored.items() if b"Groups" in value]
    assert known
    for key in known:
        whole: list[Any] = msgspec.msgpack.decode(unseal(pipeline.stored[key]))
        for _, _, _, memory, *_ in whole[SPECS]:
            assert memory.pop() == DAY // 64
        pipeline.stored[key] = seal(msgspec.msgpack.encode(whole))
    pipeline.crash(rule, spike)
    for second in range(10 * 60, 20 * 60, 4):
        pipeline.tick(NOON + second * SECOND)
    (first, *_) = [each for each in pipeline.alerts if each.rule.id == rule.id]
    assert (first.status, first.window.end) == ("firing", NOON + 11 * MINUTE)


def test_an_alert_that_an_older_version_stored_tells_of_the_events_of_its_windows() -> None:
    """It did not say when its windows held."""
    rule = a_rule(threshold=3, window=tumbling(MINUTE), resolve_after=MINUTE)
    pipeline = Pipeline(rule)
    for second in range(0, 200, 4):
        if second in (4, 64):
            pipeline.post(*[an_error(NOON + second * SECOND)] * 5)
        pipeline.tick(NOON + second * SECOND)
        if second == 40:
            pipeline.flush()
            for key, value in pipeline.stored.items():
                pipeline.stored[key] = with_older_alerts(value) if b":b" in key else value
            pipeline.crash()
    last = pipeline.alerts[-1]
    assert (last.status, last.events) == ("resolved", 10)


def with_older_alerts(value: bytes) -> bytes:
    """Return a bucket's value without the last two slots of its alerts."""
    whole: list[Any] = msgspec.msgpack.decode(unseal(value))
    for name, _, rows in whole[PIECES] if len(whole) > PIECES else ():
        if name == "alerts":
            rows[1] = [state[:-2] for state in rows[1]]
    return seal(msgspec.msgpack.encode(whole))
