"""Deduplication: is this record news to a person, and if not, why not?

An alert has an id (one opening of one group's window); alerts of one fingerprint (rule, resource,
severity) are one matter to a person. At most one alert of a fingerprint is open at any time.
All times are epoch milliseconds.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

Status = Literal["firing", "updated", "resolved"]


class State(StrEnum):
    """Where an alert stands."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Closer(StrEnum):
    """Who closed an alert."""

    ENGINE = "engine"
    PERSON = "person"
    NEWER = "newer"
    """Another alert of its fingerprint took over."""


class Verdict(StrEnum):
    """What a record means. The value is the metric label, the log field and the history row."""

    FIRST_SEEN = "first_seen"
    REPEAT_DUE = "repeat_due"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    DUPLICATE = "duplicate"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED_BY_PERSON = "resolved_by_person"
    RESOLVED_UNSEEN = "resolved_unseen"
    SUPERSEDED = "superseded"
    REPLAYED = "replayed"


OPENING: Final = frozenset({Verdict.FIRST_SEEN, Verdict.REOPENED})
"""Verdicts with which a new occurrence begins."""
TELLING: Final = OPENING | {Verdict.REPEAT_DUE, Verdict.RESOLVED}
"""Verdicts of which a person hears; the others are silent."""


class ConflictError(Exception):
    """What a person asked for does not go with the alert's state; the message says why."""


@dataclass(frozen=True, slots=True)
class Report:
    """What decides about one record of the engine."""

    id: str
    status: Status
    sequence: int
    decided_at: int = 0
    """Wall clock of the engine."""
    window_end: int = 0
    """Event time up to which the window that was judged reaches."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is held of one alert."""

    id: str
    state: State
    reported: Literal["firing", "resolved"]
    """The engine's last word, which a person's resolve does not change."""
    sequence: int
    occurrence: int = 1
    """How many times this id has opened."""
    notified_at: int | None = None
    reminders: int = 0
    told: tuple[str, ...] = ()
    """Receivers that were told that it fires."""
    closed_by: Closer | None = None
    acknowledged_by: str | None = None
    acknowledged_at: int | None = None
    resolved_by: str | None = None
    resolved_at: int | None = None
    """When that person did."""

    @property
    def is_open(self) -> bool:
        return self.state is not State.RESOLVED


@dataclass(frozen=True, slots=True)
class Settled:
    """What to hold from now on: the alert's own standing, and that of one it took over from."""

    own: Standing
    closed: Standing | None = None


def judge(
    report: Report, own: Standing | None, current: Standing | None, *, ttl: int, now: int
) -> Verdict:
    """Return what the record means.

    `own` is what is held of its id, `current` the open alert of its fingerprint (perhaps the same).
    A person hears again when `ttl` ms have passed since the last notification, or since somebody
    declared it over though it goes on.
    """
    if own is not None and _is_replay(report, own):
        return Verdict.REPLAYED
    if report.status == "resolved":
        return _judge_resolved(own)
    if own is not None and own.closed_by is Closer.PERSON and own.reported == "firing":
        goes_on = current is None and _goes_on(report, own, ttl=ttl, now=now)
        return Verdict.REOPENED if goes_on else Verdict.RESOLVED_BY_PERSON
    if current is None:
        return Verdict.FIRST_SEEN
    return _judge_repeat(own, current, ttl=ttl, now=now)


def _is_replay(report: Report, own: Standing) -> bool:
    """Tell whether the record is stored already.

    An engine that died may number anew what it had said since its last checkpoint; so an end may
    come under the last number of a firing alert. It is the engine's last word: nothing follows it.
    """
    if report.status == "resolved" and own.reported == "firing":
        return report.sequence < own.sequence
    return report.sequence <= own.sequence


def _goes_on(report: Report, own: Standing, *, ttl: int, now: int) -> bool:
    """Tell whether what a person declared over must be told of again.

    The record must have been decided after that, about a window that reaches beyond it: what comes
    late of what the person knew is no news.
    """
    over = own.resolved_at
    if over is None or now - over < ttl:
        return False
    return report.decided_at > over and report.window_end > over


def _judge_repeat(own: Standing | None, current: Standing, *, ttl: int, now: int) -> Verdict:
    if current.state is State.ACKNOWLEDGED:
        return Verdict.ACKNOWLEDGED
    if _gave_way(own):
        return Verdict.DUPLICATE
    if current.notified_at is None or now - current.notified_at >= ttl:
        return Verdict.REPEAT_DUE
    return Verdict.DUPLICATE


def _judge_resolved(own: Standing | None) -> Verdict:
    if own is None:
        return Verdict.RESOLVED_UNSEEN
    if own.is_open:
        return Verdict.RESOLVED
    if own.closed_by is Closer.PERSON:
        return Verdict.RESOLVED_BY_PERSON
    return Verdict.SUPERSEDED if _gave_way(own) else Verdict.DUPLICATE


def _gave_way(own: Standing | None) -> bool:
    return own is not None and own.closed_by is Closer.NEWER


def settle(
    report: Report, own: Standing | None, current: Standing | None, verdict: Verdict, *, now: int
) -> Settled:
    """Return what to hold after a record that was judged so; never asked about a replay."""
    if report.status == "resolved":
        return Settled(_close(report, own))
    if verdict in OPENING:
        return Settled(_open(report, own, notified_at=now))
    if own is not None and (own.is_open or own.closed_by is Closer.PERSON or _gave_way(own)):
        settled = Settled(replace(own, sequence=report.sequence, reported="firing"))
    else:
        settled = _take_over(report, own, current)
    if verdict is Verdict.REPEAT_DUE:
        reminded = replace(settled.own, notified_at=now, reminders=settled.own.reminders + 1)
        return replace(settled, own=reminded)
    return settled


def _close(report: Report, own: Standing | None) -> Standing:
    if own is None:
        return Standing(
            id=report.id,
            state=State.RESOLVED,
            reported="resolved",
            sequence=report.sequence,
            closed_by=Closer.ENGINE,
        )
    return replace(
        own,
        state=State.RESOLVED,
        reported="resolved",
        sequence=report.sequence,
        closed_by=own.closed_by or Closer.ENGINE,
    )


def _open(report: Report, own: Standing | None, *, notified_at: int) -> Standing:
    return Standing(
        id=report.id,
        state=State.FIRING,
        reported="firing",
        sequence=report.sequence,
        occurrence=own.occurrence + 1 if own else 1,
        notified_at=notified_at,
    )


def _take_over(report: Report, own: Standing | None, current: Standing | None) -> Settled:
    if current is None:
        msg = f"{report.id} has no open alert to take over from"
        raise ValueError(msg)
    heir = replace(
        current,
        id=report.id,
        reported="firing",
        sequence=report.sequence,
        occurrence=own.occurrence + 1 if own else 1,
    )
    return Settled(heir, replace(current, state=State.RESOLVED, closed_by=Closer.NEWER))


def acknowledge(standing: Standing, *, by: str, now: int) -> Standing:
    """Return the standing once `by` has taken the alert; unchanged if somebody has already.

    Raises:
        ConflictError: the alert is over.
    """
    if standing.state is State.RESOLVED:
        msg = "the alert is resolved, so there is nothing to acknowledge"
        raise ConflictError(msg)
    if standing.state is State.ACKNOWLEDGED:
        return standing
    return replace(standing, state=State.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=now)


def resolve(standing: Standing, *, by: str, now: int) -> Standing:
    """Return the standing once `by` has declared the alert over; unchanged if it is over."""
    if standing.state is State.RESOLVED:
        return standing
    return replace(
        standing, state=State.RESOLVED, closed_by=Closer.PERSON, resolved_by=by, resolved_at=now
    )


def transition(verdict: Verdict, standing: Standing) -> str:
    """Return the name, unique within the alert, of what a telling verdict tells."""
    name = {
        Verdict.FIRST_SEEN: "firing",
        Verdict.REOPENED: "firing",
        Verdict.REPEAT_DUE: f"reminder-{standing.reminders}",
    }.get(verdict, "resolved")
    return name if standing.occurrence == 1 else f"{name}@{standing.occurrence}"
