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


class Severity(StrEnum):
    """How bad it is; upper case in REST, lower case in the `severity` label."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    INFO = "INFO"


class Window(msgspec.Struct, rename="camel", frozen=True):
    """How events are gathered. All lengths in milliseconds."""

    kind: Literal["tumbling", "sliding"] = "tumbling"
    size: int = 300_000
    step: int = 300_000
    """A tumbling window steps by its size; a sliding one by a pane."""
    allowed_lateness: int = 30_000

    def __post_init__(self) -> None:
        if not 0 < self.step <= self.size:
            msg = f"a window steps forward by at most its size: {self}"
            raise ValueError(msg)


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


class TypeDefaults(msgspec.Struct, frozen=True):
    """What a type fills in where a rule is silent; None means: the user must say it."""

    match: str | None
    condition: str
    value: str | None = None
    min_count: int = 1


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
