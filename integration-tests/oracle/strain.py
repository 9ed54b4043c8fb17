"""How much of what each rule counts came in an order, or as often, as it should not."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from oracle.journal import Batch
from oracle.presence import ORDER
from oracle.watch import Watch


@dataclass(slots=True)
class Strain:
    """Events that a rule counts, and how many of them came in a batch that ..."""

    events: int = 0
    repeated: int = 0
    """was sent twice"""
    overtaken: int = 0
    """lies behind one with newer events"""
    late: int = 0
    """came when event time had perhaps passed it"""

    def __str__(self) -> str:
        return (
            f"{self.events} events, {self.repeated / self.events:.1%} sent twice, "
            f"{self.overtaken / self.events:.1%} overtaken, {self.late / self.events:.1%} late"
        )


def strain(entries: Iterable[Batch], watches: Sequence[Watch]) -> Mapping[str, Strain]:
    """Return what each rule had to bear, from all that was acknowledged, repeats too."""
    found: Mapping[str, Strain] = defaultdict(Strain)
    by_id: dict[str, Counter[str]] = {}
    newest: dict[int, int] = {}
    for batch in sorted(entries, key=lambda each: (each.partition, each.offset)):
        if not batch.events:
            continue
        if batch.id in by_id:
            for rule, count in by_id[batch.id].items():
                found[rule].repeated += count
            continue
        last = max(event["timestamp"] for event in batch.events)
        mine = by_id[batch.id] = Counter(
            watch.id for watch in watches for event in batch.events if watch.matches(event)
        )
        for rule, count in mine.items():
            found[rule].events += count
            found[rule].overtaken += count * (last < newest.get(batch.partition, 0))
            found[rule].late += count * (batch.accepted_at - last > ORDER)
        newest[batch.partition] = max(newest.get(batch.partition, 0), last)
    return found
