"""What goes wrong: workers die at any step, stand still, come and go; sources come late."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from msgspec.structs import replace

from simulation.site import ROLES, Site
from simulation.traffic import Gateway
from simulation.wild import WILD, changed
from simulation.world import Process, wait

FAULTS: Final = 3_000
EDITS: Final = 2_000
"""Milliseconds between two of them, on average."""
STEPS: Final = 40
"""After so many steps of input or output at most a doomed worker dies."""
BACK: Final = (200, 3_000)
"""Milliseconds until a dead worker is started again; sometimes longer than a session."""
STANDS: Final = ((100, 2_000), (2_000, 7_000), (9_000, 20_000))
"""A worker stands still for a moment, for a while, or for longer than a session."""
MOST: Final = {"evaluate": 3, "aggregate": 2}


SILENT: Final = 5_000
CALM: Final = 10_000
"""Milliseconds until the first: who never saw anything cannot know what is new, or missing."""


class Chaos(Process):
    """Does harm until `rest`; starts what died for ever."""

    def __init__(self, site: Site, gateways: Sequence[Gateway], *, edits: bool) -> None:
        """`edits`: of rules, too."""
        super().__init__(site.world, "chaos")
        self._site = site
        self._gateways = gateways
        self.rest = site.world.now
        self.log: list[str] = []
        """What it did."""
        self.start(self._supervise)
        self.start(self._harm)
        if edits:
            self.start(self._edit_on)

    async def _supervise(self) -> None:
        draw, site = self.world.draw, self._site
        while True:
            await wait(50)
            for name, worker in list(site.workers.items()):
                if not worker.alive:
                    del site.workers[name]
                    self._say(f"{name} died {worker.why}")
                    self.world.later(draw.randint(*BACK), self, partial(site.begin, name))

    async def _harm(self) -> None:
        draw = self.world.draw
        harms = [self._doom, self._doom, self._stand, self._scale, self._hold, self._silence]
        await wait(CALM)
        while True:
            await wait(draw.randint(1, 2 * FAULTS))
            if self.world.now < self.rest:
                draw.choice(harms)()

    def _victim(self, role: str) -> Process | None:
        names = [name for name in self._site.workers if name.startswith(role)]
        return self._site.workers[self.world.draw.choice(names)] if names else None

    def _doom(self, role: str = "") -> None:
        victim = self._victim(role or self.world.draw.choice(ROLES))
        if victim is not None:
            victim.doomed = self.world.draw.randint(1, STEPS)

    def _stand(self) -> None:
        draw = self.world.draw
        victim = self._victim(draw.choice(ROLES))
        if victim is not None:
            victim.stands_until = self.world.now + draw.randint(*draw.choice(STANDS))
            self._say(f"{victim.name} stands still until {victim.stands_until}")

    def _scale(self) -> None:
        role = self.world.draw.choice(ROLES)
        wanted = self.world.draw.randint(1, MOST[role])
        self._say(f"{role}: {wanted} workers")
        self._site.scale(role, wanted)

    def _hold(self) -> None:
        draw = self.world.draw
        group = self._site.groups[draw.choice(ROLES)]
        sources = range(len(group.log.partitions))
        until = self.world.now + draw.randint(500, 8_000)
        held = draw.sample(sources, draw.randint(1, len(sources) - 1))
        group.held.update(dict.fromkeys(held, until))
        self._say(f"{held} of {group.log.topic} are held until {until}")

    def _silence(self) -> None:
        draw = self.world.draw
        silent = draw.sample(self._gateways, draw.randint(1, len(self._gateways)))
        until = self.world.now + draw.randint(500, SILENT)
        for gateway in silent:
            gateway.stands_until = until
        self._say(f"{[gateway.name for gateway in silent]} take nothing until {until}")

    async def _edit_on(self) -> None:
        """Edit rules, often just when a worker of stage two dies."""
        draw = self.world.draw
        await wait(CALM)
        while True:
            await wait(draw.randint(1, 2 * EDITS))
            if self.world.now < self.rest:
                if draw.random() < 0.5:
                    self._doom("aggregate")
                self._edit()

    def _edit(self) -> None:
        """Let a rule that the oracle knows mean the same in other words; change any other."""
        draw, rules = self.world.draw, self._site.rules
        edited = draw.choice(rules.now)
        if edited.id.startswith(WILD):
            after = changed(edited, draw)
        elif edited.revision > 1:
            return  # Who misses one of two edits cannot know that nothing was left out between.
        else:
            after = replace(edited, description=f"{edited.id}, revised")
        if after is not None:
            after = replace(after, revision=edited.revision + 1, updated_at=self.world.now)
        others = [rule for rule in rules.now if rule is not edited]
        rules.change([*others, *([after] if after else ())])
        self._say(f"{edited.id} is edited" if after else f"{edited.id} is deleted")

    def _say(self, what: str) -> None:
        self.log.append(f"{self.world.now} {what}")
