"""What every window came to."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from oracle.journal import Batch, Event
from oracle.watch import Group, Watch, field_of, value_of

SERVER_ERROR: Final = 500
Key = tuple[str, Group]
"""Rule and group."""


@dataclass(slots=True)
class Tally:
    """What was counted in a stretch of time for one rule and group."""

    count: int = 0
    errors: int = 0
    values: list[float] = field(default_factory=list)
    distinct: set[str] = field(default_factory=set)
    accepted_at: int = 0
    """When the last of its batches was acknowledged."""

    def add(self, other: "Tally") -> None:
        self.count += other.count
        self.errors += other.errors
        self.values += other.values
        self.distinct |= other.distinct
        self.accepted_at = max(self.accepted_at, other.accepted_at)

    def figure(self, name: str) -> float:
        """Return a figure that conditions compare."""
        match name:
            case "count":
                return self.count
            case "distinct":
                return len(self.distinct)
            case "share":
                return 100.0 * self.errors / self.count
            case _:
                ordered = sorted(self.values)
                return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else -math.inf


Windows = Mapping[Key, Mapping[int, Tally]]
"""By rule and group, and then by the start of the window."""


def tally(batches: Iterable[Batch], watches: Sequence[Watch]) -> Windows:
    """Count every window of every rule; windows without a single event are not there."""
    slots: dict[Key, dict[int, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for batch in batches:
        for event in batch.events:
            for watch in watches:
                if watch.matches(event):
                    at = event["timestamp"] // watch.step * watch.step
                    _count(
                        slots[watch.id, watch.group_of(event)][at], watch, event, batch.accepted_at
                    )
    by_id = {watch.id: watch for watch in watches}
    return {key: _summed(by_id[key[0]], stretches) for key, stretches in slots.items()}


def _count(into: Tally, watch: Watch, event: Event, accepted_at: int) -> None:
    into.count += 1
    into.errors += is_error(event)
    into.accepted_at = max(into.accepted_at, accepted_at)
    if watch.figure == "p95":
        value = value_of(event, watch.value or "")
        if value is not None:
            into.values.append(float(value))
    elif watch.figure == "distinct":
        into.distinct.add(field_of(event, watch.value or ""))


def is_error(event: Event) -> bool:
    """Tell whether an event is one of a window's `errors`: a status decides before a level."""
    status = event.get("statusCode")
    if status is not None:
        return bool(status >= SERVER_ERROR)
    return event.get("level", "") in {"ERROR", "FATAL"}


def _summed(watch: Watch, stretches: Mapping[int, Tally]) -> dict[int, Tally]:
    """Return the windows of stretches that are as long as the step."""
    whole: dict[int, Tally] = defaultdict(Tally)
    for at, stretch in stretches.items():
        for start in watch.windows(at):
            whole[start].add(stretch)
    return dict(whole)
