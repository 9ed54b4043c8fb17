"""A batch of the engine's records, judged one after the other: who hears of what, what is kept.

All times are epoch milliseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from alert_contracts.alerts import Alert
from alert_contracts.config import Config
from alert_manager.domain import dedup, history, routing
from alert_manager.domain.dedup import Standing, Verdict
from alert_manager.domain.history import AlertRecord, Entry
from alert_manager.domain.orders import Order, write_orders
from alert_manager.domain.shortcut import Matter, Repeat, matter_of


@dataclass(frozen=True, slots=True)
class Policy:
    """What an operator decides about telling people."""

    config: Config
    dedup_ttl: int
    """Milliseconds of silence after a notification while an alert stays open."""
    external_url: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What the history holds about some records: by alert id, and open by matter."""

    by_id: dict[str, AlertRecord] = field(default_factory=dict)
    open: dict[Matter, AlertRecord] = field(default_factory=dict)

    def keep(self, record: AlertRecord) -> None:
        """Replace what is held of the record's alert."""
        matter = matter_of(record.alert)
        held = self.open.get(matter)
        if record.standing.is_open:
            self.open[matter] = record
        elif held is not None and held.standing.id == record.standing.id:
            del self.open[matter]
        self.by_id[record.standing.id] = record


class Sheet:
    """What a batch has led to so far, on top of `memory`."""

    def __init__(self, policy: Policy, memory: Memory, now: int) -> None:
        self._policy = policy
        self._memory = memory
        self._now = now
        self._changed: dict[str, AlertRecord] = {}
        self.entries: list[Entry] = []
        self.orders: list[Order] = []
        self.verdicts: list[tuple[Alert, Verdict]] = []

    @property
    def records(self) -> list[AlertRecord]:
        """The alerts that changed; those that closed come first, to make room for their heirs."""
        return sorted(self._changed.values(), key=lambda record: record.standing.is_open)

    def judge(self, alert: Alert) -> None:
        """Decide about one record."""
        report = history.report_of(alert)
        known = self._memory.by_id.get(alert.id)
        own = known.standing if known else None
        rival = self._memory.open.get(matter_of(alert))
        current = rival.standing if rival else None
        verdict = dedup.judge(report, own, current, ttl=self._policy.dedup_ttl, now=self._now)
        self.verdicts.append((alert, verdict))
        if verdict is Verdict.REPLAYED:
            return
        settled = dedup.settle(report, own, current, verdict, now=self._now)
        if settled.closed and rival:
            self._give_way(rival, settled.closed, heir=alert)
        record = history.keep(known, alert, settled.own, verdict, now=self._now)
        note = _note_of(own, now=self._now) if own and verdict is Verdict.REOPENED else ""
        standing, told = self._tell(record, verdict, note)
        self._keep(replace(record, standing=standing))
        self._note(alert, standing, verdict, "; ".join(filter(None, (alert.reason, note, told))))

    def note_repeat(self, repeat: Repeat, standing: Standing) -> None:
        """Write down newer evidence that was stored without being judged."""
        alert = repeat.newest
        self.verdicts += [(one, Verdict.DUPLICATE) for one in repeat.alerts]
        entry = history.decision_entry(
            alert, standing, Verdict.DUPLICATE, alert.reason, now=self._now
        )
        self.entries.append(replace(entry, times=repeat.times))

    def _give_way(self, rival: AlertRecord, closed: Standing, *, heir: Alert) -> None:
        words = f"alert {heir.id} of the same rule and group took over"
        self._keep(history.end(rival, closed, reason=words, now=self._now))
        self._note(rival.alert, closed, Verdict.SUPERSEDED, words)

    def _tell(self, record: AlertRecord, verdict: Verdict, note: str) -> tuple[Standing, str]:
        """Write the orders of a verdict; return the standing with who is told, and the words."""
        standing, config = record.standing, self._policy.config
        if verdict not in dedup.TELLING:
            return standing, ""
        receivers: Sequence[str]
        if verdict is Verdict.RESOLVED:
            receivers = still_there(config, standing.told)
            told = ", ".join(receivers)
        else:
            matches = routing.route(config.route, record.alert.labels)
            receivers = routing.receivers(matches)
            standing = replace(standing, told=tuple(dict.fromkeys((*standing.told, *receivers))))
            told = "; ".join(f"{match.receiver} ({match.reason})" for match in matches)
        self.orders += write_orders(
            replace(record, standing=standing),
            verdict,
            receivers,
            url=self._policy.external_url,
            now=self._now,
            note=note,
        )
        return standing, f"told {told or 'nobody'}"

    def _keep(self, record: AlertRecord) -> None:
        self._memory.keep(record)
        self._changed[record.standing.id] = record

    def _note(self, alert: Alert, standing: Standing, verdict: Verdict, words: str) -> None:
        entry = history.decision_entry(alert, standing, verdict, words, now=self._now)
        self.entries.append(entry)


def _note_of(own: Standing, *, now: int) -> str:
    """Return who had declared over what fires again, and how long ago."""
    seconds = max(0, now - (own.resolved_at or now)) // 1_000
    hours, minutes = divmod(seconds // 60, 60)
    ago = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds} s"
    return f"resolved by {own.resolved_by} {ago} ago, and it still fires"


def still_there(config: Config, receivers: Sequence[str]) -> tuple[str, ...]:
    """Return those that the configuration still has."""
    return tuple(name for name in receivers if name in config.by_name)
