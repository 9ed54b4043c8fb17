"""What the engine said, alert by alert: the records of `alerts`, told apart by id and sequence."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from oracle.watch import Group

Record = Mapping[str, Any]
"""The JSON of one record of `alerts`."""


@dataclass(slots=True)
class Told:
    """One alert: its records by sequence, repeats left out."""

    id: str
    rule: str
    group: Group
    records: dict[int, Record] = field(default_factory=dict)
    repeats: int = 0
    faults: list[str] = field(default_factory=list)
    """What is wrong with its records, whatever the events were."""

    @property
    def first(self) -> Record:
        return self.records[min(self.records)]

    @property
    def last(self) -> Record:
        return self.records[max(self.records)]

    @property
    def opened_by(self) -> int:
        return int(self.first["window"]["start"])

    @property
    def over(self) -> bool:
        return bool(self.last["status"] == "resolved")


def gather(records: Iterable[Record]) -> list[Told]:
    """Return the alerts, in the order in which they were first told.

    `records` must keep the order of each partition of the topic.
    """
    found: dict[str, Told] = {}
    for record in records:
        id_ = record["id"]
        if id_ not in found:
            found[id_] = Told(id_, record["rule"]["id"], tuple(record["group"].values()))
        _hear(found[id_], record)
    for told in found.values():
        told.faults += _sequence_faults(told)
    found_faults = _identity_faults(found.values())
    for id_, fault in found_faults:
        found[id_].faults.append(fault)
    return list(found.values())


def _hear(told: Told, record: Record) -> None:
    sequence = record["sequence"]
    before = told.records.get(sequence)
    if before is None:
        told.records[sequence] = record
        return
    told.repeats += 1
    for name in ("status", "window", "aggregates", "rule", "group"):
        if before[name] != record[name]:
            told.faults.append(
                f"sequence {sequence} was told twice, with another {name}: "
                f"{before[name]} and {record[name]}"
            )


def _sequence_faults(told: Told) -> Iterator[str]:
    """I5: firing, then updates, then resolved once."""
    ordered = [told.records[sequence]["status"] for sequence in sorted(told.records)]
    if sorted(told.records) != list(range(1, len(ordered) + 1)):
        yield f"sequences are missing: {sorted(told.records)}"
    if ordered[0] != "firing" or "firing" in ordered[1:]:
        yield f"it does not begin with its one firing: {ordered}"
    if Counter(ordered)["resolved"] > 1 or "resolved" in ordered[:-1]:
        yield f"it was resolved and went on: {ordered}"


def _identity_faults(alerts: Iterable[Told]) -> Iterator[tuple[str, str]]:
    """One id for one (rule, revision, group, window that opened it), and the other way round."""
    by_identity: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for told in alerts:
        revision = told.first["rule"]["revision"]
        identity = (told.rule, revision, told.group, told.opened_by)
        by_identity[identity].add(told.id)
    for shared, ids in by_identity.items():
        for id_ in ids if len(ids) > 1 else ():
            yield id_, f"several ids for one identity {shared}: {sorted(ids)}"
