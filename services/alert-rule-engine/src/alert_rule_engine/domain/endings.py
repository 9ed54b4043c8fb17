"""What ends an alert: a change of its rule, or that no window holds any more."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec.structs

from alert_contracts import durations
from alert_contracts.rules import Rule
from alert_rule_engine.domain.conditions import CompiledRule, Judgement
from alert_rule_engine.domain.due import first_told, hides_much
from alert_rule_engine.domain.lifecycle import (
    AlertState,
    Counts,
    Look,
    count_until,
    prolong,
    snapshot,
    why_it_fires,
)
from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.domain.partials import Group, digest
from alert_rule_engine.domain.rules import RuleBook
from alert_rule_engine.domain.sight import Blind
from alert_rule_engine.domain.speech import is_crowd


class Windows(NamedTuple):
    """Asks the panes of a bucket."""

    look: Callable[[CompiledRule, Group, int], tuple[Look, bool]]
    """Sums the window of a rule and group that starts at a time, and tells whether it holds."""
    counts: Counts
    out: Callable[[Rule], bool]
    """Tells whether a rule is left out, since it failed."""
    last: Callable[[str, Group], int | None]
    """Tells about when a group was last there by which a spec counts; None: it is not known."""
    panes: Callable[[str], SpecPanes | None]
    """Finds the panes of a spec, if there are any."""


def suspended(alerts: Iterable[AlertState], rule: CompiledRule, watermark: int) -> list[AlertState]:
    """Prolong those of a rule that is left out over what it does not judge; return them."""
    unjudged = (watermark // rule.shape.step + 1) * rule.shape.step
    groups = [alert for alert in alerts if not is_crowd(alert.rule, alert.group)]
    return _prolonged(groups, unjudged)


def bridged(
    alerts: Iterable[AlertState], rule: CompiledRule, judged: int, blind: Blind
) -> list[AlertState]:
    """Prolong those that keep their last state over what was not seen; return them."""
    if rule.rule.no_data != "keepLast":
        return []
    step = rule.shape.step
    unseen = first_told(rule, blind.of(rule)) - step
    since = (judged - rule.wait) // step * step
    return _prolonged((alert for alert in alerts if since <= alert.until), unseen)


def _prolonged(alerts: Iterable[AlertState], until: int) -> list[AlertState]:
    """Let alerts last until a time, and return those that would have ended before."""
    found = [alert for alert in alerts if alert.until < until]
    for alert in found:
        alert.until = until
    return found


def overdue(
    alerts: Iterable[AlertState], rule: CompiledRule, watermark: int, blind: Blind
) -> list[AlertState]:
    """Return those whose last window that held is long enough behind the watermark."""
    last = watermark - rule.patience
    return [
        alert for alert in alerts if alert.until <= last and quiet_since(alert, rule, blind) <= last
    ]


def quiet_since(alert: AlertState, rule: CompiledRule, blind: Blind) -> int:
    """Return since when it counts that no window of an alert has held.

    A rule that judges by what is missing has first to see a window that proves something; for any
    other no time is quiet in which events of its own were left out, or nobody could be heard.
    """
    if rule.by_lack:
        return max(alert.until, first_told(rule, blind.of(rule)))
    return max(_heard_since(alert.until, rule, blind), blind.left_out(rule))


def _heard_since(until: int, rule: CompiledRule, blind: Blind) -> int:
    """Return a time moved on by what nobody could hear before it was quiet for long enough.

    What hides much of a later window puts it off to the end of the first one that is seen whole.
    """
    since, (size, step) = until, rule.shape
    for hole in blind.deaf(rule):
        begin, end = hole
        if begin >= since + rule.patience:
            break  # It was over by then.
        if hides_much(hole, rule):
            if end + size > until + step:
                since = max(since, first_told(rule, end))
        else:
            since += max(0, end - max(begin, until))
    return since


def is_complete(alert: AlertState, since: int, watermark: int) -> bool:
    """Tell whether between two times its window was over, or nothing could come to it any more."""
    end = alert.window.end
    closed = end + alert.rule.window.allowed_lateness
    return since < end <= watermark or since < closed <= watermark


def count_closed(alert: AlertState, rule: CompiledRule, watermark: int, windows: Windows) -> bool:
    """Count what held in panes that are to be forgotten now; tell whether anything did."""
    gone = (watermark - rule.horizon) // rule.spec.pane * rule.spec.pane
    return count_until(alert, gone, windows.counts)


def is_gone(alert: AlertState, rule: CompiledRule, until: int) -> bool:
    """Tell whether an alert that keeps its last state over silence has done so for too long."""
    return until > alert.window.end + rule.rule.forget


def why_over(alert: AlertState, rule: CompiledRule, windows: Windows) -> str:
    """Return in words why an alert that is overdue is over."""
    if _is_forgotten(alert, rule, windows):
        return f"forgotten after {durations.show(rule.rule.forget)} without events"
    if rule.rule.no_data == "keepLast":
        silent = rule.remembers and _is_silent(alert, rule, windows)
        if silent or is_gone(alert, rule, alert.until + rule.shape.step):
            return f"no data for {durations.show(rule.rule.forget)}"
    long = durations.show(rule.quiet)
    if is_crowd(rule.rule, alert.group):
        return f"no group was turned away for {long}"
    dry = _is_dry(alert, rule, windows)
    return f"{'no more events came: ' if dry else ''}no window held for {long}"


def _is_dry(alert: AlertState, rule: CompiledRule, windows: Windows) -> bool:
    """Tell whether nothing came any more by which its condition could be told.

    Of what only grows, that it came no more is what one hopes for.
    """
    if rule.endless or rule.compares or not rule.sways:
        return False
    panes = windows.panes(rule.spec.id)
    if panes is None or alert.group not in panes.groups:
        return True
    return panes.newest(alert.group) < alert.until


def _is_forgotten(alert: AlertState, rule: CompiledRule, windows: Windows) -> bool:
    """Tell whether a silence that is an alarm is over though nothing came."""
    alarms = rule.judges_silence or (rule.empties and not rule.compares)
    return alarms and not alert.window.figures["count"] and _is_silent(alert, rule, windows)


def _is_silent(alert: AlertState, rule: CompiledRule, windows: Windows) -> bool:
    """Tell whether nothing of a group came any more, where it would be remembered."""
    last = windows.last(rule.spec.id, alert.group)
    return last is None or last < alert.until


def lasts(alert: AlertState, rule: CompiledRule, watermark: int, windows: Windows) -> bool:
    """Tell whether an alert that is overdue goes on: it is not known yet that nothing holds.

    It is prolonged if a window that is open now holds, though it was not judged yet. Of those the
    one that ends next has seen what the others have, and more.
    """
    if is_crowd(alert.rule, alert.group):
        return False
    if rule.overlaps:
        pane = rule.spec.pane
        start = rule.shape.holding(watermark - watermark % pane, pane)
        look, holds = windows.look(rule, alert.group, start)
        if holds:
            prolong(alert, rule, look, watermark)
            return True
    return windows.out(rule.rule)


def begin(alert: AlertState, rule: CompiledRule, now: int, windows: Windows) -> bool:
    """Show the last window that held and has begun by now, if another one is shown."""
    if not alert.held:
        return False
    size, step = rule.shape
    start = min(alert.held[-1][1] - size, now // step * step)
    if start <= alert.window.start:
        return False
    look, holds = windows.look(rule, alert.group, start)
    if holds:
        prolong(alert, rule, look, now)
    return holds


def renew(alert: AlertState, rule: CompiledRule, windows: Windows, *, final: bool = False) -> bool:
    """Count the window of an alert again, if rows changed it without being judged.

    `final`: no more is to come, so that what goes both ways is counted as well.
    """
    kinds = (Judgement.CROSSING, Judgement.CLOSE) if final else (Judgement.CROSSING,)
    if rule.judgement not in kinds or is_crowd(alert.rule, alert.group):
        return False
    look, holds = windows.look(rule, alert.group, alert.window.start)
    grew = look.view["count"] > alert.window.figures["count"]
    if grew:
        alert.note = "" if holds else why_it_fires(alert)
        alert.window = snapshot(look)
        alert.changed = True
    return grew


def gone(alert: AlertState, book: RuleBook, windows: Windows) -> str:
    """Return why the rules as they now are end an alert; empty if they do not."""
    key = alert.key
    rule = book.rules.get(key)
    if rule is None:
        if key in book.errors:
            return f"the rule does not compile: {book.errors[key]}"
        return "the rule was disabled" if key in book.disabled else "the rule was deleted"
    if _counts(rule.rule) != _counts(alert.rule) or alert.spec not in ("", rule.spec.id):
        return "the rule was changed: it starts anew"
    missed = alert.group in alert.rule.expect and alert.group not in rule.rule.expect
    if missed and windows.last(rule.spec.id, alert.group) is None:
        return "the group is not expected any more"
    return ""


def basis(rule: Rule) -> int:
    """Return 64 bits that stand for what an alert of a rule depends on."""
    return digest(repr(_counts(rule)).encode())


def _counts(rule: Rule) -> tuple[object, ...]:
    """Return what an alert depends on; all else of its rule may change under it."""
    lists = (rule.blacklist, rule.whitelist)
    return (
        rule.type,
        rule.match,
        rule.value,
        rule.group_by,
        rule.severity,
        rule.max_groups,
        lists,
        msgspec.structs.astuple(rule.window),
    )
