"""Compares what had to be said with what was said; a difference is a sentence."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from oracle.expectation import JUDGED_TWICE, Episode, episodes
from oracle.told import Record, Told
from oracle.watch import Watch
from oracle.windows import Key, Tally, Windows

TOLERANCE: Final = 0.011
"""Relative: percentiles come from a sketch that is right to 1 %."""
EMPTY: Final = Tally()


@dataclass(slots=True)
class Verdict:
    """What was compared, and every difference."""

    windows: int = 0
    episodes: int = 0
    alone: int = 0
    alerts: int = 0
    repeats: int = 0
    finals: int = 0
    """Alerts whose last counts were compared with the oracle's to the letter."""
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.windows} windows, {self.episodes} episodes ({self.alone} known to the letter), "
            f"{self.alerts} alerts ({self.finals} final counts compared, {self.repeats} records "
            f"told twice): {len(self.differences)} differences"
        )


def compare(windows: Windows, watches: Sequence[Watch], alerts: Iterable[Told]) -> Verdict:
    """Return every difference between the oracle and the engine."""
    verdict = Verdict(windows=sum(map(len, windows.values())))
    by_key: dict[Key, list[Told]] = defaultdict(list)
    by_id = {watch.id: watch for watch in watches}
    for told in alerts:
        verdict.alerts += 1
        verdict.repeats += told.repeats
        verdict.differences += [f"{name(told)}: {fault}" for fault in told.faults]
        by_key[told.rule, told.group].append(told)
        if told.rule not in by_id:
            verdict.differences.append(f"{name(told)}: of no rule that there is")
            continue
        found = windows.get((told.rule, told.group), {})
        verdict.differences += _counts(by_id[told.rule], told, found)
        verdict.finals += told.over
    for episode in episodes(windows, watches):
        verdict.episodes += 1
        verdict.alone += episode.alone
        verdict.differences += _fired(episode, by_key[episode.rule, episode.group])
    verdict.differences += _uncalled(windows, watches, by_key)
    return verdict


def name(told: Told) -> str:
    """Return an alert as differences name it."""
    return f"alert {told.id[:8]} of {told.rule} {'/'.join(told.group)} opened by {told.opened_by}"


def _fired(episode: Episode, alerts: Sequence[Told]) -> Iterator[str]:
    """I2: each episode made an alert; exactly one, opened by its first window, if it was alone."""
    mine = [told for told in alerts if told.opened_by in episode.starts]
    where = f"{episode.rule} {'/'.join(episode.group)} at {episode.starts}"
    if not mine:
        yield f"never fired: {where}"
    if episode.alone and len(mine) > 1:
        yield f"fired {len(mine)} times: {where}"
    if episode.alone and mine and mine[0].opened_by != episode.opened_by:
        yield f"opened by {mine[0].opened_by}: {where}"


def _uncalled(
    windows: Windows, watches: Sequence[Watch], by_key: Mapping[Key, Sequence[Told]]
) -> Iterator[str]:
    """I3: no alert but from a window that held."""
    held: dict[Key, set[int]] = defaultdict(set)
    for episode in episodes(windows, watches):
        held[episode.rule, episode.group].update(episode.starts)
    for key, alerts in by_key.items():
        for told in alerts:
            if told.opened_by not in held[key]:
                count = windows.get(key, {}).get(told.opened_by, EMPTY).count
                yield f"{name(told)}: that window does not hold, it has {count} events"


def _counts(watch: Watch, told: Told, windows: Mapping[int, Tally]) -> Iterator[str]:
    """I1: the last word about a window is its exact count; no earlier one is above it."""
    for record in told.records.values():
        start = record["window"]["start"]
        window = windows.get(start, EMPTY)
        said = record["aggregates"]["count"]
        if said > window.count:
            yield f"{name(told)}: {said:g} events told of {start}, there were {window.count}"
    if not told.over:
        yield f"{name(told)}: never resolved"
        return
    start = told.last["window"]["start"]
    window = windows.get(start, EMPTY)
    if window.accepted_at < start + watch.size + watch.resolve_after:
        yield from _figures(watch, told, window)


def _figures(watch: Watch, told: Told, window: Tally) -> Iterator[str]:
    said: Mapping[str, float] = told.last["aggregates"]
    for known, exact in (("count", window.count), ("errors", window.errors)):
        if said[known] != exact:
            yield f"{name(told)}: resolved with {said[known]:g} {known}, there were {exact}"
    if watch.figure in JUDGED_TWICE - {"share"} and window.values:
        figure = window.figure(watch.figure)
        if abs(said[watch.figure] - figure) > TOLERANCE * figure:
            yield f"{name(told)}: {watch.figure} {said[watch.figure]:g}, it was {figure:g}"


def counted(expected: int, said: float) -> list[str]:
    """Compare how many events were counted in all."""
    return [] if said == expected else [f"{said:g} events counted, {expected} were accepted"]


def records_of(tenant: str, records: Iterable[Record]) -> list[Record]:
    """Return what was said to one tenant."""
    return [record for record in records if record["tenant"] == tenant]
