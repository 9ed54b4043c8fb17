"""Stage one: a batch of events becomes partials."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from alert_contracts.rule_status import RuleStatus
from alert_contracts.topics import STATE_PARTITIONS, Header
from alert_rule_engine import telemetry
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.alone import Timer
from alert_rule_engine.domain.batches import MAX_AHEAD, NO_BATCH, Batch
from alert_rule_engine.domain.conditions import CompiledRule
from alert_rule_engine.domain.costs import Costs
from alert_rule_engine.domain.evaluators import SpecEvaluator
from alert_rule_engine.domain.partials import Block, Partial, Tick
from alert_rule_engine.domain.quarantine import TOO_MUCH, Quarantine, culprits
from alert_rule_engine.domain.rules import RuleBook
from alert_rule_engine.domain.ruleset import RuleSet
from alert_rule_engine.domain.rulesets import RuleSets
from alert_rule_engine.ports import Clock
from service_runtime.consumer import Record
from service_runtime.errors import PoisonError
from service_runtime.telemetry import logger

log = logger(__name__)
DEFAULT_TENANT: Final = "default"
_LATEST: Final = 1 << 53
"""No clock shows more; a header may."""
MAX_UNREAD: Final = 1_000
"""Specs that are named one by one; where there are more, all of the tenant's are taken for unread.
"""


class Emission(NamedTuple):
    """What stage one has to say of one record: an encoded partial for each target partition."""

    values: list[bytes]
    poison: PoisonError | None = None
    """Why the record could not be read; its partials are empty."""


class EvaluateBatch:
    """Stage one."""

    def __init__(
        self,
        clock: Clock,
        timer: Timer = time.thread_time,
        *,
        worker: str = "",
        sets: RuleSets | None = None,
    ) -> None:
        """`worker` names this process in what it tells of the rules."""
        self._clock = clock
        self._timer = timer
        self._worker = worker
        self._book = RuleBook()
        self._sets = sets or RuleSets()
        self._quarantine = Quarantine()
        self._costs = Costs(timer)

    def follow(self, book: RuleBook) -> None:
        """Evaluate by these rules from the next record on."""
        self._book = book
        self._quarantine.follow(book)
        self._costs.keep({name: each.spec.tenant for name, each in book.specs.items()})
        try:
            self._rebuild()
        except Exception as exc:  # noqa: BLE001 - our fault in one rule must not stop the others
            self._leave_out(culprits(self._sets.evaluators(), RuleSet), exc)

    def handle(self, record: Record, *, settled: int) -> Emission:
        """Evaluate a record of `log-events`; one that cannot be read still yields its partials.

        `settled`: the offset before which the partials of its source are stored.
        """
        tenant = record.headers.get(Header.TENANT, DEFAULT_TENANT)
        accepted_at = _milliseconds(record.headers.get(Header.ACCEPTED_AT), record.timestamp)
        if self._quarantine.rested(self._clock()):
            self._rebuild()
        rules = self._sets.of(tenant)
        batch, poison = NO_BATCH, None
        try:
            batch = _read(record, rules, accepted_at)
        except PoisonError as exc:
            poison = exc
        telemetry.EVENTS.inc(len(batch.events))
        telemetry.BATCHES.inc()
        start = self._timer()
        blocks, exhausted = self._evaluate(rules, batch, tenant)
        self._costs.sample(self._sets.of(tenant), batch, self._timer() - start)
        partial = self._partial(record, batch, accepted_at, settled)
        if poison is not None:
            partial.unread = self._unread([tenant], accepted_at)
        elif batch.events:
            specs = [*self._sets.left_out(tenant), *exhausted]
            names = specs if len(specs) <= MAX_UNREAD else [tenant]
            partial.unread = self._unread(names, batch.newest)
        return Emission(_encoded(partial, blocks, len(batch.events)), poison)

    def _unread(self, names: Iterable[str], newest: int) -> dict[str, int]:
        """Return who has not counted all of a record: of no window that its events may be in."""
        until = min(newest, self._clock() + MAX_AHEAD) + 1
        return dict.fromkeys(names, until)

    def _evaluate(
        self, rules: RuleSet, batch: Batch, tenant: str
    ) -> tuple[list[list[Block]], Sequence[str]]:
        """Return what the events add, and the specs that have not counted all of them."""
        try:
            blocks = rules.evaluate(batch)
        except Exception as exc:  # noqa: BLE001 - our fault in one rule must not stop the others
            found = culprits(rules.evaluators, lambda some: RuleSet(some).evaluate(batch))
            self._leave_out(found, exc)
            return self._evaluate(self._sets.of(tenant), batch, tenant)
        # A heartbeat says nothing of what batches take.
        return blocks, self._strain(rules) if batch.events else ()

    def _strain(self, rules: RuleSet) -> Sequence[str]:
        """Return the specs that have not counted all of a batch; those that go on so pause."""
        metered, cut_short = rules.metered(), rules.cut_short()
        exhausted = [spec for spec, ran_out in metered.items() if ran_out]
        failed = dict.fromkeys([*exhausted, *cut_short])
        for each in (rule for spec in failed for rule in self._book.specs[spec].rules):
            telemetry.RULE_ERRORS.labels(each.rule.tenant, each.rule.id).inc()
        self._quarantine.note(cut_short, at=self._clock(), book=self._book)
        tired = self._quarantine.strain(metered, at=self._clock(), book=self._book)
        for each in (rule for spec in tired for rule in self._book.specs[spec].rules):
            log.error("rule_quarantined", rule=each.rule.id, error=TOO_MUCH)
        if tired:
            self._rebuild()
        return exhausted

    def _leave_out(self, found: Mapping[SpecEvaluator, Exception], error: Exception) -> None:
        """Go on without these specs.

        Raises:
            Exception: there are none: the fault is no rule's.
        """
        if not found:
            raise error
        for evaluator, reason in found.items():
            self._take_out(evaluator.spec.id, reason)
        self._rebuild()

    def _rebuild(self) -> None:
        """Evaluate by the rules but for those left out, and leave out those that cannot be."""
        failed = self._sets.follow(self._book, without=self._quarantine.out)
        for spec, reason in failed.items():
            self._take_out(spec, reason)

    def _take_out(self, spec: str, reason: Exception) -> None:
        self._quarantine.take(spec, reason, at=self._clock(), book=self._book)
        for each in self._book.specs[spec].rules:
            telemetry.RULE_ERRORS.labels(each.rule.tenant, each.rule.id).inc()
            log.error("rule_quarantined", rule=each.rule.id, error=repr(reason))

    def _partial(self, record: Record, batch: Batch, accepted_at: int, settled: int) -> Partial:
        return Partial(
            format=partials.FORMAT,
            source=record.partition,
            offset=record.offset,
            batch=partials.digest(record.key or b"%d" % record.offset),
            events=0,
            clock=min(batch.newest, accepted_at),
            accepted_at=accepted_at,
            at=self._clock(),
            traceparent=record.headers.get(Header.TRACEPARENT),
            blocks=[],
            settled=settled,
        )

    def statuses(self) -> Iterator[RuleStatus]:
        """Yield how each rule fares here."""
        shares = self._costs.shares()
        for gathered in self._book.specs.values():
            for each in gathered.rules:
                share = shares.get(each.spec.id, 0.0) / len(gathered.rules)
                yield self._status(each, share)

    def _status(self, compiled: CompiledRule, share: float) -> RuleStatus:
        rule = compiled.rule
        fault = self._quarantine.faults.get(compiled.spec.id)
        return RuleStatus(
            tenant=rule.tenant,
            rule_id=rule.id,
            revision=rule.revision,
            stage="evaluate",
            share=self._worker,
            at=self._clock(),
            cpu_share=round(share, 3),
            last_error=fault.error if fault else "",
            last_error_at=fault.at if fault else 0,
            quarantined=compiled.spec.id in self._quarantine.out,
        )


def _read(record: Record, rules: RuleSet, accepted_at: int) -> Batch:
    if record.value is None:
        message = "a batch has no value"
        raise PoisonError(message)
    try:
        return rules.decode(record.value, accepted_at)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise PoisonError(str(exc)) from exc


def _encoded(partial: Partial, blocks: Sequence[list[Block]], events: int) -> list[bytes]:
    """Return a partial as each target gets it."""
    values = []
    counting = partial.source % STATE_PARTITIONS
    for target, share in enumerate(blocks):
        partial.blocks = share
        partial.events = events if target == counting else 0
        values.append(partials.encode(partial))
    return values


def _milliseconds(text: str | None, default: int) -> int:
    given = text is not None and text.isascii() and text.isdigit()
    return min(int(text or 0), _LATEST) if given else default


def tick(*, now: int, idle: Mapping[int, int]) -> bytes:
    """Return the message that says: at `now`, these sources end at these offsets."""
    return partials.encode(Tick(partials.FORMAT, now, dict(idle)))
