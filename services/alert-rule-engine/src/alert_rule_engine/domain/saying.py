"""What is said about an alert: the next record of it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from alert_contracts.alerts import Alert, RuleRef, Source, WindowSpan
from alert_contracts.ids import fingerprint
from alert_rule_engine.domain.aggregates import unpack_reference
from alert_rule_engine.domain.evidence import Question
from alert_rule_engine.domain.lifecycle import AlertState, why_it_fires
from alert_rule_engine.domain.memory import Terms
from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.domain.rules import RuleBook
from alert_rule_engine.domain.speech import identity, labels_of, named
from alert_rule_engine.domain.weighing import News, scale_of


class Said(NamedTuple):
    """A record about an alert, and what it wants to show."""

    alert: Alert
    question: Question | None


def question_of(
    state: AlertState, book: RuleBook, specs: Mapping[str, SpecPanes], status: str
) -> Question | None:
    """Return what a record about an alert wants to show; none, if that was shown before."""
    rule = book.rules.get(state.key)
    references = [unpack_reference(each) for each in state.window.references]
    if rule is None or not references or status == "resolved":
        return None
    crossing = state.crossing
    return Question(
        spec=rule.spec.id,
        group=state.group,
        start=state.window.start,
        end=state.window.end,
        first=references[0],
        crossing=None if crossing.reference is None else unpack_reference(crossing.reference),
        last=references[-1],
        others=tuple(references[1:-1]),
        needed=crossing.needed,
        scale=scale_of(rule, state.window.figures),
        news=_news_of(state, specs.get(rule.spec.id)) if crossing.found else None,
        reached=crossing.at,
        pane=rule.spec.pane,
    )


def _news_of(state: AlertState, panes: SpecPanes | None) -> News:
    """Return what tells the events that brought something new from others of their records."""
    found = state.crossing.found
    value = found["new"] if "new" in found else found["value"]
    memory = panes.memory if panes else None
    if not isinstance(memory, Terms):
        return News(value, found.get("old"))
    group, since = state.group, state.window.start
    return News(value, besides=lambda text: memory.may_count(group, text, since))


def say(state: AlertState, *, log_now: int, now: int) -> Alert:
    """Return the next record about an alert and note that it was said.

    An alert that is over before it was told is told twice: that it fired, then that it is over. So
    is one that is over before it was told what it has found last.
    `log_now` is the log's clock, `now` the wall clock of this process.
    """
    first = state.sequence == 0
    news = state.changed and bool(state.crossing.found)
    over = bool(state.resolved) and not first and not news
    state.sequence += 1
    state.said_at = log_now
    state.changed = False
    status: Any = "firing" if first else "resolved" if over else "updated"
    rule = state.rule
    return Alert(
        id=state.id,
        fingerprint=_fingerprint(state),
        tenant=rule.tenant,
        status=status,
        sequence=state.sequence,
        rule=RuleRef(rule.id, rule.name, rule.type, rule.revision),
        severity=rule.severity,
        group=named(rule, state.group),
        labels=labels_of(rule, state.group),
        window=WindowSpan(state.window.start, state.window.end, rule.window.kind),
        aggregates=state.window.figures,
        condition=rule.condition,
        starts_at=state.crossing.at,
        decided_at=now,
        reason=state.resolved if over else why_it_fires(state),
        threshold=rule.threshold,
        # Events may be dated ahead.
        ends_at=max(min(state.until, now), state.crossing.at) if over else None,
        accepted_at=state.crossing.accepted_at,
        late_by=state.crossing.late_by,
        annotations=rule.annotations,
        sources=_sources(state),
        traceparent=state.crossing.traceparent,
        events=state.events if over else 0,
        found=state.crossing.found,
    )


def _fingerprint(state: AlertState) -> str:
    rule = state.rule
    return fingerprint(
        tenant=rule.tenant,
        rule_id=rule.id,
        severity=rule.severity,
        group=identity(rule, state.group),
    )


def _sources(state: AlertState) -> list[Source]:
    """Return where the first, the crossing and the last record lie."""
    references = [*state.window.references[:1], *state.window.references[-1:]]
    if state.crossing.reference is not None:
        references.append(state.crossing.reference)
    found: dict[int, list[int]] = {}
    for reference in references:
        source, offset = unpack_reference(reference)
        found.setdefault(source, []).append(offset)
    return [Source(source, min(mine), max(mine)) for source, mine in sorted(found.items())]
