"""What stage one tells stage two: one partial per source record and target, msgpack.

A record of `rule-partials` is a list of messages: Partials and Ticks, applied in order. Packing
several into one record is framing only: each partial keeps its identity (source and offset), so a
replay may pack them otherwise. All times are epoch milliseconds.

Rows stand in columns: a block holds what one pane spec gained in one pane, and its lists run in
parallel, one entry for each group. Pane specs that have only a row or two share a block.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final
from zlib import crc32

import msgspec

from alert_contracts.topics import STATE_PARTITIONS

FORMAT: Final = 3
"""Of both messages. A field more at the end, with a default, is no other format: who does not know
it passes over it, and who misses it takes the default."""
BUCKETS: Final = 16
"""State buckets per partition; both counts are part of the state's format."""
MAX_CHANGES: Final = 64
"""Changes that one row of a record tells."""
Group = tuple[str, ...]


class Numbers(msgspec.Struct, array_like=True, gc=False):
    """What `value` came to over a group's events that have one."""

    count: int
    total: float
    low: float
    high: float
    bins: list[int] | None = None
    """Bin of each number, one entry a number, where percentiles are asked for; see `sketch`."""


class Block(msgspec.Struct, array_like=True, gc=False):
    """What one pane spec gained in one pane, or several. The lists are parallel."""

    spec: str
    """Empty: `specs` tells."""
    start: int
    pane: int
    slots: list[int]
    """Hash of (pane spec, group): decides partition and bucket."""
    groups: list[Group]
    counts: list[int]
    errors: list[int] = []
    """Empty: all zero."""
    numbers: list[Numbers | None] = []
    """Of specs of kind NUMBER and SKETCH."""
    distinct: list[list[int]] = []
    """Of specs of kind DISTINCT: 64-bit hashes of the values, each once."""
    changes: list[list[tuple[int, str]]] = []
    """Of specs of kind CHANGE: (event time, value) in the order of time, runs of one value folded
    into their first; at most `MAX_CHANGES`, the last of which is the newest."""
    surplus: int = 0
    """Events whose rows, and changes, that had no room in the record."""
    specs: list[str] = []
    """Of which pane spec each row is, where several share the block: of kind COUNT, and none with
    a surplus."""

    @property
    def lacks_rows(self) -> bool:
        """Tell whether more had no room than runs of values, of which the newest are here."""
        rows = zip(self.counts, self.changes, strict=False)
        cut = sum(events - MAX_CHANGES for events, runs in rows if len(runs) == MAX_CHANGES)
        return self.surplus > cut


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
    unread: dict[str, int] = {}
    """Pane specs that have not counted all of the record's events, by a fault or a bound of ours;
    the name of a tenant stands for all of its specs. And the event time from which on they have."""


class Tick(msgspec.Struct, array_like=True, gc=False, tag="t"):
    """Stage one says: at wall clock `at`, these sources had nothing that was not yet told.

    `idle` maps a source partition to the offset that its next record will have.
    """

    format: int
    at: int
    idle: dict[int, int]


Message = Partial | Tick
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[Message])
_SHORT: Final = 16
"""An array of fewer has a head of one byte."""


def encode(message: Message) -> bytes:
    """Return a message as `pack` takes it."""
    return _encoder.encode(message)


def pack(messages: Sequence[bytes]) -> bytes:
    """Return the value of the record that holds these encoded messages, fewer than 65 536."""
    count = len(messages)
    head = bytes([0x90 | count]) if count < _SHORT else b"\xdc" + count.to_bytes(2, "big")
    return head + b"".join(messages)


def decode(value: bytes) -> list[Message]:
    """Return the messages of a record, in order.

    Raises:
        msgspec.DecodeError: (or its subclass ValidationError) the value holds none.
    """
    messages: list[Message] = _decoder.decode(value)
    return messages


def slot_of(spec: str, group: Sequence[str]) -> int:
    """Return the stable hash that routes a group."""
    return crc32("\x1f".join((spec, *group)).encode())


def target_of(slot: int) -> int:
    """Return the target partition of a slot."""
    return slot % STATE_PARTITIONS


def bucket_of(slot: int) -> int:
    """Return the bucket within the partition."""
    return slot // STATE_PARTITIONS % BUCKETS


def digest(text: bytes) -> int:
    """Return 64 bits that stand for a text: the same in every process."""
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
