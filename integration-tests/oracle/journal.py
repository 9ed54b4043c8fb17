"""The journal of accepted batches: NDJSON on disk, one acknowledged batch a line.

A batch that was sent twice stands there twice, under one id; it counts once. One without events
tells that events could have been accepted.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

Event = dict[str, Any]


class Batch(NamedTuple):
    """What was acknowledged: the id, when (epoch ms), where it lies, and its events.

    `posted_at` is the time that the batch itself tells, and so what the engine knows: where the
    broker was away for a while, all that had been posted is acknowledged only afterwards.
    """

    id: str
    posted_at: int
    accepted_at: int
    partition: int
    offset: int
    events: Sequence[Event]


class Journal:
    """Written by whoever posts, once a batch is acknowledged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO = path.open("a")

    def accepted(
        self, batch: str, *, posted: int, at: int, place: tuple[int, int], lines: Sequence[str]
    ) -> None:
        """Note an acknowledged batch and its partition and offset; `lines`: its events as JSON."""
        head = {"batch": batch, "postedAt": posted, "acceptedAt": at, "at": place}
        self._file.write(f'{json.dumps(head)[:-1]},"events":[{",".join(lines)}]}}\n')

    def close(self) -> None:
        self._file.close()


def entries(path: Path) -> Iterator[Batch]:
    """Yield what was acknowledged, in that order; a batch that was sent twice comes twice."""
    with path.open() as file:
        for line in file:
            found = json.loads(line)
            posted, accepted, (partition, offset) = (
                found[name] for name in ("postedAt", "acceptedAt", "at")
            )
            yield Batch(found["batch"], posted, accepted, partition, offset, found["events"])


def read(path: Path) -> Iterator[Batch]:
    """Yield every batch once, in the order in which they were first acknowledged."""
    return once(entries(path))


def once(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield each of some batches where it comes first."""
    known: set[str] = set()
    for batch in batches:
        if batch.id not in known:
            known.add(batch.id)
            yield batch
