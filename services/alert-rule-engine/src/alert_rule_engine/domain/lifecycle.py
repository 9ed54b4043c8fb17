"""One alert from its first crossing to its resolve: what it remembers.

An alert belongs to (rule, group). It has something to say when it begins, when another window holds
or its counts have changed (at most every `UPDATE_EVERY` of the log's own clock), and when it is
over; see `speech`.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from alert_contracts.ids import alert_id
from alert_contracts.rules import Rule
from alert_rule_engine.domain.conditions import CompiledRule
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.rules import rule_key
from alert_rule_engine.domain.speech import discovery, identity, reason_of

UPDATE_EVERY: Final = 10_000
"""Milliseconds between two updates of one alert."""


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


class Look(NamedTuple):
    """A window, or as much of it as there is, as its rule sees it."""

    start: int
    size: int
    at: int
    """Event time at which it is judged."""
    view: dict[str, float]
    references: list[int]
    counting: Callable[[int, int], int]
    """Counts the events of its group between two times, as far as their panes are there."""
    complete: bool = False
    """Nothing in order is to come."""
    note: str = ""
    """Why it holds, where that is not its condition."""

    @property
    def end(self) -> int:
        return self.start + self.size


class Snapshot(msgspec.Struct, array_like=True):
    """The last window that held, as the condition saw it."""

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
    until: int
    """End of the last window that held, or that says nothing."""
    note: str = ""
    """Why it fires, where that does not follow from its rule and its window."""
    sequence: int = 0
    said_at: int = 0
    """Log clock of the last record about it."""
    changed: bool = False
    """The snapshot is newer than what was said."""
    events: int = 0
    """Events of the windows that held before this one, but for those that this one holds."""
    resolved: str = ""
    """Why it is over; empty while it fires."""
    queued: int = 0
    """Its number among those with something to say; 0: it has nothing to say."""
    page: int = 0
    """Where it is stored."""

    @property
    def key(self) -> str:
        return rule_key(self.rule)


def snapshot(look: Look) -> Snapshot:
    """Return what is to be said about a window."""
    figures = {name: float(value) for name, value in look.view.items()}
    return Snapshot(look.start, look.end, figures, look.references)


def open_alert(rule: CompiledRule, group: Group, look: Look, crossing: Crossing) -> AlertState:
    """Return the alert that a window opens; its id follows from rule, group and window alone."""
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
    )


def is_due(said_at: int, since: int, now: int) -> bool:
    """Tell whether an alert is looked at between two times: a whole number of times after."""
    since = max(since, said_at)
    return (now - said_at) // UPDATE_EVERY > (since - said_at) // UPDATE_EVERY


def why_it_fires(alert: AlertState) -> str:
    """Return in words why an alert fires."""
    found = discovery(alert.crossing.found)
    return alert.note or found or reason_of(alert.rule, alert.window.figures)


def prolong(
    alert: AlertState, rule: CompiledRule, look: Look, found: dict[str, str] | None = None
) -> None:
    """Note that a window holds: another one, or the same (with other figures, or judged again)."""
    old, said = alert.window, (alert.rule, alert.window, alert.note, alert.crossing.found)
    if found:
        alert.crossing.found = found
    # Of the panes before this window the oldest may be forgotten, but not those of both windows.
    shared = min(look.start, old.end)
    of_both = look.counting(shared, old.end)
    alert.events += max(look.counting(old.start, shared), int(old.figures["count"]) - of_both)
    alert.rule = rule.rule
    alert.window = snapshot(look)
    alert.until = max(alert.until, look.end)
    alert.note = look.note
    if said != (alert.rule, alert.window, alert.note, alert.crossing.found):
        alert.changed = True
