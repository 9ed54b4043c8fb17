"""Gateways: they write what happens, late, twice, in another order; and that they are there."""

import json
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count, pairwise
from typing import Final, NamedTuple
from zlib import crc32

from faults.lab.habits import ends_of_periods
from faults.lab.post import value
from faults.lab.workload import Workload
from oracle.journal import Batch

from alert_contracts.topics import Header
from simulation.world import Log, Process, World, wait

BEAT: Final = 1_000
LATE: Final = (2_000, 3_500)
REPEAT: Final = 4_000
STANDSTILL: Final = 1_000
"""A gateway that woke up after so long did not take what was sent meanwhile."""


class Manner(NamedTuple):
    """How a gateway writes; milliseconds and shares."""

    pace: int
    """Of its batches."""
    spread: int
    """A batch waits up to so long, each for a time of its own."""
    late: float
    """So many wait for longer than the engine waits for order."""
    repeated: float
    """So many are sent twice."""


class _Parcel(NamedTuple):
    due: int
    number: int
    id: str
    lines: Sequence[str]


class Gateway(Process):
    """Writes the events of some services from the beginning until `rest`; heartbeats always."""

    def __init__(
        self,
        world: World,
        share: tuple[int, int],
        workload: Workload,
        into: tuple[Log, list[Batch]],
        manner: Manner,
    ) -> None:
        """`share`: its number, and how many there are; `into`: where accepted batches are noted."""
        super().__init__(world, f"gateway-{share[0]}")
        self._share = share
        self._workload = workload
        self._log, self._journal = into
        self._manner = manner
        self._number = count()
        self._parcels: list[_Parcel] = []
        self._written = world.now
        self.rest = world.now
        self.start(self._write)

    @property
    def rested(self) -> bool:
        """Tell whether all its events were accepted."""
        return self.world.now > self.rest + self._manner.pace and not self._parcels

    async def _write(self) -> None:
        made = self.world.now
        while True:
            await wait(self._manner.pace)
            now = self.world.now
            if now - made > STANDSTILL:  # nobody could send anything
                made = now
            begin, end = min(made, self.rest), min(now, self.rest)
            for left, right in pairwise(sorted({begin, *ends_of_periods(begin, end), end})):
                self._plan(left, right)
            made = now
            while self._parcels and self._parcels[0].due <= now:
                parcel = heappop(self._parcels)
                self._post(parcel.id, parcel.lines)
            if now - self._written >= BEAT:
                self._post(f"{self.name}/{next(self._number)}", ())

    def _plan(self, begin: int, end: int) -> None:
        draw, manner = self.world.draw, self._manner
        lines = [each for each in self._workload.lines(begin, end, 0) if self._takes(each)]
        if not lines:
            return
        draw.shuffle(lines)
        id_ = f"{self.name}/{next(self._number)}"
        late = draw.random() < manner.late
        due = self.world.now + draw.randint(*(LATE if late else (0, manner.spread)))
        heappush(self._parcels, _Parcel(due, next(self._number), id_, lines))
        if draw.random() < manner.repeated:
            again = due + draw.randint(100, REPEAT)
            heappush(self._parcels, _Parcel(again, next(self._number), id_, lines))

    def _takes(self, line: str) -> bool:
        number, of = self._share
        service = line.split('"service":"', 1)[1].split('"', 1)[0]
        return crc32(service.encode()) % of == number

    def _post(self, id_: str, lines: Sequence[str]) -> None:
        now = self.world.now
        self._written = now
        partition = crc32(id_.encode()) % len(self._log.partitions)
        headers = {str(Header.TENANT): self._workload.tenant, str(Header.ACCEPTED_AT): str(now)}
        offset = self._log.append(
            partition, value(lines), at=now, key=id_.encode(), headers=headers
        )
        events = [json.loads(line) for line in lines]
        self._journal.append(Batch(id_, now, now, partition, offset, events))
