"""One alert from its first crossing to its resolve: what it remembers.

An alert belongs to (rule, group). It has something to say when it begins, when another window holds
or its counts have changed (at most every `UPDATE_EVERY` of the log's own clock), and when it is
over; see `speech`.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from alert_contracts.ids import alert_id
from alert_contracts.rules import Rule
from alert_rule_engine.domain.conditions import CompiledRule, rule_key
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.speech import discovery, identity, is_crowd, reason_of

UPDATE_EVERY: Final = 10_000
"""Milliseconds between two updates of one alert."""
Stretch = tuple[int, int]
"""From a time until another."""
Counts = Callable[[str, Group, int, int], int]
"""Counts the events of a spec and group from a time until another."""


class Crossing(msgspec.Struct, array_like=True):
    """What made the condition hold."""

    at: int
    """Event time."""
    accepted_at: int | None = None
    traceparent: str | None = None
    reference: int | None = None
    """The record, packed."""
    late_by: int = 0
    needed: int | None = None
    """How many of the record's events it took, where that is known."""
    found: dict[str, str] = {}
    """Texts that the rule's type found."""


Witness = Callable[[], Crossing]
"""Tells what made a window hold, if it does."""


class Look(NamedTuple):
    """A window, or as much of it as there is, as its rule sees it."""

    start: int
    size: int
    at: int
    """Event time at which it is judged."""
    view: dict[str, float]
    references: Callable[[], list[int]]
    """Returns records that it was made of; to be asked while it is judged, and before the next."""
    complete: bool = False
    """Nothing in order is to come."""
    note: str = ""
    """Why it holds, where that is not its condition."""

    @property
    def end(self) -> int:
        return self.start + self.size


class Snapshot(msgspec.Struct, array_like=True):
    """A window that held, as the condition saw it."""

    start: int
    end: int
    figures: dict[str, float]
    references: list[int]


class AlertState(msgspec.Struct, array_like=True):
    """An alert of one rule and group, as the state keeps it."""

    rule: Rule
    """The revision that spoke last."""
    group: Group
    id: str
    crossing: Crossing
    window: Snapshot
    """The last one that held and has begun; see `rank`."""
    until: int
    """End of the last window that held, or that says nothing; once it is over: since when."""
    note: str = ""
    """Why it fires, where that does not follow from its rule and its window."""
    sequence: int = 0
    said_at: int = 0
    """Log clock of the last record about it."""
    changed: bool = False
    """The snapshot is newer than what was said."""
    events: int = 0
    """Events of windows that held, as far as nothing is to come to them; of all when it is over."""
    resolved: str = ""
    """Why it is over; empty while it fires."""
    queued: int = 0
    """Its number among those with something to say; 0: it has nothing to say."""
    page: int = 0
    """Where it is stored."""
    held: list[Stretch] | None = None
    """When its windows held whose events are still to be counted, in order and apart.
    None: only its window is known, as of a crowd, or of what an older version stored."""
    spec: str = ""
    """Where they are counted."""

    @property
    def key(self) -> str:
        return rule_key(self.rule)


def snapshot(look: Look) -> Snapshot:
    """Return what is to be said about a window."""
    figures = {name: float(value) for name, value in look.view.items()}
    return Snapshot(look.start, look.end, figures, look.references())


def held_since(rule: CompiledRule, look: Look, since: int, now: int) -> int:
    """Return from when on windows have held if a window holds that does under `for` since a time.

    As far as their events are known for sure: panes are forgotten while an alert waits.
    """
    pane = rule.spec.pane
    known = (now - rule.horizon) // pane * pane
    return min(look.start, max(known, rule.shape.holding(since - pane, pane)))


def open_alert(
    rule: CompiledRule, group: Group, look: Look, crossing: Crossing, held: int
) -> AlertState:
    """Return the alert that a window opens; its id follows from rule, group and window alone.

    `held`: since when windows have held.
    """
    facts = identity(rule.rule, group)
    window = snapshot(look)
    return AlertState(
        rule=rule.rule,
        group=group,
        id=alert_id(
            tenant=rule.rule.tenant,
            rule_id=rule.rule.id,
            revision=rule.rule.revision,
            group=facts,
            window_start=window.start,
        ),
        crossing=crossing,
        window=window,
        until=window.end,
        note=look.note,
        held=None if is_crowd(rule.rule, group) else [(held, window.end)],
        spec=rule.spec.id,
    )


def is_due(said_at: int, since: int, now: int) -> bool:
    """Tell whether an alert is looked at between two times: a whole number of times after."""
    since = max(since, said_at)
    return (now - said_at) // UPDATE_EVERY > (since - said_at) // UPDATE_EVERY


def why_it_fires(alert: AlertState) -> str:
    """Return in words why an alert fires."""
    found = discovery(alert.crossing.found)
    return alert.note or found or reason_of(alert.rule, alert.window.figures)


def rank(start: int, now: int) -> tuple[bool, int]:
    """Return which of two windows that hold an alert rather shows: that with the higher rank.

    It is the last one, unless that is ahead of time: clocks of senders are.
    """
    begun = start <= now
    return begun, start if begun else -start


def prolong(
    alert: AlertState,
    rule: CompiledRule,
    look: Look,
    now: int,
    news: Crossing | None = None,
) -> None:
    """Note that a window holds: another one, or the same (with other figures, or judged again).

    `news`: what brought something new to it.
    """
    old = alert.window
    alert.until = max(alert.until, look.end)
    if not is_crowd(alert.rule, alert.group):
        held = [(old.start, old.end)] if alert.held is None else alert.held
        alert.held, alert.spec = united(held, look.start, look.end), rule.spec.id
    if rank(look.start, now) < rank(old.start, now):
        return
    said = (alert.rule, old, alert.note, alert.crossing.found)
    if news is not None and news.found:
        alert.crossing.found, alert.crossing.reference = news.found, news.reference
    alert.rule = rule.rule
    alert.window = snapshot(look)
    alert.note = look.note
    if said != (alert.rule, alert.window, alert.note, alert.crossing.found):
        alert.changed = True


def united(held: Sequence[Stretch], start: int, end: int) -> list[Stretch]:
    """Return spans with one more, in order and apart."""
    before = [span for span in held if span[1] < start]
    after = [span for span in held if span[0] > end]
    touched = [(start, end), *held[len(before) : len(held) - len(after)]]
    whole = min(first for first, _ in touched), max(last for _, last in touched)
    return [*before, whole, *after]


def counts_already(alert: AlertState, start: int, end: int, now: int) -> bool:
    """Tell whether it is known of a window that its events count, and another one is shown."""
    if rank(start, now) >= rank(alert.window.start, now):
        return False
    return any(first <= start and end <= last for first, last in alert.held or ())


def count_all(alert: AlertState, counts: Counts) -> None:
    """Count the events of all windows that held: it is over."""
    if alert.held is None:
        alert.events += int(alert.window.figures["count"])
    count_until(alert, alert.until, counts)


def count_until(alert: AlertState, at: int, counts: Counts) -> bool:
    """Count the events of the windows that held before a time; tell whether there were windows."""
    if not alert.held or alert.held[0][0] >= at:
        return False
    for start, end in alert.held:
        if start < at:
            alert.events += counts(alert.spec, alert.group, start, min(end, at))
    alert.held = [(max(start, at), end) for start, end in alert.held if end > at]
    return True
