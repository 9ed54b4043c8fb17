"""Consumer groups: who holds which partitions, and how far their records are acknowledged."""

from collections.abc import Mapping
from typing import Any, Final

from simulation.world import Log, Process, World, wait

SESSION: Final = 8_000
"""Milliseconds without a sign of life, after which a member's partitions go to others."""
LOOK: Final = 20
JOIN: Final = (50, 1_500)
"""Milliseconds that a rebalance takes."""
NOTICE: Final = 1_500
"""Milliseconds at most until a member that was thrown out learns of it."""


class Member(Process):
    """A process that reads a log with others."""

    def __init__(self, world: World, name: str, log: Log) -> None:
        super().__init__(world, name)
        self.log = log
        self.generation = 0
        self.partitions: tuple[int, ...] | None = None
        """What it holds; None: nothing, and it says so."""
        self.positions: dict[int, int] = {}
        self.seen = world.now
        self.held: Mapping[int, int] = {}
        self._turn = (0, 0)

    async def assigned(self, partitions: tuple[int, ...]) -> None:
        """Take partitions over."""

    async def revoked(self) -> None:
        """Let go of all."""

    async def belong(self, group: "Group") -> None:
        """Follow the group, for ever."""
        group.join(self)
        self.held = group.held
        while True:
            await wait(LOOK)
            if self.partitions is not None and not group.has(self):
                await wait(self.world.draw.randint(0, NOTICE))
            if self.generation != group.generation or not group.has(self):
                if self.partitions is not None:
                    await self.revoked()
                    self.partitions, self.positions = None, {}
                if not group.has(self):
                    group.join(self)
            given = group.given.get(self.name)
            if self.partitions is None and given is not None and group.has(self):
                self.generation, self.partitions = group.generation, given
                await self.assigned(given)
                self.positions = {each: group.committed.get(each, 0) for each in given}

    def next_record(self) -> Any:  # noqa: ANN401 - a record, or None
        """Return a record that is next in its partition; it likes to go on with the same."""
        draw = self.world.draw
        source, left = self._turn
        waiting = [
            each
            for each, at in self.positions.items()
            if at < self.log.end(each) and self.held.get(each, 0) <= self.world.now
        ]
        if not waiting:
            return None
        if left <= 0 or source not in waiting:
            source, left = draw.choice(waiting), draw.choice((1, 1, 2, 30))
        self._turn = source, left - 1
        record = self.log.partitions[source][self.positions[source]]
        self.positions[source] += 1
        return record


class Group(Process):
    """The coordinator of a group."""

    def __init__(self, world: World, log: Log) -> None:
        super().__init__(world, f"group of {log.topic}")
        self.log = log
        self.members: dict[str, Member] = {}
        self.committed: dict[int, int] = {}
        self.generation = 0
        self.given: dict[str, tuple[int, ...]] = {}
        self.held: dict[int, int] = {}
        """Until when nobody gets to read on in a partition: its leader is slow."""
        self._changed = False
        self.start(self._run)

    def join(self, member: Member) -> None:
        """Let a member in; one of the same name is out."""
        self.members[member.name] = member
        member.seen = self.world.now
        self._changed = True

    def has(self, member: Member) -> bool:
        """Tell whether a member was not thrown out."""
        return self.members.get(member.name) is member

    def leave(self, name: str) -> None:
        """Let a member go."""
        if self.members.pop(name, None) is not None:
            self._changed = True

    def commit(self, member: Member, generation: int, partition: int, following: int) -> None:
        """Note what is acknowledged, if it is the holder who says so."""
        if self.has(member) and generation == self.generation:
            known = self.committed.get(partition, 0)
            self.committed[partition] = max(known, following)

    async def _run(self) -> None:
        while True:
            await wait(LOOK)
            self._expire()
            if not self._changed:
                continue
            self._changed, self.given = False, {}
            self.generation += 1
            while any(member.partitions is not None for member in self.members.values()):
                await wait(LOOK)
                self._expire()
            await wait(self.world.draw.randint(*JOIN))
            if not self._changed:
                self._assign()

    def _expire(self) -> None:
        now = self.world.now
        for name, member in list(self.members.items()):
            if member.alive and member.stands_until <= now:
                member.seen = now
            elif now - member.seen > SESSION:
                self.leave(name)

    def _assign(self) -> None:
        names = list(self.members)
        self.world.draw.shuffle(names)
        every = range(len(self.log.partitions))
        self.given = {name: tuple(every[number :: len(names)]) for number, name in enumerate(names)}
