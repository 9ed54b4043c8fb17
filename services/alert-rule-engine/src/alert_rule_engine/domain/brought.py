"""What rows came with, and what they witness."""

from typing import NamedTuple

from alert_rule_engine.domain.aggregates import pack_reference
from alert_rule_engine.domain.lifecycle import Crossing, Witness
from alert_rule_engine.domain.partials import Partial
from alert_rule_engine.domain.sifting import Found


class Brought(NamedTuple):
    """What rows came with."""

    partial: Partial
    start: int
    """Of their pane."""
    at: int
    """Event time that they reach."""
    late_by: int

    @property
    def known_at(self) -> int:
        """Return the same, but no time to come: clocks of senders may be ahead."""
        return min(self.at, self.partial.accepted_at)

    def witness(self, found: Found | None, needed: int | None = None) -> Witness:
        """Return the witness of a window that these rows made hold."""

        def witness() -> Crossing:
            partial = self.partial
            return Crossing(
                self.known_at,
                partial.accepted_at,
                partial.traceparent,
                pack_reference(partial.source, partial.offset),
                self.late_by,
                needed,
                found or {},
            )

        return witness
