"""What is known of alerts that are over, so that late events fire none of them again.

An entry of a group: when it matters no more; the start of the last window that its alerts told of;
their `basis`; and of each stretch of windows that they told of, the first start and the last.
"""

from itertools import chain
from typing import Final

from alert_contracts.rules import Rule
from alert_rule_engine.domain.conditions import CompiledRule
from alert_rule_engine.domain.endings import basis
from alert_rule_engine.domain.lifecycle import AlertState, Stretch
from alert_rule_engine.domain.shelves import Entry

MOST: Final = 8
"""Stretches that are told apart; of more, the oldest are taken for one."""


def hides(past: Entry | None, rule: CompiledRule, start: int) -> bool:
    """Tell whether a window belongs to an alert that is over.

    It does if the alert told of it, or would have lasted from then on, had all come in time. What
    comes to hold after the last window that it told of is news.
    """
    if past is None or not _stands_for(rule.rule, past):
        return False
    return any(first - _reach(rule) < start <= last for first, last in _told(past))


def buried(alert: AlertState, rule: CompiledRule, past: Entry | None, watermark: int) -> Entry:
    """Return the entry of a group when one of its alerts is over; `past` is what it was."""
    late = rule.shape.size + rule.rule.window.allowed_lateness
    told = [(start, end - rule.shape.size) for start, end in alert.held or ()]
    told = told or [(0, alert.window.start)]
    if past is not None and _stands_for(rule.rule, past):
        told += [(first, last) for first, last in _told(past) if last + late > watermark]
    told = _joined(sorted(told), _reach(rule))
    return [watermark + late, told[-1][1], basis(rule.rule), *chain(*told)]


def _joined(told: list[Stretch], reach: int) -> list[Stretch]:
    """Return stretches as one where nothing between them could fire."""
    joined = told[:1]
    for first, last in told[1:]:
        before = joined[-1]
        if first - reach <= before[1]:
            joined[-1] = before[0], max(before[1], last)
        else:
            joined.append((first, last))
    cut = max(0, len(joined) - MOST)
    return [(joined[0][0], joined[cut][1]), *joined[cut + 1 :]]


def _told(past: Entry) -> list[Stretch]:
    """Return the stretches of an entry; some versions stored the last start only."""
    return [*zip(past[3::2], past[4::2], strict=True)] or [(0, past[1])]


def _stands_for(rule: Rule, past: Entry) -> bool:
    """Tell whether an entry is of what a rule counts; some versions stored no basis."""
    return past[2:3] in ([], [basis(rule)])


def _reach(rule: CompiledRule) -> int:
    """Return for how long after a window begins its alert goes on at least."""
    return rule.shape.size + rule.quiet + rule.rule.hold
