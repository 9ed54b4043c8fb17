"""How the rules fare, as the engine's workers tell it: the `rule-status` topic.

Each worker of stage one (`evaluate`) and each state partition of stage two (`aggregate`) tells of a
rule what it alone knows; a reader adds the shares up. A share that was not told again for
`STALE_MS` comes from a worker that is no more.
"""

from typing import Final, Literal

import msgspec

STALE_MS: Final = 60_000
REPEAT_MS: Final = 20_000
"""A share is told again after this long, changed or not."""


class RuleStatus(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """One worker's (or state partition's) share of what is known about one rule."""

    tenant: str
    rule_id: str
    revision: int
    """The revision that the worker has live."""
    stage: Literal["evaluate", "aggregate"]
    share: str
    """The worker (evaluate) or the state partition (aggregate) that speaks."""
    at: int
    """Wall clock, epoch ms."""
    matched: int = 0
    """Events that its windows have counted since this revision's panes began (aggregate)."""
    groups: int = 0
    state_bytes: int = 0
    """Estimate of the memory that its panes and groups take."""
    firing: int = 0
    late: int = 0
    """Events that came too late for its windows."""
    surplus: int = 0
    """Events that had no room: of groups beyond `maxGroups`, or values beyond those kept."""
    evaluated_at: int = 0
    """Event time up to which its windows were judged, epoch ms (aggregate)."""
    blind_until: int = 0
    """Event time from which silence counts again, epoch ms, where it does not now (aggregate)."""
    cpu_share: float = 0.0
    """Share, 0 to 1, of the CPU time of this worker's evaluation (evaluate), by sampling."""
    last_error: str = ""
    """The newest failure at run time, in words; it stays until the rule changes."""
    last_error_at: int = 0
    quarantined: bool = False
    """It is left out: until it changes, if it failed by our own fault; else it is tried again."""


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(RuleStatus)


def status_key(status: RuleStatus) -> bytes:
    """Return the record key."""
    return f"{status.stage}/{status.share}/{status.tenant}/{status.rule_id}".encode()


def encode_status(status: RuleStatus) -> bytes:
    """Return the status as JSON."""
    return _encoder.encode(status)


def decode_status(value: bytes) -> RuleStatus:
    """Return the status of one record.

    Raises:
        msgspec.DecodeError: (or its subclass ValidationError) the value is no status.
    """
    return _decoder.decode(value)
