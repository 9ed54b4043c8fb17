"""What a partial did to a partition."""

from typing import Final, NamedTuple

from alert_rule_engine.domain.vector import Outcome


class Losses(NamedTuple):
    """Events that no window counts."""

    late: int = 0
    surplus: int = 0
    """Of groups beyond a rule's `maxGroups`."""
    excess: int = 0
    """Of terms and changes beyond those that are kept, and of rows beyond a record's."""


NO_LOSSES: Final = Losses()


class Applied(NamedTuple):
    """What a partial did."""

    outcome: Outcome
    gap: bool
    """Partials between this one and the last of its source are missing: lost, or still to come if
    the outcome is `EARLY`."""
    losses: Losses
