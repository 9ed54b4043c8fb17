"""What every window came to."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from oracle.journal import Batch, Event
from oracle.news import SIFTED, Found, Shown
from oracle.watch import OF_VALUES, Group, Predicate, Watch, field_of, value_of

SERVER_ERROR: Final = 500
PERCENTILES: Final = ("p50", "p90", "p95", "p99")
Key = tuple[str, Group]
"""Rule and group."""


@dataclass(slots=True)
class Tally:
    """What was counted in a stretch of time for one rule and group."""

    count: int = 0
    errors: int = 0
    values: list[float] = field(default_factory=list)
    distinct: set[str] = field(default_factory=set)
    found: set[Found] = field(default_factory=set)
    """The news that counted."""
    accepted_at: int = 0
    """When the last of its batches was acknowledged."""

    def add(self, other: "Tally") -> None:
        self.count += other.count
        self.errors += other.errors
        self.values += other.values
        self.distinct |= other.distinct
        self.found |= other.found
        self.accepted_at = max(self.accepted_at, other.accepted_at)

    def figure(self, name: str) -> float:
        """Return a figure that conditions compare; -inf where there is none."""
        match name:
            case "count":
                return self.count
            case "distinct":
                return len(self.distinct)
            case "share":
                return 100.0 * self.errors / self.count
            case _:
                return self._of_values(name) if self.values else -math.inf

    def _of_values(self, name: str) -> float:
        match name:
            case "sum":
                return math.fsum(self.values)
            case "avg":
                return math.fsum(self.values) / len(self.values)
            case "min":
                return min(self.values)
            case "max":
                return max(self.values)
            case _:
                share = int(name.removeprefix("p")) / 100
                return sorted(self.values)[math.ceil(share * len(self.values)) - 1]


Windows = Mapping[Key, Mapping[int, Tally]]
"""By rule and group, and then by the start of the window."""
Slots = defaultdict[Key, defaultdict[int, Tally]]
"""The same of stretches as long as the step."""


def tally(batches: Iterable[Batch], watches: Sequence[Watch]) -> Windows:
    """Count every window of every rule; windows without a single event are not there."""
    slots: Slots = defaultdict(lambda: defaultdict(Tally))
    shown: defaultdict[Key, list[Shown]] = defaultdict(list)
    by_match: defaultdict[Predicate, list[Watch]] = defaultdict(list)
    for watch in watches:
        by_match[watch.matches].append(watch)
    for batch in batches:
        for event in batch.events:
            for matches, asking in by_match.items():
                for watch in asking if matches(event) else ():
                    key = watch.id, watch.group_of(event)
                    if watch.type in SIFTED:
                        shown[key] += _shown(watch, event, batch.accepted_at)
                    else:
                        _count(_slot(slots, watch, key, event), watch, event, batch.accepted_at)
    by_id = {watch.id: watch for watch in watches}
    for key, mine in shown.items():
        _count_news(slots, by_id[key[0]], key, sorted(mine))
    return {key: _summed(by_id[key[0]], stretches) for key, stretches in slots.items()}


def _slot(slots: Slots, watch: Watch, key: Key, event: Event) -> Tally:
    return slots[key][event["timestamp"] // watch.step * watch.step]


def _shown(watch: Watch, event: Event, accepted_at: int) -> list[Shown]:
    value = field_of(event, watch.value or "")
    return [Shown(event["timestamp"], value, accepted_at)] if value else []


def _count_news(slots: Slots, watch: Watch, key: Key, shown: Sequence[Shown]) -> None:
    for (at, _, accepted_at), found in SIFTED[watch.type](watch, shown):
        slot = slots[key][at // watch.step * watch.step]
        slot.add(Tally(count=1, found={found}, accepted_at=accepted_at))


def _count(into: Tally, watch: Watch, event: Event, accepted_at: int) -> None:
    into.count += 1
    into.errors += is_error(event)
    into.accepted_at = max(into.accepted_at, accepted_at)
    if watch.figure in OF_VALUES:
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
