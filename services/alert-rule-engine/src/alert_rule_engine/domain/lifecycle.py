"""One alert from its first crossing to its resolve: what it remembers and what it says.

An alert belongs to (rule, group). It has something to say (`pending`) when it begins, when its
counts have changed (at most every `UPDATE_EVERY` of the log's own clock), and when it is over.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from alert_contracts.alerts import Alert, RuleRef, Sample, Source, WindowSpan
from alert_contracts.events import Event
from alert_contracts.ids import alert_id, fingerprint
from alert_contracts.rules import Rule
from alert_rule_engine.domain.aggregates import Aggregate, Evidence
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.rules import CompiledRule, rule_key

UPDATE_EVERY: Final = 10_000
"""Milliseconds between two updates of one alert."""
_FIGURE: Final = re.compile(r"\b(count|total|errors|rate|sum|avg|min|max|p50|p90|p95|p99)\b(?!\()")
_THRESHOLD: Final = re.compile(r"\bthreshold\b")
_NO_LABEL: Final = re.compile(r"[^a-zA-Z0-9_]")
_decode_event: Final = msgspec.json.Decoder(Event).decode


class Crossing(msgspec.Struct, array_like=True):
    """The record that made the condition hold."""

    at: int
    """Event time."""
    accepted_at: int | None = None
    traceparent: str | None = None
    evidence: tuple[int, int, int, bytes] | None = None
    late_by: int = 0


class Snapshot(msgspec.Struct, array_like=True):
    """The last window that held, as the condition saw it."""

    start: int
    end: int
    figures: dict[str, float]
    first: tuple[int, int, int, bytes] | None
    last: tuple[int, int, int, bytes] | None
    sources: list[tuple[int, int, int]]


class AlertState(msgspec.Struct, array_like=True):
    """An alert of one rule and group, as the state keeps it."""

    rule: Rule
    """The revision that spoke last."""
    group: Group
    id: str
    fingerprint: str
    crossing: Crossing
    window: Snapshot
    sequence: int = 0
    said_at: int = 0
    """Log clock of the last record about it."""
    stale: bool = False
    """The window has grown since the snapshot."""
    changed: bool = False
    """The snapshot is newer than what was said."""
    resolved: str = ""
    """Why it is over; empty while it fires."""

    @property
    def key(self) -> tuple[str, Group]:
        return (rule_key(self.rule), self.group)

    @property
    def until(self) -> int:
        """End of the last window that held."""
        return self.window.end


def snapshot(rule: CompiledRule, start: int, window: Aggregate) -> Snapshot:
    """Return what is to be said about a window."""
    figures = {**window.seen(rule.shape.size), **window.percentiles()}
    return Snapshot(
        start,
        start + rule.shape.size,
        {name: float(value) for name, value in figures.items()},
        window.first,
        window.last,
        [(source, low, high) for source, (low, high) in sorted(window.sources.items())],
    )


def named(rule: Rule, group: Group) -> dict[str, str]:
    """Return the group under the names that the rule groups by."""
    return dict(zip(rule.group_by, group, strict=True))


def open_alert(
    rule: CompiledRule, group: Group, window: Snapshot, crossing: Crossing
) -> AlertState:
    """Return the alert that a window opens; its id follows from rule, group and window alone."""
    facts = named(rule.rule, group)
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
        fingerprint=fingerprint(
            tenant=rule.rule.tenant,
            rule_id=rule.rule.id,
            severity=rule.rule.severity,
            group=facts,
        ),
        crossing=crossing,
        window=window,
    )


def reason_of(rule: Rule, figures: Mapping[str, float]) -> str:
    """Return the condition in words: `count 101 > threshold 100`."""

    def with_figure(found: re.Match[str]) -> str:
        name = found.group(1)
        return f"{name} {_number(figures[name])}" if name in figures else name

    text = _FIGURE.sub(with_figure, rule.condition)
    if rule.threshold is None:
        return text
    return _THRESHOLD.sub(f"threshold {_number(rule.threshold)}", text)


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.2f}"


def label_of(field: str) -> str:
    """Return the label name of a groupBy field: `attributes.k8s.pod` is `k8s_pod`."""
    return _NO_LABEL.sub("_", field.removeprefix("attributes."))


def labels_of(rule: Rule, group: Group) -> dict[str, str]:
    """Return the labels of an alert: the rule's own, the group, and what names the rule."""
    return {
        **rule.labels,
        **{label_of(field): value for field, value in named(rule, group).items()},
        "alertname": rule.name,
        "severity": rule.severity.lower(),
        "rule_id": rule.id,
        "tenant": rule.tenant,
    }


def say(state: AlertState, *, log_now: int, now: int) -> Alert:
    """Return the next record about an alert and note that it was said.

    An alert that is over before it was told is told twice: that it fired, then that it is over.
    `log_now` is the log's clock, `now` the wall clock of this process.
    """
    first = state.sequence == 0
    over = bool(state.resolved) and not first
    state.sequence += 1
    state.said_at = log_now
    state.changed = False
    status: Any = "firing" if first else "resolved" if over else "updated"
    rule = state.rule
    return Alert(
        id=state.id,
        fingerprint=state.fingerprint,
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
        reason=state.resolved if over else reason_of(rule, state.window.figures),
        threshold=rule.threshold,
        # A rule that goes ends its alerts before their window does.
        ends_at=min(state.until, now) if over else None,
        accepted_at=state.crossing.accepted_at,
        late_by=state.crossing.late_by,
        annotations=rule.annotations,
        samples=_samples(state),
        sources=[Source(*span) for span in state.window.sources],
        traceparent=state.crossing.traceparent,
    )


def _samples(state: AlertState) -> list[Sample]:
    found = {state.window.first, state.crossing.evidence, state.window.last} - {None}
    evidence = sorted(Evidence(*each) for each in found if each is not None)
    samples = []
    for each in evidence:
        # What no rule reads was never checked; a line that is no event is no sample.
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            samples.append(Sample(_decode_event(each.line), each.source, each.offset))
    return samples
