"""How far the log and its sources have been applied."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import msgspec

from alert_contracts.topics import LOG_EVENTS_PARTITIONS
from alert_rule_engine.domain.partials import Partial
from alert_rule_engine.domain.sight import Sight

REMEMBERED: Final = 256
"""Batch ids remembered per source partition."""


class Outcome(StrEnum):
    """What became of a partial."""

    APPLIED = "applied"
    REPLAYED = "replayed"  # the same source record again
    REPEATED = "repeated"  # the same batch in another source record: a client's repeated POST
    EARLY = "early"  # its predecessor is still to come, and it with it once more


class Tally(msgspec.Struct, array_like=True):
    """What became of the events that a pane spec asks for."""

    matched: int = 0
    late: int = 0
    surplus: int = 0


@dataclass(slots=True)
class Vector:
    """How far the log and its sources have been applied. Stored last, read first."""

    applied: int = -1
    """Last offset of the log."""
    sources: dict[int, int] = field(default_factory=dict)
    """Last source offset, by source partition."""
    clocks: dict[int, int] = field(default_factory=dict)
    """Event time reached, by source partition."""
    recent: dict[int, dict[int, None]] = field(default_factory=dict)
    """The last batch ids, in order, by source partition."""
    log_now: int = 0
    """Clock of the log: stage one's wall clock, never backwards."""
    counted: int = 0
    """Events counted exactly once, ever."""
    sight: Sight = field(default_factory=Sight)
    tallies: dict[str, Tally] = field(default_factory=dict)
    """What became of the events of each pane spec."""
    revisions: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The rules under which all this was judged: time and number of each one's revision."""
    excused: set[int] = field(default_factory=set)
    """Source partitions whose next partial may leave a gap: the log itself has lost records."""

    def follows(self, offset: int) -> bool:
        """Tell whether the record at an offset of the log is new; if so, it counts as applied."""
        if offset <= self.applied:
            return False
        if offset > self.applied + 1:
            self.excuse()
        self.applied = offset
        return True

    def excuse(self) -> None:
        """Wait for nothing that is missing: the log has lost it."""
        self.excused = set(range(LOG_EVENTS_PARTITIONS))

    def take(self, partial: Partial) -> tuple[Outcome, bool]:
        """Tell what is to become of a partial, and whether there is a gap before it.

        Unless it was there before, or is early, it counts as taken.
        """
        due = self.sources.get(partial.source, -1) + 1
        if partial.offset < due:
            return Outcome.REPLAYED, False
        if partial.offset > max(due, partial.settled) and partial.source not in self.excused:
            return Outcome.EARLY, True
        gap = partial.source in self.sources and partial.offset > due
        self.excused.discard(partial.source)
        self.sources[partial.source] = partial.offset
        self.hear(partial.at)
        self.sight.see(min(partial.accepted_at, partial.at))
        if gap:
            self.sight.seal()
        if self._is_repeat(partial):
            return Outcome.REPEATED, gap
        self.sight.miss(partial.unread)
        self.counted += partial.events
        return Outcome.APPLIED, gap

    def hear(self, at: int) -> None:
        """Let the log's clock go on."""
        self.log_now = max(self.log_now, at)

    def _is_repeat(self, partial: Partial) -> bool:
        recent = self.recent.setdefault(partial.source, {})
        if partial.batch in recent:
            return True
        recent[partial.batch] = None
        if len(recent) > REMEMBERED:
            del recent[next(iter(recent))]
        return False

    def tally(self, spec: str) -> Tally:
        """Return what became of a pane spec's events, to be added to."""
        tally = self.tallies.get(spec)
        if tally is None:
            tally = self.tallies[spec] = Tally()
        return tally

    def reach(self, source: int, clock: int) -> None:
        """Note the event time that a source has reached."""
        self.clocks[source] = max(self.clocks.get(source, 0), clock)

    def watermark(self, lateness: int) -> int:
        """Return the event time before which nothing in order is to come; 0 if not yet known.

        Known when each source has spoken; an idle one speaks by ticks.
        """
        if len(self.clocks) < LOG_EVENTS_PARTITIONS:
            return 0
        return max(0, min(self.clocks.values()) - lateness)
