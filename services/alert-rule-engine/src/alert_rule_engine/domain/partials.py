"""What stage one tells stage two: one partial per source record and target, msgpack.

A record of `rule-partials` is a Partial or a Tick. All times are epoch milliseconds.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final
from zlib import crc32

import msgspec

from alert_contracts.topics import STATE_PARTITIONS

FORMAT: Final = 1
BUCKETS: Final = 16
"""State buckets per partition; both counts are part of the state's format."""
_ROW_BYTES: Final = 160
"""A row's numbers, and the heads of its lists, at their longest."""
_BIN_BYTES: Final = 18
"""One entry of a sketch at its longest."""
Group = tuple[str, ...]


class Moment(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One event kept as evidence: its time and its line of NDJSON."""

    at: int
    line: bytes


class Values(msgspec.Struct, array_like=True, gc=False):
    """What `value` came to over some events."""

    count: int
    total: float
    low: float
    high: float
    sketch: dict[int, int] | None = None


class Row(msgspec.Struct, array_like=True, gc=False):
    """One group's share of one pane in one source record."""

    slot: int
    """Hash of (pane spec, group): decides partition and bucket."""
    group: Group
    start: int
    count: int
    errors: int
    values: Values | None = None
    first: Moment | None = None
    last: Moment | None = None


class Block(msgspec.Struct, array_like=True, gc=False):
    """The rows of one pane spec."""

    spec: str
    pane: int
    rows: list[Row]
    surplus: int = 0
    """Events whose rows had no room in the record."""


class Partial(msgspec.Struct, array_like=True, gc=False, tag="p"):
    """What one `log-events` record adds to one target partition; sent also when empty."""

    format: int
    source: int
    offset: int
    batch: int
    """64-bit digest of the batch id."""
    events: int
    """Events of the record, attributed to one of its targets; 0 in the others."""
    clock: int
    """Event time that the source has reached: at most the time of acceptance."""
    accepted_at: int
    at: int
    """Wall clock at which stage one spoke."""
    traceparent: str | None
    blocks: list[Block]
    settled: int = 0
    """All of the source before this offset is settled: its partials were stored before this one
    was sent, or its records are no more. What is missing from there on will be sent again."""


class Tick(msgspec.Struct, array_like=True, gc=False, tag="t"):
    """Stage one says: at wall clock `at`, these sources had nothing that was not yet told.

    `idle` maps a source partition to the offset that its next record will have.
    """

    format: int
    at: int
    idle: dict[int, int]


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Partial | Tick)


def encode(message: Partial | Tick) -> bytes:
    """Return the record's value."""
    return _encoder.encode(message)


def decode(value: bytes) -> Partial | Tick:
    """Return what a record says.

    Raises:
        msgspec.DecodeError: (or its subclass ValidationError) the value is neither.
    """
    message: Partial | Tick = _decoder.decode(value)
    return message


def room_of(row: Row) -> int:
    """Return a bound for the bytes that a row takes, without its samples."""
    values = 0 if row.values is None or row.values.sketch is None else len(row.values.sketch)
    texts = sum(4 * len(text) for text in row.group)
    return _ROW_BYTES + texts + 5 * len(row.group) + _BIN_BYTES * values


def slot_of(spec: str, group: Sequence[str]) -> int:
    """Return the stable hash that routes a group."""
    return crc32("\x1f".join((spec, *group)).encode())


def target_of(slot: int) -> int:
    """Return the target partition of a slot."""
    return slot % STATE_PARTITIONS


def bucket_of(slot: int) -> int:
    """Return the bucket within the partition."""
    return slot // STATE_PARTITIONS % BUCKETS


def digest(batch_id: bytes) -> int:
    """Return the 64 bits under which a batch id is remembered."""
    return int.from_bytes(blake2b(batch_id, digest_size=8).digest(), "big")
