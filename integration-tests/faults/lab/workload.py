"""Which events are made when: drawn from a seed, laid out so that most alerts are unambiguous.

Time is cut into periods of ten seconds. Each service misbehaves in one way in at most one period of
eight, so its alerts are apart from each other, and each of its windows belongs to one verdict.
Every event also carries its period in an attribute: a rule that groups by it says of every window
how much was in it.
"""

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from faults.lab.habits import EDGE, PERIOD, ROUND, Habits

SERVICES: Final = 40
ERRORS: Final = 30
"""Threshold of errors a window; several services stay at just that."""
BURST: Final = 25
"""Threshold of bursts."""
SLOW_MS: Final = 1_200
SPREAD_MS: Final = 5_000
"""Slow requests take so long, and up to so much longer."""
BURST_STEP: Final = 30
"""Milliseconds between two events of a burst, which is over within a second."""


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
        self._habits = Habits(seed)
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
            slow = occasions[which].slow
            taken = SLOW_MS + at * 7_919 % SPREAD_MS if slow else 20 + number % 80
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
            known += self._habits.made(period)
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
