"""Which statuses of rules are to be told: what has changed, and all of them again and again."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from alert_contracts.rule_status import REPEAT_MS, RuleStatus, status_key

EVERY_MS: Final = 3_000
"""A status that keeps changing is told no more often."""
MOST: Final = 2_000
"""Statuses told at once; the others wait for the next time."""


class _Told(NamedTuple):
    status: RuleStatus
    """As it was told, without its time."""
    at: int


class Bulletin:
    """Remembers what was told of each rule, and when."""

    def __init__(self, *, every: int = EVERY_MS, most: int = MOST) -> None:
        self._every = every
        self._most = most
        self._told: dict[bytes, _Told] = {}

    def due(self, statuses: Iterable[RuleStatus], now: int) -> list[RuleStatus]:
        """Return what is to be told now, of all that there is to tell: the longest untold first."""
        told: dict[bytes, _Told] = {}
        due: list[tuple[int, bytes, RuleStatus]] = []
        for status in statuses:
            key = status_key(status)
            known = self._told.get(key)
            if known is not None:
                told[key] = known
            at = -REPEAT_MS if known is None else known.at
            timeless = msgspec.structs.replace(status, at=0)
            wait = REPEAT_MS if known is not None and known.status == timeless else self._every
            if at + wait <= now:
                due.append((at, key, status))
        self._told = told
        due.sort(key=lambda each: each[0])
        chosen = due[: self._most]
        for _, key, status in chosen:
            told[key] = _Told(msgspec.structs.replace(status, at=0), now)
        return [status for _, _, status in chosen]
