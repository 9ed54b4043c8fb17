"""Fakes of the ports (`fakes`), builders of values, and the two stages joined without Kafka."""

from collections.abc import Sequence
from typing import Any

import msgspec

from alert_contracts.alerts import Alert
from alert_contracts.events import Event, encode_batch
from alert_contracts.rules import DEFAULTS, Rule, RuleType, Severity, Window
from alert_contracts.topics import LOG_EVENTS_PARTITIONS, STATE_PARTITIONS
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.applied import Applied
from alert_rule_engine.domain.evidence import Question
from alert_rule_engine.domain.journal import Journal, restore
from alert_rule_engine.domain.partials import Message, Partial, Tick
from alert_rule_engine.domain.parts import PART_BYTES
from alert_rule_engine.domain.rules import RuleBook, compile_rules
from alert_rule_engine.domain.rulesets import RuleSets
from alert_rule_engine.testing.fakes import (
    EndedError,
    FakeAlerts,
    FakeOutlet,
    FakeRecords,
    FakeStore,
    end,
    put,
)

__all__ = [
    "LATENESS",
    "NOON",
    "EndedError",
    "FakeAlerts",
    "FakeOutlet",
    "FakeRecords",
    "FakeStore",
    "Pipeline",
    "a_rule",
    "an_error",
    "book_of",
    "end",
    "put",
    "sliding",
    "told",
    "tumbling",
]

NOON = 1_767_268_800_000
"""2026-01-01T12:00:00Z: the start of every window that divides a day."""
LATENESS = 2_000


def a_rule(kind: RuleType = RuleType.ERROR_THRESHOLD, **changes: Any) -> Rule:  # noqa: ANN401
    """Return a rule of a type with the type's defaults; five minutes, by service, above 100."""
    defaults = DEFAULTS[kind]
    rule = Rule(
        id="r1",
        tenant="default",
        revision=1,
        name="A rule",
        type=kind,
        match=defaults.match or "true",
        condition=defaults.condition or "count > threshold",
        severity=Severity.CRITICAL,
        window=Window(),
        group_by=("service",),
        threshold=100,
        value=defaults.value,
        min_count=defaults.min_count,
    )
    return msgspec.structs.replace(rule, **changes)


def sliding(size: int, step: int = 10_000) -> Window:
    """Return a sliding window."""
    return Window(kind="sliding", size=size, step=step)


def tumbling(size: int, lateness: int = 30_000) -> Window:
    """Return a tumbling window."""
    return Window(size=size, step=size, allowed_lateness=lateness)


def an_error(at: int = NOON, service: str = "pay", **fields: Any) -> Event:  # noqa: ANN401
    """Return an ERROR event."""
    return Event(at, service, fields.pop("message", "boom"), fields.pop("level", "ERROR"), **fields)


def told(
    sets: RuleSets,
    events: Sequence[Event],
    *,
    source: int = 0,
    offset: int = 0,
    at: int = NOON,
    batch: str = "b",
    settled: int = 0,
) -> list[Partial]:
    """Return what stage one tells each target of a batch that was accepted at a time."""
    rules = sets.of("default")
    blocks = rules.evaluate(rules.decode(encode_batch(events), at))
    return [
        Partial(
            format=partials.FORMAT,
            source=source,
            offset=offset,
            batch=partials.digest(batch.encode()),
            events=len(events) if target == 0 else 0,
            clock=min(at, max((event.timestamp for event in events), default=0)),
            accepted_at=at,
            at=at,
            traceparent="00-trace",
            blocks=share,
            settled=settled,
        )
        for target, share in enumerate(blocks)
    ]


class Pipeline:
    """Both stages, joined by lists: post batches and ticks, read alerts, crash and recover."""

    def __init__(self, *rules: Rule, cap: int = 1_000, part_bytes: int = PART_BYTES) -> None:
        self.cap = cap
        self.alerts: list[Alert] = []
        self.questions: list[Question | None] = []
        self.log: list[list[bytes]] = [[] for _ in range(STATE_PARTITIONS)]
        self.stored: dict[bytes, bytes] = {}
        self.book = compile_rules(rules)
        self.now = NOON
        self._part_bytes = part_bytes
        self._sets = RuleSets()
        self._sets.follow(self.book)
        self._offsets = dict.fromkeys(range(LOG_EVENTS_PARTITIONS), 0)
        self.journals = [self._restore(number) for number in range(STATE_PARTITIONS)]

    def change(self, *rules: Rule) -> None:
        """Change the rules in both stages."""
        self.book = compile_rules(rules)
        self._sets.follow(self.book)
        for journal in self.journals:
            journal.partition.follow(self.book)
            self._listen(journal)

    def lead(self, *rules: Rule) -> None:
        """Change the rules in the first stage, which is ahead of the second then."""
        self._sets.follow(compile_rules(rules))

    def post(
        self,
        *events: Event,
        source: int = 0,
        batch: str = "",
        settled: int = 0,
        accepted: int | None = None,
    ) -> list[Applied]:
        """Put a batch through; it is accepted at the time of its newest event if none is given."""
        offset = self._offsets[source]
        self._offsets[source] += 1
        times = [event.timestamp for event in events] if accepted is None else [accepted]
        self.now = max(self.now, *times)
        told_now = told(
            self._sets,
            events,
            source=source,
            offset=offset,
            at=self.now,
            batch=batch or f"{source}/{offset}",
            settled=settled,
        )
        applied = []
        for target, partial in enumerate(told_now):
            applied += self._append(target, partial)
        return applied

    def tick(self, at: int, *, deaf: bool = False) -> None:
        """Let every source be idle at a time; a gateway says that it is there, unless `deaf`."""
        self.now = max(self.now, at)
        beats = [] if deaf else self._told(at - 1)
        tick = Tick(partials.FORMAT, at, dict(self._offsets))
        for target in range(STATE_PARTITIONS):
            self._append(target, *beats[target : target + 1], tick)

    def rest(self, until: int) -> None:
        """Let nothing come until a time but a gateway's signs that it is there."""
        for at in range(self.now, until, 2_000):
            self.tick(at)
        self.tick(until)

    def beat(self, at: int) -> None:
        """Put through the empty batch by which a gateway says that it is there."""
        for target, partial in enumerate(self._told(at)):
            self._append(target, partial)

    def _told(self, at: int) -> list[Partial]:
        source = LOG_EVENTS_PARTITIONS - 1
        offset = self._offsets[source]
        self._offsets[source] += 1
        return told(self._sets, [], source=source, offset=offset, at=at, batch=f"beat {offset}")

    def _append(self, target: int, *messages: Message) -> list[Applied]:
        self.log[target].append(partials.pack([partials.encode(each) for each in messages]))
        return self.apply(target, len(self.log[target]) - 1)

    def apply(self, target: int, offset: int) -> list[Applied]:
        """Apply the record of the log at an offset (again)."""
        journal = self.journals[target]
        messages = partials.decode(self.log[target][offset])
        applied = journal.partition.apply(messages, offset)
        self._listen(journal)
        return applied

    def _listen(self, journal: Journal) -> None:
        said = journal.partition.take(now=self.now, cap=self.cap, spent={}, room=1_000_000)
        for alert, question in said:
            self.alerts.append(alert)
            self.questions.append(question)

    def flush(self, *, writes: int | None = None) -> None:
        """Store what changed; with `writes`, die after so many records of each partition."""
        for journal in self.journals:
            vector = journal.vector()
            parts, records = journal.changes()
            changes = [*parts, *records, *([vector] if vector else [])]
            for key, value in changes[:writes]:
                put(self.stored, key, value)

    def _restore(self, number: int) -> Journal:
        return restore(
            number,
            self.stored,
            book=self.book,
            lateness=LATENESS,
            part_bytes=self._part_bytes,
        )

    def crash(self, *rules: Rule, replayed: int | None = None) -> None:
        """Lose what was not stored, and replay the log from there (under other rules, if given).

        With `replayed`, only so many records of each partition.
        """
        self.book = compile_rules(rules) if rules else self.book
        self._sets.follow(self.book)
        for number in range(STATE_PARTITIONS):
            self.journals[number] = self._restore(number)
            self._listen(self.journals[number])
            first = self.journals[number].partition.vector.applied + 1
            for offset in range(first, len(self.log[number]))[:replayed]:
                self.apply(number, offset)

    def edit(self, *rules: Rule, away: bool) -> None:
        """Change the rules in both stages; while all is stored and nothing runs, if `away`."""
        if away:
            self.flush()
            self.crash(*rules)
        else:
            self.change(*rules)

    def said(self) -> list[str]:
        """Return each alert record as `status group count`."""
        return [
            f"{alert.status} {'/'.join(alert.group.values())} {alert.aggregates['count']:g}"
            for alert in self.alerts
        ]


def book_of(*rules: Rule) -> RuleBook:
    """Return rules compiled."""
    return compile_rules(rules)
