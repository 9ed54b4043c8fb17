"""What can be spared of a batch, given what a fast and forgetful cache remembers.

The cache is written after the history, so what it remembers is stored; but it may be behind. A
record that it knows to be stored needs nothing. Newer evidence of an alert of which it knows that
somebody was told may be stored without being judged, if the history agrees that it still fires.
Everything else is judged. All times are epoch milliseconds.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from alert_contracts.alerts import Alert


class Matter(NamedTuple):
    """What a person is told about once: a fingerprint of a tenant."""

    tenant: str
    fingerprint: str


class Seen(NamedTuple):
    """What was stored, and told, about a matter when it was last looked at."""

    alert_id: str
    sequence: int
    notified_at: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """Newer evidence of one alert."""

    alerts: tuple[Alert, ...]

    @property
    def newest(self) -> Alert:
        return max(self.alerts, key=lambda alert: alert.sequence)

    @property
    def times(self) -> int:
        return len({alert.sequence for alert in self.alerts})


@dataclass(frozen=True, slots=True)
class Plan:
    """A batch, sorted by how much each record needs. Order within a matter is kept."""

    replayed: tuple[Alert, ...]
    repeats: tuple[Repeat, ...]
    others: tuple[Alert, ...]

    def careful(self, refreshed: Collection[str]) -> list[Alert]:
        """Return what must be judged: all but replays and the ids that could be refreshed."""
        failed = [repeat for repeat in self.repeats if repeat.newest.id not in refreshed]
        return [alert for repeat in failed for alert in repeat.alerts] + list(self.others)


def matter_of(alert: Alert) -> Matter:
    """Return what the alert is about."""
    return Matter(alert.tenant, alert.fingerprint)


def sort(alerts: Sequence[Alert], seen: Mapping[Matter, Seen], *, told_after: int) -> Plan:
    """Return the batch by what it needs; a reminder is due where nobody was told since then."""
    replayed: list[Alert] = []
    repeats: list[Repeat] = []
    others: list[Alert] = []
    for matter, group in _by_matter(alerts).items():
        known = seen.get(matter)
        if known is None:
            others += group
            continue
        fresh = [alert for alert in group if not _is_stored(alert, known)]
        replayed += [alert for alert in group if _is_stored(alert, known)]
        if fresh and known.notified_at > told_after and _only_news_of(known.alert_id, fresh):
            repeats.append(Repeat(tuple(fresh)))
        else:
            others += fresh
    return Plan(tuple(replayed), tuple(repeats), tuple(others))


def _by_matter(alerts: Sequence[Alert]) -> dict[Matter, list[Alert]]:
    groups: dict[Matter, list[Alert]] = defaultdict(list)
    for alert in alerts:
        groups[matter_of(alert)].append(alert)
    return groups


def _is_stored(alert: Alert, known: Seen) -> bool:
    # What the cache knows still fires, so an end under its last number is news.
    stored = known.sequence - 1 if alert.status == "resolved" else known.sequence
    return alert.id == known.alert_id and alert.sequence <= stored


def _only_news_of(alert_id: str, alerts: Sequence[Alert]) -> bool:
    return all(alert.id == alert_id and alert.status == "updated" for alert in alerts)
