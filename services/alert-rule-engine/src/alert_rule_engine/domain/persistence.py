"""State as bytes, and back."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from alert_contracts.rules import Rule
from alert_rule_engine.domain.bucket import ALERTS, PAST, Bucket
from alert_rule_engine.domain.distinct import Distinct, unpack
from alert_rule_engine.domain.late import Late
from alert_rule_engine.domain.lifecycle import AlertState
from alert_rule_engine.domain.memory import Groups, Memory, Terms, Values
from alert_rule_engine.domain.packed import (
    PackedBucket,
    PackedMemory,
    PackedRules,
    PackedSlice,
    PackedSpec,
    PackedVector,
)
from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.domain.seals import seal, unseal
from alert_rule_engine.domain.sight import Sight
from alert_rule_engine.domain.vector import Vector

Piece = tuple[str, int]
"""A pane spec, `ALERTS` or `PAST`, and the number of a piece of its memory, or of the alerts."""


def _plain(value: Any) -> bytes:  # noqa: ANN401 - what msgspec hands over
    packed: bytes = value.pack()
    return packed


def _lively(_type: type, value: Any) -> Distinct:  # noqa: ANN401 - what msgspec hands over
    return unpack(value)


_encode: Final = msgspec.msgpack.Encoder(enc_hook=_plain).encode
_decode_vector: Final = msgspec.msgpack.Decoder(PackedVector).decode
_decode_slices: Final = msgspec.msgpack.Decoder(list[PackedSlice], dec_hook=_lively).decode
_decode_piece: Final = msgspec.msgpack.Decoder(list[Any]).decode
_decode_rules: Final = msgspec.msgpack.Decoder(PackedRules).decode
_decode_bucket: Final = msgspec.msgpack.Decoder(PackedBucket, dec_hook=_lively).decode


def pack_vector(vector: Vector) -> bytes:
    """Return the vector's value."""
    packed = PackedVector(
        applied=vector.applied,
        sources=vector.sources,
        clocks=vector.clocks,
        recent={source: list(batches) for source, batches in vector.recent.items()},
        log_now=vector.log_now,
        counted=vector.counted,
        excused=sorted(vector.excused),
        seen=vector.sight.seen,
        tallies=vector.tallies,
        revisions=vector.revisions,
        holes=vector.sight.holes,
        unread=vector.sight.unread,
        new=vector.sight.new,
    )
    return seal(_encode(packed))


def unpack_vector(value: bytes) -> Vector:
    """Return the vector that `pack_vector` wrote.

    Raises:
        StateFormatError: it was written by another version, or is damaged.
    """
    packed = _decode_vector(unseal(value))
    recent = {source: dict.fromkeys(ids) for source, ids in packed.recent.items()}
    holes = [(packed.seen, packed.seen)] if packed.holes is None else packed.holes
    return Vector(
        applied=packed.applied,
        sources=packed.sources,
        clocks=packed.clocks,
        recent=recent,
        log_now=packed.log_now,
        counted=packed.counted,
        excused=set(packed.excused),
        sight=Sight(packed.seen, holes, packed.unread, packed.new),
        tallies=packed.tallies,
        revisions=packed.revisions,
    )


def pack_rules(rules: PackedRules) -> bytes:
    """Return rules as they are in force."""
    return seal(_encode(rules))


def unpack_rules(value: bytes) -> PackedRules:
    """Return the rules that `pack_rules` wrote.

    Raises:
        StateFormatError: they were written by another version, or are damaged.
    """
    return _decode_rules(unseal(value))


def pack_panes(bucket: Bucket, start: int) -> bytes:
    """Return the bucket's panes that start at a time."""
    return seal(_encode(_slices(bucket, start)))


def unpack_panes(value: bytes, bucket: Bucket, start: int) -> None:
    """Put the panes that `pack_panes` wrote into a bucket.

    Raises:
        StateFormatError: they were written by another version, or are damaged.
    """
    _fill(bucket, start, _decode_slices(unseal(value)))


def pack_piece(bucket: Bucket, piece: Piece) -> bytes:
    """Return a piece of a memory of the bucket."""
    return seal(_encode(_piece(bucket, piece)))


def unpack_piece(value: bytes, bucket: Bucket, piece: Piece) -> None:
    """Put the piece that `pack_piece` wrote into a bucket whose record was read.

    Raises:
        StateFormatError: it was written by another version, or is damaged.
    """
    _recall(bucket, piece, _decode_piece(unseal(value)))


def pack_bucket(bucket: Bucket, hot: Iterable[int], pieces: Iterable[Piece], applied: int) -> bytes:
    """Return the bucket as of log offset `applied`, with what of its panes and memories is hot."""
    packed = PackedBucket(
        applied=applied,
        rules=bucket.rules,
        judged=bucket.judged,
        looked=bucket.alerts.looked,
        pages=sorted(bucket.alerts.pages.live()),
        held=bucket.alerts.pending.rows(),
        specs=[_pack_spec(spec, panes) for spec, panes in bucket.specs.items()],
        slices=[(start, _slices(bucket, start)) for start in sorted(hot)],
        pieces=[(*piece, _piece(bucket, piece)) for piece in sorted(pieces)],
        bases=bucket.alerts.pending.bases,
        late=bucket.late.rows(),
    )
    return seal(_encode(packed))


def unpack_bucket(value: bytes, bucket: Bucket) -> tuple[set[int], set[Piece]]:
    """Fill a bucket with what `pack_bucket` wrote; return the starts of its hot panes and pieces.

    Raises:
        StateFormatError: it was written by another version, or is damaged.
    """
    packed = _decode_bucket(unseal(value))
    bucket.restored = packed.applied
    bucket.rules = packed.rules
    bucket.judged = packed.judged
    bucket.alerts.looked = packed.looked
    bucket.alerts.pages.expect(packed.pages)
    bucket.alerts.pending.restore(packed.held, packed.bases)
    bucket.late = Late(packed.late)
    for each in packed.specs:
        panes = bucket.specs[each.spec] = SpecPanes(each.pane, each.since, each.forgotten)
        panes.left = each.left
        for start in each.kept:
            panes.opened(start)
        if each.memory is not None:
            panes.memory = _MEMORIES[each.memory.sort](each.memory)
    for start, slices in packed.slices:
        _fill(bucket, start, slices)
    for spec, number, rows in packed.pieces:
        _recall(bucket, (spec, number), rows)
    return {start for start, _ in packed.slices}, {piece[:2] for piece in packed.pieces}


def _pack_spec(spec: str, panes: SpecPanes) -> PackedSpec:
    kept = [start for start in panes.slices if start < panes.forgotten]
    memory = _pack_memory(panes.memory)
    return PackedSpec(spec, panes.pane, panes.since, memory, panes.forgotten, kept, panes.left)


def _pack_memory(memory: Memory | None) -> PackedMemory | None:
    if memory is None:
        return None
    learn = memory.learn if isinstance(memory, Terms) else 0
    return PackedMemory(type(memory).__name__, memory.keep, learn, memory.grain)


_MEMORIES: Final[dict[str, Callable[[PackedMemory], Memory]]] = {
    Groups.__name__: lambda packed: Groups(packed.keep, grain=packed.grain),
    Terms.__name__: lambda packed: Terms(packed.keep, packed.learn),
    Values.__name__: lambda packed: Values(packed.keep),
}


def _piece(bucket: Bucket, piece: Piece) -> list[Any]:
    name, number = piece
    if name == ALERTS:
        return _pack_page(bucket.alerts.pages.of(number))
    if name == PAST:
        return bucket.alerts.past.pack(number)
    memory = bucket.specs[name].memory
    return [] if memory is None else memory.pack(number)


def _recall(bucket: Bucket, piece: Piece, rows: list[Any]) -> None:
    name, number = piece
    if name == ALERTS:
        if bucket.alerts.pages.expects(number):
            bucket.alerts.restore(number, _unpack_page(rows))
    elif name == PAST:
        bucket.alerts.past.unpack(number, rows)
    else:
        memory = bucket.specs[name].memory if name in bucket.specs else None
        if memory is not None:
            memory.unpack(number, rows)


def _slices(bucket: Bucket, start: int) -> list[PackedSlice]:
    return [
        PackedSlice(spec, panes.pane, held.accepted, list(held), list(held.values()))
        for spec, panes in bucket.specs.items()
        if (held := panes.slices.get(start)) is not None
    ]


def _fill(bucket: Bucket, start: int, slices: Iterable[PackedSlice]) -> None:
    for packed in slices:
        panes = bucket.specs.get(packed.spec)
        if panes is None or not panes.holds(start):
            continue  # The panes of other specs have kept the record.
        panes.opened(start).accepted = packed.accepted
        known: dict[int, int] = {}
        for group, cell in zip(packed.groups, packed.cells, strict=True):
            # Each number was read as one of its own; few records brought all of these panes.
            cell.first = known.setdefault(cell.first, cell.first)
            cell.last = known.setdefault(cell.last, cell.last)
            panes.put(start, group, cell)


def _pack_page(alerts: Iterable[AlertState]) -> list[Any]:
    """Return alerts; each rule revision is written once."""
    rules: dict[tuple[str, str, int], int] = {}
    texts: list[Rule] = []
    states = []
    for state in alerts:
        rule = state.rule
        name = (rule.tenant, rule.id, rule.revision)
        if name not in rules:
            rules[name] = len(texts)
            texts.append(rule)
        states.append((rules[name], *msgspec.structs.astuple(state)[1:]))
    return [texts, states]


def _unpack_page(packed: list[Any]) -> list[AlertState]:
    """Return the alerts that `_pack_page` wrote."""
    texts, states = packed
    rules = msgspec.convert(texts, list[Rule])
    return [msgspec.convert([rules[state[0]], *state[1:]], AlertState) for state in states]
