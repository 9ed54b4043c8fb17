"""Virtual time, logs in memory, and processes that wait, stand still and die.

A process is some coroutines that share what they know. Each runs until it waits; whoever is due
next goes on, and nothing but the seed decides who that is.
"""

import random
from asyncio import Future, get_running_loop
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Generator, Mapping
from functools import partial
from heapq import heappop, heappush
from itertools import count
from types import coroutine
from typing import Any, Final, NamedTuple, NoReturn

from alert_rule_engine.testing import NOON
from service_runtime.consumer import Record
from simulation.history import History

POLL: Final = 2
SLOW: Final = 0.01
"""So many answers of the broker take up to `SLOW_MS`, not `QUICK_MS`."""
QUICK_MS: Final = 6
SLOW_MS: Final = 300


class DeathError(BaseException):
    """A process ends here, at once; no handler may catch it."""


@coroutine
def wait(milliseconds: int) -> Generator[int, None, None]:
    """Let others go on for a while."""
    yield milliseconds


class Log:
    """A topic."""

    def __init__(self, topic: str, partitions: int) -> None:
        self.topic = topic
        self.partitions: list[list[Record]] = [[] for _ in range(partitions)]

    def append(
        self,
        partition: int,
        value: bytes,
        *,
        at: int,
        key: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> int:
        """Store a record; return its offset."""
        records = self.partitions[partition]
        records.append(Record(self.topic, partition, len(records), key, value, headers or {}, at))
        return len(records) - 1

    def end(self, partition: int) -> int:
        """Return the offset that comes next."""
        return len(self.partitions[partition])


class _Due(NamedTuple):
    at: int
    number: int
    process: "Process"
    step: Callable[[], None]


class World:
    """The clock, which begins at noon, and who is due when."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - nothing secret
        self.now = NOON
        self._due: list[_Due] = []
        self._number = count()

    def clock(self) -> int:
        """Return the time, in epoch milliseconds."""
        return self.now

    def seconds(self) -> float:
        """Return the same in seconds, of no epoch in particular."""
        return (self.now - NOON) / 1000

    def latency(self) -> int:
        """Return how long the broker takes this time."""
        return self.draw.randint(0, SLOW_MS if self.draw.random() < SLOW else QUICK_MS)

    def later(self, milliseconds: int, process: "Process", step: Callable[[], None]) -> None:
        """Let a process do something, if it lives then."""
        heappush(self._due, _Due(self.now + milliseconds, next(self._number), process, step))

    def run(self, until: int) -> None:
        """Let all that is due until then be done."""
        while self._due and self._due[0].at <= until:
            due = heappop(self._due)
            process = due.process
            if not process.alive:
                continue
            if due.at < process.stands_until:
                heappush(
                    self._due, due._replace(at=process.stands_until, number=next(self._number))
                )
                continue
            self.now = due.at
            try:
                due.step()
            except DeathError:
                process.die()
        self.now = until


class Process:
    """What lives, waits and dies together."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.alive = True
        self.stands_until = 0
        self.doomed: int | None = None
        """Steps of input or output until it dies."""
        self.why = ""
        self._sending: defaultdict[tuple[str, int], deque[tuple[bytes, Future[int]]]] = defaultdict(
            deque
        )

    def start(self, begin: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin with something; it goes on until it is done or the process dies."""
        self.world.later(0, self, lambda: self._go_on(begin()))

    def _go_on(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            asked = work.send(None)
        except StopIteration:
            return
        if isinstance(asked, Future):
            self._await(work, asked)
        else:
            self.world.later(asked or 0, self, partial(self._go_on, work))

    def _await(self, work: Coroutine[Any, Any, None], future: "Future[Any]") -> None:
        step = partial(self._go_on, work) if future.done() else partial(self._await, work, future)
        self.world.later(0 if future.done() else POLL, self, step)

    def reach(self, _point: object = None) -> None:
        """Pass a place at which it may die."""
        if self.doomed is not None:
            self.doomed -= 1
            if self.doomed <= 0:
                raise DeathError

    async def broker(self) -> None:
        """Wait for the broker's answer."""
        self.reach()
        await wait(self.world.latency())

    def end(self, reason: str) -> NoReturn:
        """End at once, by itself."""
        self.why = reason
        raise DeathError

    def die(self) -> None:
        """Be no more; what was not sent never will be."""
        self.alive = False

    def send(self, log: Log, partition: int, value: bytes) -> "Future[int]":
        """Send a record, after those that were sent to its partition before."""
        stored: Future[int] = get_running_loop().create_future()
        self._sending[log.topic, partition].append((value, stored))
        deliver = partial(self._deliver, log, partition)
        self.world.later(self.world.latency(), self, deliver)
        return stored

    def _deliver(self, log: Log, partition: int) -> None:
        value, stored = self._sending[log.topic, partition].popleft()
        stored.set_result(log.append(partition, value, at=self.world.now))


class Cluster(NamedTuple):
    """What outlives every process."""

    events: Log
    partials: Log
    alerts: Log
    changelog: list[dict[bytes, bytes]]
    """What is stored of each partition of the state."""
    history: History


def merged(changelog: list[dict[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Return what is stored of some partitions."""
    return {key: value for stored in changelog for key, value in stored.items()}
