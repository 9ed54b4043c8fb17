"""Small services with habits, of which what an alert must say is known whatever arrives first.

What a rule looks at that goes both ways (a share, an average, a window and the one before) comes in
bundles: events of one moment, and so of one batch. Each bundle of a window says what all of them
say, so whichever have arrived, the window holds or does not; and one service in so many is only
ever at the threshold, never above it.
"""

import random
from collections.abc import Iterator
from typing import Final

PERIOD: Final = 10_000
ROUND: Final = 8
"""Periods until a service misbehaves in the same way again."""
EDGE: Final = 5
SITES: Final = 20
HEARTS: Final = 10
REQUESTS: Final = range(500, PERIOD, 2_000)
"""When in a period a site has a bundle of requests."""
STATUSES: Final = {
    "fine": (200, 200, 200, 500),
    "edge": (200, 200, 500, 500),
    "wrong": (200, 500, 500, 500),
}
SIZES: Final = {
    "fine": (50, 150, 100, 100),
    "edge": (100, 500, 200, 400),
    "wrong": (200, 800, 500, 500),
}
SPREAD: Final = 97
"""By up to so much the sizes of one bundle are larger than those of another."""
ORDERS: Final = {"fine": 10, "edge": 30, "wrong": 31}
SHY: Final = 1
"""One site of `EDGE` has one order less than can be compared with."""
FACTOR: Final = 3
LEARNING: Final = 2
"""Periods from the first on in which no site shows anything new."""
HOSTS: Final = 3
LIFE: Final = 8
"""Periods in which a host is there. In all but the last two it shows one version, in the last
another, once: so whichever partition is read first, it changes once, and then."""
BEAT: Final = 400
Made = Iterator[tuple[int, str]]
"""Events as JSON, and when they are."""


class Habits:
    """What sites and hearts do; the same seed makes them do the same."""

    def __init__(self, seed: int) -> None:
        draw = random.Random(f"{seed}/habits")  # noqa: S311 - nothing secret
        self._turns = [[draw.randrange(ROUND) for _ in range(4)] for _ in range(SITES)]
        self._pauses = [draw.randrange(ROUND) for _ in range(HEARTS)]
        self._first: int | None = None

    def made(self, period: int) -> Made:
        """Yield all events of a period."""
        if self._first is None:
            self._first = period
        for site in range(SITES):
            yield from self._requests(site, period)
            yield from self._orders(site, period)
            yield from self._releases(site, period)
        for heart in range(HEARTS):
            yield from self._beats(heart, period)

    def _how(self, site: int, habit: int, period: int) -> str:
        if site % EDGE == 0:
            return "edge"
        return "wrong" if self._turns[site][habit] == period % ROUND else "fine"

    def _requests(self, site: int, period: int) -> Made:
        statuses = STATUSES[self._how(site, 0, period)]
        heavy = self._how(site, 1, period)
        for number, offset in enumerate(REQUESTS):
            more = offset * 31 % SPREAD if heavy == "wrong" else 0
            country = self._country(site, period, number)
            at = period * PERIOD + offset + 7 * site
            for each, (status, size) in enumerate(zip(statuses, SIZES[heavy], strict=True)):
                yield _made(
                    at, f"web-{site:02}", "request", f'"statusCode":{status},',
                    f'"size":{size + more},"country":"{country if each % 2 else "DE"}"',
                )  # fmt: skip

    def _country(self, site: int, period: int, number: int) -> str:
        """Return where half of a bundle comes from.

        The third and the fourth of a period may bring a place that is new.
        """
        new = number in {2, 3} and self._how(site, 2, period) == "wrong"
        return f"C{period}" if new and period >= (self._first or 0) + LEARNING else "FR"

    def _orders(self, site: int, period: int) -> Made:
        at = period * PERIOD + 3_000 + 11 * site
        how = self._how(site, 3, period)
        if how == "edge" and self._turns[site][3] != period % ROUND:
            how = "fine"
        for _ in range(ORDERS[how] - (site % EDGE == SHY)):
            yield _made(at, f"web-{site:02}", "order", "", "")

    def _releases(self, site: int, period: int) -> Made:
        for host in range(HOSTS):
            life, age = divmod(period + site + 3 * host, LIFE)
            if age != LIFE - 2:
                at = period * PERIOD + 5_000 + 13 * site
                for _ in range(2):
                    yield _made(
                        at, f"web-{site:02}", "release", f'"host":"host-{host}-{life}",',
                        f'"version":"v{age // (LIFE - 1)}"',
                    )  # fmt: skip

    def _beats(self, heart: int, period: int) -> Made:
        if (period - self._pauses[heart]) % ROUND > 1:
            for offset in range(0, PERIOD, BEAT):
                at = period * PERIOD + offset + 17 * heart
                yield _made(at, f"heart-{heart}", "beat", "", "")


def ends_of_periods(begin: int, end: int) -> range:
    """Return the ends of periods in (begin, end)."""
    return range(begin + PERIOD - begin % PERIOD, end, PERIOD)


def _made(at: int, service: str, message: str, more: str, attributes: str) -> tuple[int, str]:
    line = (
        f'{{"timestamp":{at},"service":"{service}","level":"TRACE",{more}'
        f'"message":"{message}","attributes":{{{attributes}}}}}'
    )
    return at, line
