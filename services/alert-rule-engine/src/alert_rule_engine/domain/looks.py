"""What a rule sees of a window, and what made it so."""

from collections.abc import Iterator
from functools import partial

from msgspec.structs import replace

from alert_rule_engine.domain.aggregates import Sum
from alert_rule_engine.domain.alertbook import AlertBook
from alert_rule_engine.domain.conditions import CompiledRule, Judgement
from alert_rule_engine.domain.lifecycle import Crossing, Look, Witness
from alert_rule_engine.domain.panes import Part, SpecPanes
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.rolling import Rolling
from alert_rule_engine.domain.running import Grown
from alert_rule_engine.domain.speech import turned_away


def look_at(rule: CompiledRule, panes: SpecPanes, group: Group, start: int, end: int) -> Look:
    """Return what a rule sees of a window of which there is as much as up to `end`."""
    return _look(rule, panes, group, panes.window(group, start, end), (start, end))


def look_closed(rule: CompiledRule, panes: SpecPanes, group: Group, start: int, end: int) -> Look:
    """Return what a rule sees at a boundary of the window that starts at a time.

    What only grows counts what is there already of the panes that are still open.
    """
    size = rule.shape.size
    whole = start + size
    if rule.judgement is Judgement.CROSSING and end != whole:
        return look_at(rule, panes, group, start, whole)._replace(at=end, complete=False)
    window, previous = panes.rolled(group, start, end, size), None
    if rule.compares:
        previous = panes.rolled(group, start - size, start, size, Part.BEFORE)
    return look_of(rule, window, rule.view(window, previous), (start, end))


def look_growing(rule: CompiledRule, panes: SpecPanes, grown: Grown, newest: int) -> Look:
    """Return what a rule sees of a window to whose pane at `newest` rows have just come."""
    start, end = grown.start, grown.start + rule.shape.size
    window = panes.growing(grown.group, start, end, newest, grown.after)
    return _look(rule, panes, grown.group, window, (start, end))


def looks_open(rule: CompiledRule, panes: SpecPanes, group: Group, judged: int) -> Iterator[Look]:
    """Yield what a rule sees of the windows of which more is to come, as far as it is there.

    `judged`: up to when windows are judged; what goes both ways is looked at until then.
    """
    pane, shape = panes.pane, rule.shape
    last = judged // pane * pane
    first = shape.holding(last, pane)
    if rule.judgement is not Judgement.CROSSING:
        yield look_at(rule, panes, group, first, last)
        return
    newest = panes.newest(group)
    rolling = Rolling(panes, group)
    open_ = range(first, max(first, shape.holding(newest, pane)) + 1)
    for start in _starts(rule, panes, group, open_):
        end = start + shape.size
        window = rolling.window(start, end)
        look = look_of(rule, window, rule.view(window), (start, end))
        yield look._replace(at=max(min(newest + pane, end), last), complete=False)


def _starts(rule: CompiledRule, panes: SpecPanes, group: Group, within: range) -> Iterator[int]:
    """Yield the starts of the windows that hold any pane of a group, each once, in order."""
    shape, first = rule.shape, within.start
    for pane in sorted(start for start, held in panes.slices.items() if group in held):
        windows = shape.all_holding(pane, panes.pane)
        for start in range(max(first, windows.start), min(windows.stop, within.stop), shape.step):
            yield start
            first = start + shape.step


def _look(
    rule: CompiledRule, panes: SpecPanes, group: Group, window: Sum, span: tuple[int, int]
) -> Look:
    start, size = span[0], rule.shape.size
    previous = panes.window(group, start - size, start) if rule.compares else None
    return look_of(rule, window, rule.view(window, previous), span)


def look_of(rule: CompiledRule, window: Sum, view: dict[str, float], span: tuple[int, int]) -> Look:
    """Return a window of which there is as much as `span`."""
    (start, end), size = span, rule.shape.size
    return Look(start, size, end, view, window.references, end == start + size)


def look_turned_away(rule: CompiledRule, at: int, groups: int, surplus: int) -> Look:
    """Return what the owner of a rule is told of events for whose groups there was no room."""
    size, bound = rule.shape.size, rule.rule.max_groups
    view: dict[str, float] = {"count": surplus, "groups": groups, "maxGroups": bound}
    return Look(at - at % size, size, at, view, list, note=turned_away(view))


def closed(panes: SpecPanes, look: Look) -> Witness:
    """Return the witness of a window that was judged at a boundary.

    What holds at the end of a window began then, and no event before made it so; what holds so far
    began with the newest events.
    """

    def witness() -> Crossing:
        accepted_at, trace = panes.newest_acceptance(look.start, look.at)
        references = look.references()
        newest = references[-1] if references else None
        at = look.at if look.complete or not accepted_at else min(look.at, accepted_at)
        return Crossing(at, accepted_at or None, trace or None, newest)

    return witness


def asked_anew(
    rule: CompiledRule, panes: SpecPanes, alerts: AlertBook, now: int
) -> dict[Group, Witness | None]:
    """Return the groups whose open windows are judged when their rule has changed.

    What is new is told when it comes. Later only an alert can say what it was that made a window
    hold: one that fires, or that the change has just ended. It is the witness, and without one
    nothing is asked.
    """
    if not rule.finds:
        return dict.fromkeys(panes.groups)
    ended = [each for each in alerts.ended.values() if each.key == rule.key]
    ended.sort(key=lambda each: each.rule.revision)
    return {
        each.group: partial(replace, each.crossing)
        for each in (*ended, *alerts.firing.get(rule.key, {}).values())
        if each.spec == rule.spec.id and each.window.end > now and each.group in panes.groups
    }
