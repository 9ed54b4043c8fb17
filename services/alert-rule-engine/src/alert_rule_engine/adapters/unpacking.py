"""Unpacking what was compressed with lz4, into memory that stays.

aiokafka has cramjam unpack into memory that is fresh and grows, and copies that. Here a thread
unpacks into a buffer of its own, which its caches know already.
"""

from threading import local
from typing import Final

import cramjam
from aiokafka.codec import lz4_decode
from aiokafka.record._crecords import default_records

ROOM_BYTES: Final = 2 * 1_048_576
"""Of a batch of records, unpacked; a larger one is unpacked as aiokafka does."""


class _Room(local):
    """One for each thread."""

    def __init__(self) -> None:
        self.buffer = bytearray(ROOM_BYTES)


_room: Final = _Room()


def unpacked(batch: bytes) -> bytes:
    """Return what was compressed.

    Raises:
        cramjam.DecompressionError: the batch is damaged.
    """
    try:
        size = cramjam.lz4.decompress_into(batch, _room.buffer)
    except cramjam.DecompressionError:  # larger than the room, or damaged
        return bytes(lz4_decode(batch))
    return bytes(memoryview(_room.buffer)[:size])


def unpack_in_place() -> None:
    """Let aiokafka unpack records so."""
    default_records.lz4_decode = unpacked
