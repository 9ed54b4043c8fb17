"""Which events are made when: drawn from a seed, laid out so that most alerts are unambiguous.

Time is cut into periods of ten seconds. Each service misbehaves in one way in at most one period of
eight, so its alerts are apart from each other, and each of its windows belongs to one verdict.
Every event also carries its period in an attribute: a rule that groups by it says of every window
how much was in it.
"""

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from alert_contracts.rules import Rule, RuleType, Severity, Window, WindowKind

PERIOD: Final = 10_000
ROUND: Final = 8
"""Periods until a service misbehaves in the same way again."""
SERVICES: Final = 40
ERRORS: Final = 30
"""Threshold of errors a window; several services stay at just that."""
BURST: Final = 25
"""Threshold of bursts."""
SLOW_MS: Final = 2_000
LATENESS: Final = 180_000
RESOLVE_AFTER: Final = 10_000
BURST_STEP: Final = 30
"""Milliseconds between two events of a burst, which is over within a second."""
EDGE: Final = 5
"""One service in so many is only ever at the threshold, never above it."""


class Occasion(NamedTuple):
    """What a service does in a period."""

    errors: int
    server_errors_at: int | None
    """Offset in the period, ms; a whole second."""
    warnings_at: int | None
    slow: bool
    strange_at: int | None
    """When its one strange event comes."""


class Workload:
    """The events of one test. The same seed makes the same services misbehave."""

    def __init__(self, tenant: str, seed: int) -> None:
        self.tenant = tenant
        self._seed = seed
        draw = random.Random(seed)  # noqa: S311 - nothing secret
        self.services = [f"svc-{number:02}" for number in range(SERVICES)]
        turns = [[draw.randrange(ROUND) for _ in self.services] for _ in range(5)]
        self._wrong: dict[int, list[tuple[int, str]]] = {}
        self._occasions: dict[tuple[str, int], Occasion] = {}
        self._turns = dict(zip(self.services, zip(*turns, strict=True), strict=True))

    def occasion(self, service: str, period: int) -> Occasion:
        """Return what a service does in a period (counted since the epoch)."""
        known = self._occasions.get((service, period))
        if known is None:
            known = self._occasions[service, period] = self._decide(service, period)
        return known

    def _decide(self, service: str, period: int) -> Occasion:
        draw = random.Random(f"{self._seed}/{service}/{period}")  # noqa: S311
        bad, broken, noisy, slow, strange = (
            turn == period % ROUND for turn in self._turns[service]
        )
        edge = self.services.index(service) % EDGE == 0
        errors = draw.randint(0, ERRORS // 2)
        if edge:
            errors = ERRORS
        elif bad:
            errors = draw.choice((ERRORS + 1, 2 * ERRORS))
        return Occasion(
            errors,
            draw.randrange(1, 9) * 1_000 if broken else None,
            draw.randrange(1, 9) * 1_000 if noisy else None,
            slow and not edge,
            draw.randrange(PERIOD) if strange else None,
        )

    def burst_of(self, service: str) -> int:
        """Return how large the bursts of a service are: just too large, or just not."""
        return BURST if self.services.index(service) % EDGE == 0 else BURST + 1

    def lines(self, begin: int, end: int, background: int) -> Iterator[str]:
        """Yield the events of [begin, end), in epoch ms and one period, as JSON lines."""
        period = begin // PERIOD
        occasions = [self.occasion(service, period) for service in self.services]
        for number in range(background):
            at = begin + (end - begin) * number // background
            which = (begin + number) % SERVICES
            taken = SLOW_MS if occasions[which].slow else 20 + number % 80
            yield _line(at, self.services[which], "INFO", f'"responseTime":{taken},')
        for at, line in self._misbehaviour(period):
            if begin <= at < end:
                yield line

    def _misbehaviour(self, period: int) -> list[tuple[int, str]]:
        """Return what all services do wrong in a period, with its times."""
        known = self._wrong.get(period)
        if known is None:
            known = self._wrong[period] = [
                (at, _line(at, service, *what))
                for service in self.services
                for at, *what in self._wrongs(service, period)
            ]
        return known

    def _wrongs(self, service: str, period: int) -> Iterator[tuple[int, str, str]]:
        occasion, start = self.occasion(service, period), period * PERIOD
        share = PERIOD * 4 // 5 // max(occasion.errors, 1)
        for number in range(occasion.errors):
            yield start + number * share, "ERROR", ""
        if occasion.strange_at is not None:
            yield start + occasion.strange_at, "DEBUG", ""
        for number in range(self.burst_of(service)):
            at = start + number * BURST_STEP
            if occasion.server_errors_at is not None:
                yield at + occasion.server_errors_at, "INFO", '"statusCode":503,'
            if occasion.warnings_at is not None:
                yield at + occasion.warnings_at, "WARN", f'"host":"host-{number}",'


def _line(at: int, service: str, level: str, more: str) -> str:
    return (
        f'{{"timestamp":{at},"service":"{service}","level":"{level}",{more}'
        f'"message":"GET /orders/{at % 9973}","attributes":{{"period":"{at // PERIOD}"}}}}'
    )


def rules(tenant: str) -> list[Rule]:
    """Return the rules under which this workload's alerts are known."""
    return [
        rule_of(
            tenant, "census", 'level == "INFO"', threshold=0, by=("service", "attributes.period"),
        ),
        rule_of(
            tenant, "errors", 'level in ["ERROR", "FATAL"]', threshold=ERRORS,
            type_=RuleType.ERROR_THRESHOLD,
        ),
        rule_of(
            tenant, "bursts", "statusCode >= 500", threshold=BURST, type_=RuleType.SERVER_ERROR,
            kind="sliding", step=1_000,
        ),
        rule_of(
            tenant, "slow", "has(responseTime)", threshold=1_000, type_=RuleType.LATENCY,
            condition="p95 > threshold", value="responseTime", min_count=20,
        ),
        rule_of(
            tenant, "hopping", 'level == "WARN"', threshold=BURST, kind="hopping",
            size=2 * PERIOD, step=PERIOD // 2,
        ),
        rule_of(
            tenant, "hosts", 'level == "WARN"', threshold=BURST, type_=RuleType.CARDINALITY,
            condition="distinct > threshold", value="host",
        ),
        rule_of(
            tenant, "strange", 'level == "DEBUG"', threshold=0, type_=RuleType.MATCH,
            condition="count > 0",
        ),
    ]  # fmt: skip


def absence(tenant: str) -> Rule:
    """Return the rule that every service breaks as soon as the load ends, and none before."""
    return rule_of(
        tenant, "absence", "true", threshold=0, type_=RuleType.ABSENCE, condition="count == 0",
        min_count=0,
    )  # fmt: skip


def rule_of(
    tenant: str,
    id_: str,
    match: str,
    *,
    threshold: float,
    type_: RuleType = RuleType.EVENT_COUNT,
    condition: str = "count > threshold",
    value: str | None = None,
    min_count: int = 1,
    kind: WindowKind = "tumbling",
    size: int = PERIOD,
    step: int = PERIOD,
    by: tuple[str, ...] = ("service",),
) -> Rule:
    """Return a rule of this laboratory: short windows, late events welcome."""
    return Rule(
        id=id_,
        tenant=tenant,
        revision=1,
        name=id_,
        type=type_,
        match=match,
        condition=condition,
        severity=Severity.LOW,
        window=Window(kind, size, step, LATENESS),
        group_by=by,
        threshold=threshold,
        value=value,
        min_count=min_count,
        resolve_after=RESOLVE_AFTER,
    )
