"""State as bytes, and back. Every value begins with `FORMAT`; another one is refused."""

from collections import deque
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from alert_contracts.rules import Rule
from alert_rule_engine.domain.aggregates import unpack
from alert_rule_engine.domain.alertbook import AlertBook
from alert_rule_engine.domain.bucket import Bucket
from alert_rule_engine.domain.lifecycle import AlertState
from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.domain.partition import REMEMBERED, Vector

FORMAT: Final = 1
FIRST_FIELDS: Final = 7
"""Fields of a vector before there were excuses."""
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder().decode


class StateFormatError(ValueError):
    """Stored state that this version cannot read."""


def pack_vector(vector: Vector) -> bytes:
    """Return the vector's value."""
    recent = {source: list(batches) for source, batches in vector.recent.items()}
    return _encode(
        [
            *(FORMAT, vector.applied, vector.sources, vector.clocks, recent),
            *(vector.log_now, vector.counted, sorted(vector.excused)),
        ]
    )


def unpack_vector(value: bytes) -> Vector:
    """Return the vector that `pack_vector` wrote.

    Raises:
        StateFormatError: it was written by another version.
    """
    packed = _checked(value)
    recent = {source: deque(ids, maxlen=REMEMBERED) for source, ids in packed[4].items()}
    excused = set(packed[7]) if len(packed) > FIRST_FIELDS else set()
    return Vector(packed[1], packed[2], packed[3], recent, packed[5], packed[6], excused)


def _checked(value: bytes) -> list[Any]:
    packed = _decode(value)
    if not isinstance(packed, list) or not packed or packed[0] != FORMAT:
        shown = packed[0] if isinstance(packed, list) and packed else type(packed).__name__
        msg = f"the stored state has format {shown}, this version reads {FORMAT}"
        raise StateFormatError(msg)
    return packed


def pack_panes(bucket: Bucket, start: int) -> bytes:
    """Return the bucket's panes that start at a time."""
    return _encode([FORMAT, _panes(bucket, start)])


def unpack_panes(value: bytes, bucket: Bucket, start: int) -> None:
    """Put the panes that `pack_panes` wrote into a bucket.

    Raises:
        StateFormatError: they were written by another version.
    """
    _fill(bucket, start, _checked(value)[1])


def pack_bucket(bucket: Bucket, hot: Iterable[int], applied: int) -> bytes:
    """Return the bucket as of log offset `applied`, with its panes that start at the hot times."""
    panes = [(start, _panes(bucket, start)) for start in sorted(hot)]
    return _encode([FORMAT, applied, bucket.judged, _pack_alerts(bucket.alerts), panes])


def unpack_bucket(value: bytes, bucket: Bucket) -> set[int]:
    """Fill a bucket with what `pack_bucket` wrote; return the starts of its hot panes.

    Raises:
        StateFormatError: it was written by another version.
    """
    _, applied, judged, alerts, panes = _checked(value)
    bucket.restored = applied
    bucket.judged = judged
    bucket.alerts = _unpack_alerts(alerts)
    for start, packed in panes:
        _fill(bucket, start, packed)
    return {start for start, _ in panes}


def _panes(bucket: Bucket, start: int) -> list[Any]:
    return [
        [spec, panes.pane, [(group, pane.pack()) for group, pane in panes.slices[start].items()]]
        for spec, panes in bucket.specs.items()
        if start in panes.slices
    ]


def _fill(bucket: Bucket, start: int, packed: list[Any]) -> None:
    for spec, pane, groups in packed:
        panes = bucket.specs.setdefault(spec, SpecPanes(pane))
        for group, aggregate in groups:
            panes.put(start, tuple(group), unpack(aggregate))


def _pack_alerts(alerts: AlertBook) -> list[Any]:
    """Return the alerts; each rule revision is written once."""
    rules: dict[tuple[str, str, int], int] = {}
    texts: list[Rule] = []
    states = []
    for state in (*alerts.firing.values(), *alerts.ended.values()):
        rule = state.rule
        name = (rule.tenant, rule.id, rule.revision)
        if name not in rules:
            rules[name] = len(texts)
            texts.append(rule)
        packed = msgspec.to_builtins(state, builtin_types=(bytes,))
        packed[0] = rules[name]
        states.append(packed)
    past = [[*key, *value] for key, value in alerts.past.items()]
    return [texts, states, past, list(alerts.pending), list(alerts.news)]


def _unpack_alerts(packed: list[Any]) -> AlertBook:
    """Return the alerts that `_pack_alerts` wrote."""
    texts, states, past, pending, news = packed
    alerts = AlertBook()
    by_id = {}
    for state in states:
        state[0] = texts[state[0]]
        alert = msgspec.convert(state, AlertState, builtin_types=(bytes,))
        by_id[alert.id] = alert
        if alert.resolved:
            alerts.ended[alert.id] = alert
        else:
            alerts.firing[alert.key] = alert
    alerts.past = {(rule, tuple(group)): (start, until) for rule, group, start, until in past}
    alerts.pending = {name: by_id[name] for name in pending}
    alerts.news = {name: by_id[name] for name in news}
    return alerts
