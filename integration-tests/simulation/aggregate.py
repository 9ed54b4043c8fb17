"""Stage two as `entrypoints/aggregate.py` runs it: the same steps in the same order."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final
from zlib import crc32

from prometheus_client import CollectorRegistry

from alert_contracts.alerts import Alert, encode_alert
from alert_rule_engine.domain.evidence import Reference
from alert_rule_engine.domain.parts import Change
from alert_rule_engine.domain.rules import RuleBook
from alert_rule_engine.entrypoints.guard import Fence, FencedAlerts
from alert_rule_engine.handlers.aggregate import ApplyPartials
from alert_rule_engine.handlers.evidence import Allowance, Witness
from alert_rule_engine.telemetry import CountedEvents
from alert_rule_engine.testing import LATENESS, put
from simulation.group import Group, Member
from simulation.rules import Rules
from simulation.world import Cluster, Process, World, merged, wait

FLUSH: Final = 500
BEAT: Final = 500
FENCE_S: Final = 6.0


class _Alerts:
    def __init__(self, process: Process, cluster: Cluster) -> None:
        self._process = process
        self._log = cluster.alerts

    async def send(self, alert: Alert) -> Awaitable[object]:
        partition = crc32(alert.fingerprint.encode()) % len(self._log.partitions)
        return self._process.send(self._log, partition, encode_alert(alert))


class _Store:
    """The changelog: what was stored of a batch of changes when a worker dies is its beginning."""

    def __init__(self, process: Process, cluster: Cluster) -> None:
        self._process = process
        self._stored = cluster.changelog

    async def write(self, partition: int, changes: Sequence[Change]) -> None:
        for key, value in changes:
            self._process.reach()
            put(self._stored[partition], key, value)
        await self._process.broker()

    def keep_only(self, partitions: Iterable[int]) -> Mapping[bytes, bytes]:
        return merged([self._stored[each] for each in partitions])


class _NoRecords:
    async def read(self, _wanted: Sequence[Reference]) -> Mapping[Reference, bytes]:
        return {}


class Aggregate(Member):
    """A worker of stage two."""

    def __init__(
        self, world: World, name: str, cluster: Cluster, group: Group, rules: Rules, *, cap: int
    ) -> None:
        super().__init__(world, name, cluster.partials)
        self._group = group
        self._active = False
        self._flushing = asyncio.Lock()
        self._store = _Store(self, cluster)
        self._history = cluster.history
        fence = Fence(self.end, FENCE_S, world.seconds)
        witness = Witness(
            FencedAlerts(_Alerts(self, cluster), fence),
            _NoRecords(),
            lambda _spec: None,
            clock=world.clock,
            allowance=Allowance(0, 0, world.seconds),
        )
        self.handler = ApplyPartials(
            clock=world.clock,
            witness=witness,
            store=self._store,
            reach=self.reach,
            fence=fence.check,
            lateness=LATENESS,
            cap=cap,
            book=rules.book,
            counted=CountedEvents(CollectorRegistry()),
        )
        for work in (
            partial(self.belong, group),
            self._consume,
            self._flush,
            partial(self._beat, fence),
            witness.run,
            partial(rules.follow, self, self._follow),
        ):
            self.start(work)

    async def assigned(self, partitions: tuple[int, ...]) -> None:
        await self.broker()
        await self.handler.restore(partitions, self._store.keep_only(partitions))
        self._note()
        self._active = True

    async def revoked(self) -> None:
        self._active = False
        async with self._flushing:
            await self.handler.release()

    async def _follow(self, book: RuleBook) -> None:
        async with self._flushing:
            await self.handler.follow(book)
            self._note()

    def _note(self) -> None:
        for journal in self.handler.journals.values():
            self._history.note(journal.partition)

    async def _beat(self, fence: Fence) -> None:
        while True:
            await fence.beat()
            await wait(BEAT)

    async def _consume(self) -> None:
        while True:
            record = self.next_record() if self._active else None
            if record is None:
                await wait(self.world.draw.randint(1, 20))
                continue
            if record.offset > self.handler.expects(record.partition):
                self.end(f"offset {record.offset} came too early")
            if self.handler.ahead(record.partition):
                await self._store_all()
            await self.handler.apply(record, record)
            if self.world.draw.random() < 0.3:
                await self.broker()

    async def _flush(self) -> None:
        while True:
            await wait(FLUSH)
            await self._store_all()
            self._measure()

    async def _store_all(self) -> None:
        if not self._active:
            return
        generation = self.generation
        async with self._flushing:
            cut = await self.handler.cut()
            await self.handler.keep(cut)
            await self.handler.turn()
            self._note()
            for record in cut.done:
                self._group.commit(self, generation, record.partition, record.offset + 1)
        await self.handler.retry()

    def _measure(self) -> None:
        self.handler.reached({each: self.log.end(each) for each in self.handler.journals})
