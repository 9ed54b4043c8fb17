"""The panes of one pane spec in one bucket: summing into windows, forgetting. Knows no alert."""

from collections.abc import Collection, Iterable, Iterator
from enum import Enum, auto
from itertools import filterfalse
from typing import Final, NamedTuple

from alert_rule_engine.domain.aggregates import Cell, Sum
from alert_rule_engine.domain.endless import ENDLESS
from alert_rule_engine.domain.memory import RECALL, Groups, Keep, Memory, Terms, Values
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.specs import FILTERS, Kind, PaneSpec

Accepted = tuple[int, str]
"""When the newest batch of a slice was accepted, and its trace."""
UNREAD: Final = ENDLESS
"""Since when a spec is counted that no rule reads any more."""
EVER: Final = 1
"""Since when a spec is counted that was asked for before the first event."""
LIVE: Final = 5_000
"""So long after it came to us, stage one counts for a rule for sure."""


class Slice(dict[Group, Cell]):
    """The panes that start at one time, by group: what rows are added to one by one."""

    __slots__ = ("accepted", "start", "touched")

    def __init__(self, start: int) -> None:
        self.start = start
        self.accepted: Accepted = (-1, "")
        self.touched = False
        """It changed since it was last taken for storing."""


NO_SLICE: Final = Slice(0)
"""Stands where there is none."""


class Part(Enum):
    """What of a window of some length is summed."""

    WHOLE = auto()
    GROWING = auto()
    """Its panes but for the newest."""
    BEFORE = auto()
    """The window before."""


_Name = tuple[Part, int]
"""A part, and the length of the window."""


class _Kept(NamedTuple):
    start: int
    end: int
    sum: Sum


class SpecPanes:
    """The panes of one pane spec, by start and group."""

    __slots__ = ("forgotten", "gone", "groups", "left", "memory", "pane", "since", "slices", "sums")

    def __init__(self, pane: int, since: int = 0, forgotten: int = 0) -> None:
        self.pane = pane
        self.forgotten = forgotten
        """What is stored of panes that started before was forgotten, but for those there are."""
        self.since = since
        """Windows that began before prove nothing by what they lack: their events were not asked
        for, or are forgotten."""
        self.slices: dict[int, Slice] = {}
        self.groups: dict[Group, Group] = {}
        """The groups that have panes. All panes of one name it by this one tuple: the same texts
        come anew with each row, and would take twice what a cell does."""
        self.memory: Memory | None = None
        self.sums: dict[Group, dict[_Name, _Kept]] = {}
        """Window sums by group and name, as they were last asked for. They follow from the panes,
        so they are never stored."""
        self.left = ENDLESS
        """When the last rule ceased to need what is remembered; in event time."""
        self.gone = 0
        """Panes that started before are forgotten."""

    def remember(self, spec: PaneSpec, keep: Keep | None) -> bool:
        """Have the memory that a spec needs, if it needs one; tell whether it is another now.

        One that it does not need any more is let go in time; see `fade`.
        """
        before = self.memory
        if keep is None:
            return False
        if spec.kind not in FILTERS:
            if before is None or (before.keep, before.grain) != keep:
                self.memory = _remembered(self, keep)
        elif before is None:
            self.drop()  # Nobody knew until now which events bring something new.
            terms, longest = spec.kind is Kind.TERM, keep.longest
            self.memory = Terms(longest, spec.learn) if terms else Values(longest)
        else:
            return before.follow(keep.longest)
        return self.memory is not before

    def first(self, group: Group) -> int | None:
        """Return when a group was first there; None if it is not remembered."""
        return self.memory.first(group) if isinstance(self.memory, Groups) else None

    def last(self, group: Group) -> int | None:
        """Return about when a group was last there; None if it is not remembered."""
        return self.memory.last(group) if isinstance(self.memory, Groups) else None

    def holds(self, start: int) -> bool:
        """Tell whether what is stored of the panes that start at a time is still of use."""
        return start >= self.forgotten or start in self.slices

    def put(self, start: int, group: Group, cell: Cell) -> None:
        """Set a pane that is not there yet."""
        self.opened(start)[self.groups.setdefault(group, group)] = cell

    def size(self) -> int:
        """Return how many panes there are."""
        return sum(map(len, self.slices.values()))

    def opened(self, start: int) -> Slice:
        """Return the panes that start at a time."""
        held = self.slices.get(start)
        if held is None:
            held = self.slices[start] = Slice(start)
        return held

    def window(self, group: Group, start: int, end: int) -> Sum:
        """Return the sum of a group's panes in [start, end)."""
        whole = Sum()
        for at in range(start, end, self.pane):
            cell = self.slices.get(at, NO_SLICE).get(group)
            if cell is not None:
                whole.add(cell)
        return whole

    def rolled(self, group: Group, start: int, end: int, size: int, part: Part = Part.WHOLE) -> Sum:
        """Return the sum of closed panes, made from what was last asked for, and kept again.

        Whoever changes a closed pane has to say `stale`. `size`: length of the whole window.
        """
        if group not in self.groups:
            return Sum()
        mine, name = self.sums.setdefault(group, {}), (part, size)
        kept = mine.get(name)
        if kept is not None and kept.end <= end and self._leave(kept, group, start):
            whole = kept.sum
            for at in range(kept.end, end, self.pane):
                cell = self.slices.get(at, NO_SLICE).get(group)
                if cell is not None:
                    whole.add(cell)
            whole.settle()
        else:
            whole = self.window(group, start, end)
        mine[name] = _Kept(start, end, whole)
        return whole

    def growing(self, group: Group, start: int, end: int, newest: int, count: int) -> Sum:
        """Return the sum of a window to whose newest pane, at `newest`, rows come one by one.

        `count`: its events. As long as those of the newest pane are all that is new, the panes
        before are not added up again.
        """
        if start < self.gone:
            return self.window(group, start, end)
        mine, name = self.sums.setdefault(group, {}), (Part.GROWING, end - start)
        kept, cell = mine.get(name), self.slices[newest][group]
        if kept is None or kept[:2] != (start, newest) or kept.sum.count + cell.count != count:
            kept = _Kept(start, newest, self.window(group, start, newest))
            if kept.sum.count + cell.count != count:
                return self.window(group, start, end)
            kept.sum.settle()
            mine[name] = kept
        whole = kept.sum.copy()
        whole.add(cell)
        return whole

    def _leave(self, kept: "_Kept", group: Group, start: int) -> bool:
        """Take the panes before a time out of a sum; tell whether that could be done."""
        if not kept.start <= start <= kept.end or kept.start < min(start, self.gone):
            return False
        for at in range(kept.start, start, self.pane):
            cell = self.slices.get(at, NO_SLICE).get(group)
            if cell is not None and not kept.sum.remove(cell):
                return False
        return True

    def stale(self, group: Group) -> None:
        """Forget the sums of a group."""
        self.sums.pop(group, None)

    def count(self, group: Group, start: int, end: int) -> int:
        """Return how many events a group has in [start, end)."""
        found = 0
        for at in range(start, end, self.pane):
            held = self.slices.get(at)
            if held is not None and group in held:
                found += held[group].count
        return found

    def newest_acceptance(self, start: int, end: int) -> Accepted:
        """Return when the newest batch of [start, end) was accepted; 0 if there was none.

        And its trace, if its pane is of one group: of several it may be another's.
        """
        found = [self.slices[at] for at in range(start, end, self.pane) if at in self.slices]
        newest = max(found, key=lambda each: each.accepted, default=NO_SLICE)
        at, trace = newest.accepted
        return max(0, at), trace if len(newest) == 1 else ""

    def newest(self, group: Group) -> int:
        """Return the start of a group's newest pane; it has one."""
        return max(start for start, held in self.slices.items() if group in held)

    def known(self) -> Iterator[Group]:
        """Yield the groups that have panes, and those that are remembered."""
        yield from self.groups
        yield from (group for group in self.memory or () if group not in self.groups)

    def forget(self, horizon: int, watermark: int) -> list[int]:
        """Drop panes that ended `horizon` before the watermark; return their starts."""
        last = watermark - self.pane - horizon
        old = [start for start in self.slices if start <= last]
        groups: Collection[Group] = set().union(*map(self.slices.pop, old))
        for held in reversed(self.slices.values()):
            if not groups:
                break
            groups = [*filterfalse(held.__contains__, groups)]
        for group in groups:
            del self.groups[group]
            self.stale(group)
        self.gone = max((self.gone, *(start + self.pane for start in old)))
        self.since = max(self.since, self.gone)
        self.forgotten = max(self.forgotten, self.gone)
        return old

    def drop(self) -> None:
        """Forget all panes: events were counted that bring nothing new."""
        self.forgotten = max((self.forgotten, *(start + 1 for start in self.slices)))
        self.slices.clear()
        self.groups.clear()
        self.sums.clear()

    def fade(self, since: int, judged: int) -> bool:
        """Let go of what is remembered and was long not there, or needed; tell whether any was.

        `since`: when that was last done.
        """
        if self.memory is None:
            return False
        if judged < self.left + RECALL:
            return self.memory.forget(since, judged)
        self.memory = None
        return True

    def fades(self, judged: int) -> int:
        """Return when `fade` is to be called next."""
        if self.memory is None:
            return ENDLESS
        return min(self.memory.step_after(judged), self.left + RECALL)

    def until(self) -> int:
        """Return until when it is of use though it has no panes and no rule reads it."""
        return max(self.forgotten, self.left + RECALL if self.memory else 0)

    def rest(self, judged: int, *, needed: bool) -> bool:
        """Note whether what is remembered is needed by a rule; tell whether that is news."""
        before = self.left
        idle = self.memory is not None and not needed
        self.left = min(before, judged) if idle else ENDLESS
        return self.left != before

    def watch(self, *, read: bool, awaited: bool, now: int) -> bool:
        """Note from when on all events are counted; tell whether that is news.

        `read`: some rule reads the spec; `awaited`: and expects groups here that may never have
        been seen. `now`: the log's clock.
        """
        before = self.since
        if not read:
            self.since = UNREAD
        elif before == UNREAD:
            self.since = now + LIVE
            if isinstance(self.memory, Terms | Values):
                self.drop()
        elif awaited and not before:
            self.since = now or EVER
        return self.since != before

    def begin(self, at: int) -> bool:
        """Note that events are counted from some time on, unless that is known; tell whether so."""
        news = not self.since and bool(at)
        self.since = self.since or at
        return news

    def expect(self, groups: Iterable[Group], *, room: int, now: int) -> bool:
        """Note that a rule may have begun to expect groups; tell whether that is news.

        One that is not known may have been turned away until now, if all `room` is taken.
        """
        known = self.memory or ()
        if len(known) < room or all(group in known for group in groups):
            return False
        self.since = max(self.since, now)
        return True


def _remembered(panes: SpecPanes, keep: Keep) -> Groups:
    """Return a memory of the groups that have panes, and of those that were remembered."""
    memory = Groups(keep.longest, grain=keep.grain)
    room = 1 + len(panes.groups) + len(panes.memory or ())
    for start in sorted(panes.slices):
        for group in panes.slices[start]:
            memory.see(group, start, room=room)
    if isinstance(panes.memory, Groups):
        for group in panes.memory:
            memory.see(group, panes.memory.first(group) or 0, room=room)
            memory.see(group, panes.memory.last(group) or 0, room=room)
    return memory
