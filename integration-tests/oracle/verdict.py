"""Compares what had to be said with what was said; a difference is a sentence."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from oracle.expectation import NOTHING, Episode, episodes
from oracle.presence import Presence
from oracle.told import Told
from oracle.watch import OF_VALUES, Judged, Watch
from oracle.windows import PERCENTILES, Key, Tally, Windows

TOLERANCE: Final = 0.011
"""Relative: percentiles come from a sketch that is right to 1 %."""
ROUNDING: Final = 1e-9


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
    known: Counter[str] = field(default_factory=Counter)
    """Alerts that were known to the letter, by rule."""
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.windows} windows, {self.episodes} episodes ({self.alone} known to the letter), "
            f"{self.alerts} alerts ({self.finals} final counts compared, {self.repeats} records "
            f"told twice): {len(self.differences)} differences; known to the letter by rule: "
            f"{', '.join(f'{rule} {count}' for rule, count in sorted(self.known.items()))}"
        )


def compare(
    windows: Windows, watches: Sequence[Watch], alerts: Iterable[Told], presence: Presence
) -> Verdict:
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
        verdict.differences += _deaf(told, presence)
        verdict.finals += told.over
    held: dict[Key, set[int]] = defaultdict(set)
    for episode in episodes(windows, watches, presence):
        verdict.episodes += 1
        verdict.known[episode.rule] += episode.alone
        held[episode.rule, episode.group].update(episode.starts)
        mine = by_key[episode.rule, episode.group]
        verdict.differences += _fired(episode, by_id[episode.rule], mine)
        verdict.differences += _total(
            episode, by_id[episode.rule], mine, windows[episode.rule, episode.group]
        )
    verdict.alone = verdict.known.total()
    verdict.differences += _uncalled(windows, held, by_id, by_key)
    return verdict


def name(told: Told) -> str:
    """Return an alert as differences name it."""
    return f"alert {told.id[:8]} of {told.rule} {'/'.join(told.group)} opened by {told.opened_by}"


def opener(watch: Watch, told: Told, held: Collection[int]) -> int:
    """Return the start of the window that opened an alert. `held`: of those that hold.

    Of windows that were judged one right after the other the first record shows the last; but it
    says when the alert began. Of windows that overlap, the one that ended next was judged then.
    What began at the end of a pane may also have begun at the beginning of the next: it did not if
    the window that ended there holds.
    """
    if watch.judged is Judged.CLOSE or (watch.judged is Judged.CROSSING and watch.tumbling):
        return told.opened_by
    at = int(told.first["startsAt"])
    pane = (at - 1) // watch.step * watch.step
    if watch.judged is Judged.END:
        return pane
    ended = pane + watch.step - watch.size
    if at % watch.step == 0 and ended not in held:
        ended += watch.step
    return min(told.opened_by, ended)


def _fired(episode: Episode, watch: Watch, alerts: Sequence[Told]) -> Iterator[str]:
    """I2: each episode made an alert; exactly one, opened by its first window, if it was alone."""
    firsts = [opener(watch, told, episode.starts) for told in alerts]
    mine = [first for first in firsts if first in episode.starts]
    where = f"{episode.rule} {'/'.join(episode.group)} at {episode.starts}"
    if not mine and episode.sure:
        yield f"never fired: {where}"
    if episode.alone and len(mine) > 1:
        yield f"fired {len(mine)} times: {where}"
    if episode.alone and mine and mine[0] != episode.opened_by:
        yield f"opened by {mine[0]}: {where}"


def _total(
    episode: Episode, watch: Watch, alerts: Sequence[Told], windows: Mapping[int, Tally]
) -> Iterator[str]:
    """I1: an alert that is known to the letter says at last of how many events it was.

    Unless some came when it might have been over.
    """
    if not episode.alone or (watch.judged is Judged.END and len(episode.starts) > 1):
        return
    held = {start: windows.get(start, NOTHING) for start in episode.starts}
    patience = watch.lateness if watch.judged is Judged.END else watch.resolve_after
    if any(held[start].accepted_at >= start + watch.size + patience for start in held):
        return
    # Of windows that overlap, all hold the same events.
    count = held[episode.opened_by].count
    for told in alerts:
        said = told.last.get("events", 0)
        mine = opener(watch, told, episode.starts) in episode.starts
        if told.over and mine and said != count:
            yield f"{name(told)}: over with {said} events, there were {count}"


def _uncalled(
    windows: Windows,
    held: Mapping[Key, set[int]],
    by_id: Mapping[str, Watch],
    by_key: Mapping[Key, Sequence[Told]],
) -> Iterator[str]:
    """I3: no alert but from a window that held."""
    for key, alerts in by_key.items():
        for told in alerts if key[0] in by_id else ():
            holding = held.get(key, ())
            start = opener(by_id[key[0]], told, holding)
            if start not in holding:
                count = windows.get(key, {}).get(start, NOTHING).count
                yield f"{name(told)}: that window does not hold, it has {count} events"


def _counts(watch: Watch, told: Told, windows: Mapping[int, Tally]) -> Iterator[str]:
    """I1: the last word about a window is its exact count; no earlier one is above it."""
    for record in told.records.values():
        start = record["window"]["start"]
        window = windows.get(start, NOTHING)
        said = record["aggregates"]["count"]
        if said > window.count:
            yield f"{name(told)}: {said:g} events told of {start}, there were {window.count}"
        found = tuple(sorted(record.get("found", {}).items()))
        if found not in window.found and (found or window.found):
            yield f"{name(told)}: {found} found in {start}, there was {sorted(window.found)}"
    if not told.over:
        yield f"{name(told)}: never resolved"
        return
    yield from _lasted(watch, told)
    start = told.last["window"]["start"]
    window, before = windows.get(start, NOTHING), windows.get(start - watch.size, NOTHING)
    patience = watch.lateness if watch.judged is Judged.END else watch.resolve_after
    if max(window.accepted_at, before.accepted_at) < start + watch.size + patience:
        yield from _figures(watch, told, window, before)


def _lasted(watch: Watch, told: Told) -> Iterator[str]:
    """An alert lasts until none of its windows has held for as long as its rule says."""
    last = told.last
    if "no window held for" not in last["reason"]:
        return  # its rule was changed: it was over at once
    least = min(last["window"]["end"] + watch.resolve_after, last["decidedAt"])
    if not least <= last["endsAt"] <= max(last["startsAt"], last["decidedAt"]):
        yield f"{name(told)}: over at {last['endsAt']}, that can be known from {least} on"


def _deaf(told: Told, presence: Presence) -> Iterator[str]:
    """An alert is not over because nobody can be heard."""
    last = told.last
    if told.over and "no window held" in last["reason"] and presence.silent(last["endsAt"]):
        yield f"{name(told)}: over at {last['endsAt']}, when nobody could be heard"


def _figures(watch: Watch, told: Told, window: Tally, before: Tally) -> Iterator[str]:
    """Compare every figure that was told at last with that of all the window's events."""
    said: Mapping[str, float] = told.last["aggregates"]
    exact: dict[str, float] = {"count": window.count, "errors": window.errors}
    if watch.compares:
        exact["previous.count"] = before.count
    if watch.figure == "distinct":
        exact["distinct"] = window.figure("distinct")
    if watch.figure in OF_VALUES and window.values:
        figures = ("sum", "avg", "min", "max", *(each for each in PERCENTILES if each in said))
        exact |= {figure: window.figure(figure) for figure in figures}
    for figure, value in exact.items():
        tolerance = TOLERANCE if figure in PERCENTILES else ROUNDING
        if not math.isclose(said[figure], value, rel_tol=tolerance):
            yield f"{name(told)}: resolved with {figure} {said[figure]:g}, it was {value:g}"


def counted(expected: int, said: float) -> list[str]:
    """Compare how many events were counted in all."""
    return [] if said == expected else [f"{said:g} events counted, {expected} were accepted"]
