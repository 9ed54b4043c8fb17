"""The memory that all evaluators of a process share: how many places they may remember."""

from collections.abc import Sequence
from typing import Final, Protocol

MAX_PLACES: Final = 400_000
"""Places that all rules of all tenants remember; one takes some 400 bytes."""


class Lodger(Protocol):
    """What remembers places."""

    room: "Room"
    """Where it counts those that it makes."""

    def places(self) -> int:
        """Return how many places are remembered."""
        ...

    def forget(self) -> None:
        """Remember no place."""
        ...


class Room:
    """A bound for the places that some evaluators remember together."""

    def __init__(self, most: int = MAX_PLACES) -> None:
        self.taken = 0
        """Places remembered; whoever makes one counts it."""
        self.generation = 0
        """How often all was forgotten: what refers to a place of an older one is out of date."""
        self._most = most
        self._lodgers: Sequence[Lodger] = ()

    def admit(self, lodgers: Sequence[Lodger]) -> None:
        """Let these share the room from now on, and nobody else."""
        self._lodgers = lodgers
        self.taken = sum(each.places() for each in lodgers)
        for each in lodgers:
            each.room = self

    def tidy(self) -> None:
        """Forget all places if there are too many; only between two batches."""
        if self.taken > self._most:
            for each in self._lodgers:
                each.forget()
            self.taken = 0
            self.generation += 1
