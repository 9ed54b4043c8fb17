"""Stage one as `entrypoints/evaluate.py` runs it: the same steps in the same order."""

from asyncio import Future
from collections import deque
from functools import partial
from typing import Final, NamedTuple

from alert_rule_engine.domain.progress import Progress
from alert_rule_engine.domain.rules import RuleBook
from alert_rule_engine.entrypoints.packing import Pack
from alert_rule_engine.handlers.evaluate import EvaluateBatch, tick
from service_runtime.consumer import Record
from simulation.group import Group, Member
from simulation.rules import Rules
from simulation.world import Cluster, World, wait

IN_FLIGHT: Final = 8
IDLE_AFTER: Final = 2_000
LINGER: Final = 50


class _Flight(NamedTuple):
    records: list[Record]
    sent: list["Future[int]"]
    generation: int


class Evaluate(Member):
    """A worker of stage one."""

    def __init__(
        self, world: World, name: str, cluster: Cluster, group: Group, rules: Rules
    ) -> None:
        super().__init__(world, name, cluster.events)
        self._partials = cluster.partials
        self._group = group
        self._handler = EvaluateBatch(world.clock, lambda: 0.0, worker=name)
        self._pack = Pack()
        self._progress = Progress()
        self._next: dict[int, int] = {}
        self._heard: dict[int, int] = {}
        self._flights: deque[_Flight] = deque()
        self._handler.follow(rules.book)
        for work in (
            partial(self.belong, group),
            self._consume,
            self._linger,
            self._settle,
            self._tick,
            partial(rules.follow, self, self._follow),
        ):
            self.start(work)

    async def _follow(self, book: RuleBook) -> None:
        self._handler.follow(book)

    async def assigned(self, partitions: tuple[int, ...]) -> None:
        self._heard = dict.fromkeys(partitions, self.world.now)
        self._next = {}

    async def _consume(self) -> None:
        while True:
            record = self.next_record() if len(self._flights) < IN_FLIGHT else None
            if record is None:
                await wait(self.world.draw.randint(1, 20))
                continue
            self._one(record)
            if self._pack.full(now=self.world.seconds()) or not self._behind():
                self._send()
            await self.broker()

    def _one(self, record: Record) -> None:
        source = record.partition
        if source not in self._next:
            self._progress.settle(source, record.offset)
        emission = self._handler.handle(record, settled=self._progress.settled(source))
        self._next[source] = record.offset + 1
        if record.value:
            self._heard[source] = self.world.now
        self._pack.add(emission.values, record, now=self.world.seconds())

    def _behind(self) -> bool:
        return any(at < self.log.end(source) for source, at in self._next.items())

    async def _linger(self) -> None:
        while True:
            await wait(LINGER)
            if self._pack.full(now=self.world.seconds()):
                self._send()

    def _send(self) -> None:
        packed = self._pack.close()
        if packed is None:
            return
        self.reach()
        sent = [
            self.send(self._partials, target, value) for target, value in enumerate(packed.values)
        ]
        self._flights.append(_Flight(packed.events, sent, self.generation))

    async def _settle(self) -> None:
        while True:
            while not self._flights:
                await wait(2)
            records, sent, generation = self._flights[0]
            for stored in sent:
                await stored
            self.reach()
            for record in records:
                following = record.offset + 1
                self._progress.settle(record.partition, following)
                self._group.commit(self, generation, record.partition, following)
            self._flights.popleft()

    async def _tick(self) -> None:
        while True:
            await wait(1_000)
            self._send()
            if not self.partitions or self.generation != self._group.generation:
                continue
            at, mine = self.world.now, self.partitions
            await self.broker()
            ends = {source: self.log.end(source) for source in mine}
            await self.broker()
            idle = self._told(ends)
            if idle:
                self._pack.tell(tick(now=at, idle=idle))
                self._send()

    def _told(self, ends: dict[int, int]) -> dict[int, int]:
        now = self.world.now
        silent = {
            source: end
            for source, end in ends.items()
            if now - self._heard.get(source, now) >= IDLE_AFTER
        }
        for source in silent:
            if source not in self._next:
                self._progress.settle(source, self._group.committed.get(source, 0))
        told = {source: self._next.get(source, self._progress.settled(source)) for source in silent}
        return {source: told[source] for source, end in silent.items() if told[source] >= end}
