"""Stage one: a batch of events becomes partials."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from alert_contracts.events import Event
from alert_contracts.topics import STATE_PARTITIONS, Header
from alert_rule_engine import telemetry
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.partials import Block, Partial, Tick
from alert_rule_engine.domain.rules import RuleBook
from alert_rule_engine.domain.ruleset import Batch, RuleSet, rulesets
from alert_rule_engine.domain.views import Lines
from alert_rule_engine.ports import Clock
from service_runtime.consumer import Record
from service_runtime.errors import PoisonError

DEFAULT_TENANT: Final = "default"
_timestamp: Final = attrgetter("timestamp")
_NO_RULES: Final = RuleSet([])
_NO_BATCH: Final = Batch([], Lines(b"", 0))


class Emission(NamedTuple):
    """What stage one has to say of one record: a value for each target partition."""

    values: list[bytes]
    poison: PoisonError | None = None
    """Why the record could not be read; its partials are empty."""


class EvaluateBatch:
    """Stage one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rules: dict[str, RuleSet] = {}

    def follow(self, book: RuleBook) -> None:
        """Evaluate by these rules from the next record on."""
        self._rules = rulesets(book)

    def handle(self, record: Record, *, settled: int) -> Emission:
        """Evaluate a record of `log-events`; one that cannot be read still yields its partials.

        `settled`: the offset before which the partials of its source are stored.
        """
        tenant = record.headers.get(Header.TENANT, DEFAULT_TENANT)
        rules = self._rules.get(tenant, _NO_RULES)
        batch, poison = _NO_BATCH, None
        try:
            batch = _read(record, rules)
        except PoisonError as exc:
            poison = exc
        telemetry.EVENTS.inc(len(batch.events))
        telemetry.BATCHES.inc()
        values = self._encode(record, batch.events, rules.evaluate(batch), settled)
        return Emission(values, poison)

    def _encode(
        self, record: Record, events: Sequence[Event], blocks: list[list[Block]], settled: int
    ) -> list[bytes]:
        accepted_at = _milliseconds(record.headers.get(Header.ACCEPTED_AT), record.timestamp)
        newest = max(map(_timestamp, events), default=0)
        partial = Partial(
            format=partials.FORMAT,
            source=record.partition,
            offset=record.offset,
            batch=partials.digest(record.key or b"%d" % record.offset),
            events=0,
            clock=min(newest, accepted_at),
            accepted_at=accepted_at,
            at=self._clock(),
            traceparent=record.headers.get(Header.TRACEPARENT),
            blocks=[],
            settled=settled,
        )
        values = []
        counting = record.partition % STATE_PARTITIONS
        for target, share in enumerate(blocks):
            partial.blocks = share
            partial.events = len(events) if target == counting else 0
            values.append(partials.encode(partial))
        return values


def _read(record: Record, rules: RuleSet) -> Batch:
    if record.value is None:
        message = "a batch has no value"
        raise PoisonError(message)
    try:
        return rules.decode(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise PoisonError(str(exc)) from exc


def _milliseconds(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() else default


def tick(*, now: int, idle: Mapping[int, int]) -> bytes:
    """Return the value that says: at `now`, these sources end at these offsets."""
    return partials.encode(Tick(partials.FORMAT, now, dict(idle)))
