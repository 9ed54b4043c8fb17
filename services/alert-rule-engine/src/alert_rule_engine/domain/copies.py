"""Which parts of a bucket are in its record (hot) and which have a record of their own (cold)."""

from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

Name = TypeVar("Name", bound=Hashable)


class Plan(NamedTuple, Generic[Name]):
    """What is to be written now."""

    deleted: set[Name]
    """Cold records of what was forgotten."""
    cooling: set[Name]
    """What gets a cold record."""
    hot: set[Name]
    """What the bucket's record must hold, if it is written."""


class Copies(Generic[Name]):
    """The copies of one sort of part: panes by start, or pieces of memories."""

    def __init__(self) -> None:
        self.hot: set[Name] = set()
        self.cold: set[Name] = set()
        """Up to date."""
        self.written: set[Name] = set()
        """Up to date or not."""
        self._forgotten: set[Name] = set()

    def load(self, name: Name) -> bool:
        """Note a cold record that was read; tell whether it is of use: a hot copy overrides it."""
        self.written.add(name)
        if name in self.hot:
            return False
        self.cold.add(name)
        return True

    def restless(self) -> bool:
        """Tell whether anything may be to do though the bucket has not changed."""
        return bool(self.hot - self.cold or self.written)

    def plan(self, live: set[Name], touched: set[Name], warm: set[Name]) -> Plan[Name]:
        """Return what is to be written; what was planned before is stored by now.

        `live`: all that there is; `warm`: what stays hot though it has not changed.
        """
        touched = touched & live
        deleted = self._forgotten
        self.written -= deleted
        self._forgotten = self.written - live
        self.cold = (self.cold & live) - touched
        kept = (self.hot & live) - touched - self.cold
        cooling = kept - warm
        self.cold |= cooling
        self.written |= cooling
        return Plan(deleted, cooling, touched | kept)
