"""At which boundaries the windows of a rule are to be judged, and what they prove."""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from alert_contracts.time_intervals import holds as holds_at
from alert_rule_engine.domain.conditions import CompiledRule, Judgement, Place
from alert_rule_engine.domain.lifecycle import Look
from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.sight import Blind, Hole
from alert_rule_engine.domain.windows import boundaries

MUCH: Final = 10
"""A hole that is longer than one part of so many of a window hides much of it."""


class Span(NamedTuple):
    """Event time that is new: (after, until]."""

    after: int
    until: int


def due(
    rule: CompiledRule,
    panes: SpecPanes,
    span: Span,
    *,
    unseen: int,
    pending: bool = False,
    whole: bool = False,
) -> Iterator[int]:
    """Yield the boundaries, in order, at which a rule may have another verdict of some group.

    They lie near panes, or where a window without any proves something: what a long outage of ours
    leaves between is passed over. `unseen`: windows that began before prove no silence; `pending`:
    some group needs a whole window that does not hold; `whole`: only the ends of windows are of
    interest.
    """
    near = panes.pane + rule.reach
    if pending:
        near += rule.shape.size + rule.shape.step
    after, until = span
    spans = [(at, at + near) for at in _starts(panes, span, near)]
    if pending:
        spans.append((after, after + near))
    if rule.endless:
        spans.append((unseen + rule.shape.size - 1, until))
    for begin, end in sorted(spans):
        if after >= until:
            break
        first, last = max(after, begin), min(end, until)
        yield from rule.shape.ends(first, last) if whole else boundaries(first, last, panes.pane)
        after = max(after, last)


def _starts(panes: SpecPanes, span: Span, near: int) -> Collection[int]:
    """Return the starts of panes that have all near them that any pane of a span's has."""
    after, until = span
    latest = after - after % panes.pane
    for at in (latest, latest - panes.pane):
        if at in panes.slices and until <= at + near:
            return (at,)  # As a rule: new time is short, and events come all the time.
    return [at for at in panes.slices if after - near < at < until]


class Told(NamedTuple):
    """The groups of which a rule has told, or may soon."""

    firing: Collection[Group]
    pending: Collection[Group]


def concerned(
    rule: CompiledRule, panes: SpecPanes, end: int, told: Told, *, unseen: int, place: Place
) -> list[Group]:
    """Return the groups whose verdict may be another at a boundary."""
    found = dict.fromkeys(told.firing)
    if rule.judgement is Judgement.CROSSING:
        return list(found)
    found.update(dict.fromkeys(told.pending))
    if rule.judgement is Judgement.END:
        empty = rule.empties and end - rule.shape.size >= unseen
        found.update(dict.fromkeys(panes.known() if empty else panes.groups))
        found.update(dict.fromkeys(rule.expected.get(place, ())))
        return list(found)
    for start in _moved(rule, panes.pane, end - panes.pane):
        found.update(dict.fromkeys(panes.slices.get(start, ())))
    return list(found)


def _moved(rule: CompiledRule, pane: int, newest: int) -> Iterator[int]:
    """Yield the starts of the panes that come to the windows looked at with `newest`, or leave.

    A window that is followed by one that overlaps it loses a whole step at once.
    """
    yield newest
    size, step = rule.shape
    if not rule.shape.tumbling and (newest - size) % step == 0:
        for first in range(newest - size, newest - rule.reach - 1, -size):
            yield from range(first, first + step, pane)


def begins(rule: CompiledRule, panes: SpecPanes, at: int) -> bool:
    """Tell whether alerts may begin from a time on, but not just before, and are looked for then.

    Single events of before are over.
    """
    active, before = rule.rule.active_time, at - panes.pane
    if not active or rule.momentary:
        return False
    return holds_at(active, at) and not holds_at(active, before)


def may_begin(rule: CompiledRule, look: Look) -> bool:
    """Tell whether an alert may begin by a window: not if that is over before it may.

    What is only known at the end of a window belongs to the time until then.
    """
    active = rule.rule.active_time
    if look.complete and not holds_at(active, look.end - 1):
        return False
    ends = rule.judgement is Judgement.END or look.note
    return bool(ends) or holds_at(active, look.at)


def proves(
    rule: CompiledRule, panes: SpecPanes, group: Group, look: Look, *, unseen: int, place: Place
) -> bool:
    """Tell whether a window says anything of its group."""
    before = look.start - look.size if rule.compares else look.start
    seen = before >= unseen
    if not look.view["count"] and rule.endless and look.complete:
        return seen and _watched(rule, panes, group, look, place)
    if rule.compares:
        first = panes.first(group)
        return seen and first is not None and first < before
    if seen or rule.judgement is not Judgement.END:
        return True
    return look.start >= panes.since and not rule.holds(look.view)


def first_told(rule: CompiledRule, unseen: int) -> int:
    """Return the end of the first window that can prove silence.

    `unseen`: windows that began before prove nothing.
    """
    size, step = rule.shape
    return -(-(unseen + (size if rule.compares else 0)) // step) * step + size


def hides_much(hole: Hole, rule: CompiledRule) -> bool:
    """Tell whether a rule's window may look otherwise for what nobody heard meanwhile."""
    begin, end = hole
    return begin >= end or (end - begin) * MUCH > rule.shape.size


def unheard(rule: CompiledRule, look: Look, blind: Blind) -> bool:
    """Tell whether a window that is over perhaps does not hold since nobody could be heard.

    What waits goes on waiting then: what held before, and holds afterwards, did so all the time;
    but not if nobody was heard for longer than it has to wait.
    """
    if not (rule.rule.hold and look.complete):
        return False
    hidden = any(
        begin < look.end and look.start < end and end - begin <= rule.rule.hold
        for begin, end in blind.deaf(rule)
        if begin < end and hides_much((begin, end), rule)
    )
    return hidden and not rule.falters(look.view) and not rule.holds(look.view)


def blind_until(rule: CompiledRule, judged: int, unseen: int) -> int:
    """Return when a rule first judges by what is missing; 0 if its next verdict is such a one.

    `judged`: up to when verdicts were given; `unseen`: windows that began before prove nothing.
    """
    (size, step), pane = rule.shape, rule.spec.pane
    first = first_told(rule, unseen) - size
    if rule.compares and rule.judgement is not Judgement.END:
        return first if first > rule.shape.holding(judged - judged % pane, pane) else 0
    wait = size + rule.rule.window.allowed_lateness
    following = ((judged - wait) // step + 1) * step
    return first + wait if first > following else 0


def _watched(rule: CompiledRule, panes: SpecPanes, group: Group, look: Look, place: Place) -> bool:
    """Tell whether events of a group were to be expected in an empty window."""
    if group in rule.expected.get(place, ()):
        return True
    first, last = panes.first(group), panes.last(group)
    if first is None or last is None:
        return rule.rule.no_data == "keepLast" and not rule.empties
    there = first < look.start - look.size if rule.compares else first <= look.start
    return there and look.end <= last + rule.rule.forget
