"""What the engine says about an alert, with the evidence: the `alerts` topic."""

from typing import Final, Literal

import msgspec

from alert_contracts.events import Event
from alert_contracts.rules import RuleType, Severity, WindowKind

MAX_SAMPLES: Final = 10


class RuleRef(msgspec.Struct, rename="camel", frozen=True):
    """The rule, and which revision of it, spoke."""

    id: str
    name: str
    type: RuleType
    revision: int


class WindowSpan(msgspec.Struct, rename="camel", frozen=True):
    """The window that was judged: [start, end) in epoch ms."""

    start: int
    end: int
    kind: WindowKind = "tumbling"


class Source(msgspec.Struct, rename="camel", frozen=True):
    """Where in `log-events` the window's first, crossing and last batch lie.

    Of each partition that holds one of them: the lowest and the highest offset.
    """

    partition: int
    first_offset: int
    last_offset: int


class Sample(msgspec.Struct, rename="camel", frozen=True):
    """One event of the window, and the record that holds it."""

    event: Event
    partition: int
    offset: int
    role: Literal["first", "crossing", "last", "other"] = "other"


class Alert(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """One record: an alert began to fire, still fires with newer counts, or is over."""

    id: str
    fingerprint: str
    tenant: str
    status: Literal["firing", "updated", "resolved"]
    sequence: int
    """Grows with each record of one alert; a reader keeps the highest."""
    rule: RuleRef
    severity: Severity
    group: dict[str, str]
    labels: dict[str, str]
    """alertname, severity (lower case), rule_id, tenant, the group, the rule's own labels."""
    window: WindowSpan
    aggregates: dict[str, float]
    """What `condition` saw: count, errors, total, sum, avg, min, max, p50, p90, p95, p99, distinct,
    and those of the window before as `previous.count` and so on."""
    condition: str
    starts_at: int
    """Event time at which the condition first held."""
    decided_at: int
    """Wall clock at which the engine decided."""
    reason: str
    """The decision in words, such as `count 101 > threshold 100`, or why it resolved."""
    threshold: float | None = None
    ends_at: int | None = None
    """Event time at which it was over: when none of its windows had held for long enough."""
    accepted_at: int | None = None
    """Wall clock at which the gateway took the batch that crossed."""
    late_by: int = 0
    """How far event time had passed the end of the pane to which the crossing event belongs, ms."""
    annotations: dict[str, str] = {}
    samples: list[Sample] = []
    """At most `MAX_SAMPLES`: first, crossing, last and some others, in the order of their time.

    Where `condition` asks for errors or numbers, those that fulfil it, as far as they are found.
    """
    sources: list[Source] = []
    traceparent: str | None = None
    events: int = 0
    """Of a resolved alert: the events of its windows that held, each counted once."""
    found: dict[str, str] = {}
    """Texts that the rule's type found: `old` and `new` (CHANGE), `value` (NEW_TERM, MATCH)."""


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Alert)


def encode_alert(alert: Alert) -> bytes:
    """Return the alert as JSON."""
    return _encoder.encode(alert)


def decode_alert(value: bytes) -> Alert:
    """Return the alert of one record.

    Raises:
        msgspec.DecodeError: (or its subclass ValidationError) the value is no alert.
    """
    return _decoder.decode(value)
