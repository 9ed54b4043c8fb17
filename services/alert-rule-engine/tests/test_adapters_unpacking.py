"""What is unpacked in a buffer that stays is what aiokafka would have unpacked."""

from concurrent.futures import ThreadPoolExecutor

import cramjam
import pytest
from aiokafka.codec import lz4_decode, lz4_encode
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from alert_rule_engine.adapters import unpacking
from alert_rule_engine.adapters.unpacking import ROOM_BYTES, unpack_in_place, unpacked

LZ4 = 3


def batch(values: list[bytes]) -> DefaultRecordBatch:
    builder = DefaultRecordBatchBuilder(2, LZ4, 0, -1, -1, 0, 16 * ROOM_BYTES)
    for offset, value in enumerate(values):
        builder.append(offset, 1, b"key", value, [])
    return DefaultRecordBatch(bytes(builder.build()))


def test_a_batch_is_itself_while_others_are_unpacked() -> None:
    unpack_in_place()
    first = iter(batch([b"a" * 1_000, b"b" * 1_000]))
    assert next(first).value == b"a" * 1_000
    assert [record.value for record in batch([b"c" * 2_000])] == [b"c" * 2_000]
    assert next(first).value == b"b" * 1_000


def test_aiokafka_unpacks_so() -> None:
    unpack_in_place()
    value = b"a text that is in no other test"
    assert [record.value for record in batch([value])] == [value]
    assert value in unpacking._room.buffer  # noqa: SLF001 - nothing else tells


@pytest.mark.parametrize("size", [0, 1, ROOM_BYTES - 1, ROOM_BYTES, ROOM_BYTES + 1, 3 * ROOM_BYTES])
def test_a_batch_of_any_size_is_unpacked(size: int) -> None:
    value = (b"%d" % size * size)[:size]
    packed = lz4_encode(value)
    assert unpacked(packed) == lz4_decode(packed) == value


def test_a_damaged_batch_is_refused() -> None:
    packed = lz4_encode(b"text" * 100)
    with pytest.raises(cramjam.DecompressionError):
        unpacked(packed[:-9])


def test_threads_do_not_share_a_buffer() -> None:
    values = [b"%d" % number * 100_000 for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(unpacked, [lz4_encode(value) for value in values] * 8)) == values * 8
