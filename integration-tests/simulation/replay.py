"""Everything is decided by the log of partials, and where in it rules were edited.

Who reads it undisturbed, and takes each edit over at the same place, must hear the same.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from alert_contracts.alerts import encode_alert
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.endless import ENDLESS
from alert_rule_engine.domain.journal import restore
from alert_rule_engine.domain.partition import Partition
from alert_rule_engine.testing import LATENESS
from service_runtime.consumer import Record
from simulation.history import History

BY_THE_WAY: Final = frozenset({"decidedAt", "endsAt", "samples", "found"})
"""What depends on when it was said, and on records that were read again."""
Said = Mapping[str, Any]


def replayed(log: Iterable[Sequence[Record]], history: History) -> Iterator[Said]:
    """Yield the alerts that the partitions of the log make."""
    for number, records in enumerate(log):
        (_, book), *edits = history.steps[number]
        partition = restore(number, {}, book=book, lateness=LATENESS).partition
        for record in records:
            while edits and edits[0].after < record.offset:
                partition.follow(edits.pop(0).book)
                yield from _said(partition)
            partition.apply(partials.decode(record.value or b""), record.offset)
            yield from _said(partition)
        for edit in edits:
            partition.follow(edit.book)
            yield from _said(partition)


def _said(partition: Partition) -> Iterator[Said]:
    for alert, _ in partition.take(now=0, cap=ENDLESS, spent={}, room=ENDLESS):
        yield json.loads(encode_alert(alert))


def differences(told: Iterable[Said], again: Iterable[Said]) -> Iterator[str]:
    """Yield what was told and is not told again, or otherwise, and the other way round."""
    ours, theirs = _by_place(told), _by_place(again)
    for place in sorted(ours.keys() | theirs.keys()):
        one, two = ours.get(place), theirs.get(place)
        if one is None or two is None:
            alert = one or two or {}
            which = "told, but not in a replay" if one else "never told, but in a replay"
            yield f"{which}: {_name(alert)}"
        elif one != two:
            fields = [name for name in {**one, **two} if one.get(name) != two.get(name)]
            what = ", ".join(f"{name} {one.get(name)} and {two.get(name)}" for name in fields)
            yield f"told otherwise in a replay: {_name(one)}: {what}"


def _by_place(alerts: Iterable[Said]) -> dict[tuple[str, int], Said]:
    return {
        (alert["id"], alert["sequence"]): {
            name: value for name, value in alert.items() if name not in BY_THE_WAY
        }
        for alert in alerts
    }


def _name(alert: Said) -> str:
    group = "/".join(alert["group"].values())
    where = f"{alert['rule']['id']} {group} of {alert['window']['start']}"
    return f"{alert['status']} {alert['sequence']} of {where}"
