"""Of which times it is known that all was seen: events could be accepted, and were counted.

Each event that was accepted says that one could be.

A gateway to which nobody sends anything says it by empty batches. So a span without any is one in
which perhaps nobody could be heard, whatever else was alive; silence in it proves nothing. Nor does
that of a rule whose events stage one could not count.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from alert_rule_engine.domain.conditions import CompiledRule

BLINK: Final = 5_000
"""What was seen on both sides of so short a span counts as seen."""
SHORT_BLINK: Final = 2_500
"""The same for short windows; above the time that a gateway may be silent."""
SHORTEST_BLINK: Final = 2_000
"""The same for windows that are shorter than that: a whole one would fit in."""
SHORT: Final = 10 * BLINK
MAX_HOLES: Final = 256
NOTHING: Final[Mapping[str, int]] = {}
Hole = tuple[int, int]
"""A span without any acceptance. One of no length is never filled, nor is one that ends before it
begins, which hides what was until its end from short windows only."""


class Blind(NamedTuple):
    """Until when perhaps not everything was seen: windows that began before prove no silence."""

    long: int
    short: int
    unread: Mapping[str, int] = NOTHING
    """The same of single pane specs, and of all those of a tenant."""
    new: Mapping[str, int] = NOTHING
    """The same of pane specs that were new once."""
    shortest: int = 0
    holes: Sequence[Hole] = ()
    """The spans in which perhaps nobody could be heard, in the order of time."""

    def of(self, rule: CompiledRule, since: int = 0) -> int:
        """Return it for a rule. `since`: from when on what is asked has its panes."""
        blink = _blink(rule.shape.size)
        seen = {BLINK: self.long, SHORT_BLINK: self.short}.get(blink, self.shortest)
        if not (self.unread or self.new):
            return max(seen, since)
        return max(seen, since, self.left_out(rule), self.new.get(rule.spec.id, 0))

    def left_out(self, rule: CompiledRule) -> int:
        """Return until when not all was counted for a rule that had been accepted."""
        spec = rule.spec
        return max(self.unread.get(spec.id, 0), self.unread.get(spec.tenant, 0))

    def deaf(self, rule: CompiledRule) -> Iterator[Hole]:
        """Yield the spans in which perhaps nobody could be heard for a rule."""
        blink = _blink(rule.shape.size)
        return (hole for hole in self.holes if _hides(hole, blink))


SIGHTED: Final = Blind(0, 0)


@dataclass(slots=True)
class Sight:
    """When events were accepted, as far as that is known, and who has not counted them."""

    seen: int = 0
    """The newest time."""
    holes: list[Hole] = field(default_factory=list)
    """In the order of time."""
    unread: dict[str, int] = field(default_factory=dict)
    """Pane specs, and tenants for all of theirs, with the event time before which events were
    left out that they ask for."""
    new: dict[str, int] = field(default_factory=dict)
    """Pane specs that came after the first event, with the time from which their events count."""

    def see(self, at: int) -> None:
        """Note that events were accepted at a time, in whatever order that becomes known.

        That we read them later blinds nobody: they are counted all the same.
        """
        if at > self.seen:
            hole = (self.seen or at, at)
            if not self.seen or _is_wide(hole):
                self.holes.append(hole)
            self.seen = at
        elif self.holes and at < self.holes[-1][1]:
            self._fill(at)
        if len(self.holes) > MAX_HOLES:
            self._forget()

    def _forget(self) -> None:
        """Fill the two oldest holes no more; those that only short windows mind, if there are."""
        narrow = [index for index, hole in enumerate(self.holes) if _is_narrow(hole)]
        if len(narrow) > 1:
            first, second = narrow[:2]
            until = self.holes[second][1]
            self.holes[second] = (until + 1, until)
            del self.holes[first]
        else:
            self.holes[:2] = [(self.holes[1][1], self.holes[1][1])]

    def _fill(self, at: int) -> None:
        for index, (begin, end) in enumerate(self.holes):
            if begin < at < end:
                halves = ((begin, at), (at, end))
                self.holes[index : index + 1] = [each for each in halves if _is_wide(each)]
                break

    def seal(self) -> None:
        """Let nothing prove any more that all was seen so far: records are lost."""
        self.holes = [(self.seen, self.seen)]

    def miss(self, unread: Mapping[str, int]) -> None:
        """Note that specs have not counted all before some times."""
        for name, until in unread.items():
            self.unread[name] = max(until, self.unread.get(name, 0))

    def come(self, specs: Mapping[str, int]) -> None:
        """Note specs whose events count from a time on."""
        self.new = {**self.new, **specs}

    def keep(self, names: Collection[str]) -> None:
        """Forget what was not counted of all specs and tenants but these."""
        self.unread = {name: until for name, until in self.unread.items() if name in names}
        self.new = {name: since for name, since in self.new.items() if name in names}

    def blind(self, now: int) -> Blind:
        """Return until when perhaps not everything was seen, where it is `now` in event time."""
        # A span that begins later parts no window that is over, and may still be filled.
        holes = [hole for hole in self.holes if hole[0] < now or not _is_known(hole)]
        if now - self.seen > SHORTEST_BLINK:
            # A window that begins now is not seen from its beginning.
            holes.append((self.seen + 1, now + 1))
        long, short, shortest = (
            next((hole[1] for hole in reversed(holes) if _hides(hole, blink)), 0)
            for blink in (BLINK, SHORT_BLINK, SHORTEST_BLINK)
        )
        return Blind(long, short, self.unread, self.new, shortest, holes)


def _blink(size: int) -> int:
    """Return the length of the spans that hide nothing from windows of a size."""
    if size < SHORT_BLINK:
        return SHORTEST_BLINK
    return SHORT_BLINK if size < SHORT else BLINK


def _hides(hole: Hole, blink: int) -> bool:
    begin, end = hole
    return begin == end or (begin > end and blink < BLINK) or end - begin > blink


def _is_known(hole: Hole) -> bool:
    """Tell whether it is a span of which both ends are known."""
    return hole[0] < hole[1]


def _is_narrow(hole: Hole) -> bool:
    """Tell whether it hides nothing from long windows."""
    begin, end = hole
    return begin != end and end - begin <= BLINK


def _is_wide(hole: Hole) -> bool:
    return hole[1] - hole[0] > SHORTEST_BLINK
