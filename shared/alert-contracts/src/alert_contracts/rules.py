"""A rule as the engine reads it from `alert-rules`: every default filled in."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

import msgspec


class RuleType(StrEnum):
    """What a rule watches for; sets the defaults of its expressions."""

    ERROR_THRESHOLD = "ERROR_THRESHOLD"
    LATENCY = "LATENCY"
    ERROR_RATE = "ERROR_RATE"
    SERVER_ERROR = "SERVER_ERROR"
    EVENT_COUNT = "EVENT_COUNT"
    METRIC = "METRIC"
    MATCH = "MATCH"
    ABSENCE = "ABSENCE"
    SPIKE = "SPIKE"
    CARDINALITY = "CARDINALITY"
    NEW_TERM = "NEW_TERM"
    CHANGE = "CHANGE"


class Severity(StrEnum):
    """How bad it is; upper case in REST, lower case in the `severity` label."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    INFO = "INFO"


WindowKind = Literal["tumbling", "hopping", "sliding"]
NoData = Literal["ok", "alerting", "keepLast"]
Direction = Literal["up", "down", "both"]


class Window(msgspec.Struct, rename="camel", frozen=True):
    """How events are gathered. All lengths in milliseconds.

    Windows begin at whole multiples of `step` since the epoch. A tumbling one steps by its size, a
    hopping one by what the rule says, a sliding one by its pane (or a whole number of panes).
    """

    kind: WindowKind = "tumbling"
    size: int = 300_000
    step: int = 300_000
    allowed_lateness: int = 30_000

    def __post_init__(self) -> None:
        if not 0 < self.step <= self.size:
            msg = f"a window steps forward by at most its size: {self}"
            raise ValueError(msg)


class TimeRange(msgspec.Struct, frozen=True):
    """A part of a day, as texts `HH:MM`; the end is not part of it and may be `24:00`."""

    start_time: str
    end_time: str


class TimeInterval(msgspec.Struct, frozen=True, omit_defaults=True):
    """When something holds, in the words of an Alertmanager file.

    All fields that are given must hold; of a field's ranges (`monday:friday`, `-3:-1`) any one.
    """

    times: tuple[TimeRange, ...] = ()
    weekdays: tuple[str, ...] = ()
    days_of_month: tuple[str, ...] = ()
    months: tuple[str, ...] = ()
    years: tuple[str, ...] = ()
    location: str = "UTC"
    """An IANA time zone."""


class Rule(msgspec.Struct, rename="camel", frozen=True, omit_defaults=False):
    """One revision of one rule, complete: nothing is left to a reader's defaults."""

    id: str
    tenant: str
    revision: int
    name: str
    type: RuleType
    match: str
    """CEL over one event."""
    condition: str
    """CEL over a window."""
    severity: Severity
    window: Window
    group_by: tuple[str, ...]
    """`service`, `level`, `host`, `statusCode`, `traceId` or `attributes.<name>`."""
    enabled: bool = True
    threshold: float | None = None
    value: str | None = None
    """CEL number of one event that is aggregated (sum, avg, percentiles), or none."""
    min_count: int = 1
    """Fewer events than this in a window never fire."""
    resolve_after: int = 300_000
    """Milliseconds without a crossing window until the alert resolves."""
    max_groups: int = 10_000
    description: str = ""
    owner: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    """Jinja2 texts, as written; rendered when the alert is taken in."""
    updated_at: int = 0
    hold: int = msgspec.field(default=0, name="for")
    """Milliseconds that the condition must hold before the alert fires."""
    keep_firing_for: int = 0
    """Milliseconds that the alert goes on after the condition has ceased to hold."""
    no_data: NoData = "ok"
    """What a window without events means for a group that is known."""
    active_time: tuple[TimeInterval, ...] = ()
    """The alert may begin only within one of these; none: at any time."""
    expect: tuple[tuple[str, ...], ...] = ()
    """ABSENCE: groups that are watched before they were seen, in the order of `group_by`."""
    forget: int = 86_400_000
    """Milliseconds of silence after which a group that is not expected is forgotten."""
    remember: int = 2_592_000_000
    """NEW_TERM: milliseconds for which a value stays known."""
    factor: float | None = None
    """SPIKE: how many times the window before."""
    direction: Direction = "up"
    """SPIKE."""
    min_reference: int = 0
    """SPIKE: with fewer events than this in the window before, nothing is compared."""
    blacklist: tuple[str, ...] = ()
    """MATCH: only events whose `value` is one of these; none given: not looked at."""
    whitelist: tuple[str, ...] = ()
    """MATCH: only events whose `value` is none of these; none given: not looked at."""


class TypeDefaults(msgspec.Struct, frozen=True):
    """What a type fills in where a rule is silent; None means: the user must say it."""

    match: str | None
    condition: str | None
    value: str | None = None
    min_count: int = 1


SPIKES: Final[Mapping[Direction, str]] = MappingProxyType(
    {
        "up": "count > previous.count * factor",
        "down": "count * factor < previous.count",
        "both": "count > previous.count * factor || count * factor < previous.count",
    }
)
"""Default condition of a SPIKE, by its direction."""
DEFAULTS: Final[Mapping[RuleType, TypeDefaults]] = MappingProxyType(
    {
        RuleType.ERROR_THRESHOLD: TypeDefaults('level in ["ERROR", "FATAL"]', "count > threshold"),
        RuleType.LATENCY: TypeDefaults(
            "has(responseTime)", "p95 > threshold", value="responseTime", min_count=20
        ),
        RuleType.ERROR_RATE: TypeDefaults(
            'has(statusCode) || level != ""', "errors * 100.0 / total > threshold", min_count=20
        ),
        RuleType.SERVER_ERROR: TypeDefaults("statusCode >= 500", "count > threshold"),
        RuleType.EVENT_COUNT: TypeDefaults(None, "count > threshold"),
        RuleType.METRIC: TypeDefaults("true", None),
        RuleType.MATCH: TypeDefaults(None, "count > 0"),
        RuleType.ABSENCE: TypeDefaults("true", "count == 0", min_count=0),
        RuleType.SPIKE: TypeDefaults("true", SPIKES["up"], min_count=0),
        RuleType.CARDINALITY: TypeDefaults("true", "distinct > threshold"),
        RuleType.NEW_TERM: TypeDefaults("true", "count > 0"),
        RuleType.CHANGE: TypeDefaults("true", "count > 0"),
    }
)

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Rule)


def rule_key(*, tenant: str, rule_id: str) -> bytes:
    """Return the record key of a rule on `alert-rules`."""
    return f"{tenant}/{rule_id}".encode()


def encode_rule(rule: Rule) -> bytes:
    """Return the rule as JSON."""
    return _encoder.encode(rule)


def decode_rule(value: bytes) -> Rule:
    """Return the rule of one record.

    Raises:
        msgspec.DecodeError: (or its subclass ValidationError) the value is no rule.
    """
    return _decoder.decode(value)
