"""Packing frames what several records have to say; it changes nothing of it."""

from alert_rule_engine.domain import partials
from alert_rule_engine.domain.partials import Tick
from alert_rule_engine.entrypoints.packing import MAX_BYTES, MAX_SECONDS, MAX_SOURCES, Pack


def messages(*times: int) -> list[bytes]:
    return [partials.encode(Tick(partials.FORMAT, time, {})) for time in times]


def test_each_target_gets_its_own_messages_in_order() -> None:
    pack = Pack()
    pack.add(messages(1, 2, 3, 4), "first", now=0)
    pack.add(messages(5, 6, 7, 8), "second", now=0)
    pack.tell(messages(9)[0])
    packed = pack.close()
    assert packed is not None
    assert packed.events == ["first", "second"]
    told = [[each.at for each in partials.decode(value)] for value in packed.values]
    assert told == [[1, 5, 9], [2, 6, 9], [3, 7, 9], [4, 8, 9]]
    assert pack.close() is None


def test_a_pack_is_full_by_count_by_bytes_and_by_age() -> None:
    pack = Pack()
    assert not pack.full(now=0)
    for number in range(MAX_SOURCES):
        assert not pack.full(now=0)
        pack.add(messages(1, 2, 3, 4), number, now=0)
    assert pack.full(now=0)
    pack.close()
    pack.add([b"", b"x" * MAX_BYTES, b"", b""], "large", now=7)
    assert pack.full(now=7)
    pack.close()
    pack.add(messages(1, 2, 3, 4), "old", now=0)
    assert not pack.full(now=0)
    assert pack.full(now=MAX_SECONDS)
