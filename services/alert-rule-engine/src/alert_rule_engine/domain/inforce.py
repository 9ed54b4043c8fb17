"""The rules by which a partition judges, as they are stored with its state.

An edit is a step of the partition's history like any record of its log: all that was told before is
stored first, then the rules that hold from there on, and only then is anything told by them. Who
goes on from there after a crash repeats what may have been told by the rules that told it, and
takes newer ones over after that (`REPEATS`). Otherwise an alert that was told, but not yet stored,
would be forgotten by an edit that comes while nothing runs, and never end.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final
from zlib import crc32

from alert_rule_engine.domain.conditions import rule_key
from alert_rule_engine.domain.packed import PackedRules
from alert_rule_engine.domain.partials import digest
from alert_rule_engine.domain.rules import RuleBook, compile_rules

SHARDS: Final = 256
"""Rules are stored by the hash of their key in so many records, so that an edit rewrites few."""
REPEATS: Final = 2_000
"""Milliseconds of the log's clock: never is more than that applied before it is stored, so whoever
repeats has told nothing beyond. No longer than event time waits for order: a rule that stage one
counts for no more judges nothing by that while it is repeated."""


class InForce:
    """Which rules are stored."""

    def __init__(self) -> None:
        self._marks: dict[int, int] = {}
        """A digest of what is stored, by shard."""
        self._found: list[PackedRules] = []
        """What was stored; of use only until it is compiled."""
        self.arrived: Mapping[str, int] = {}
        """Pane specs that came with them, and when they were asked for."""

    @property
    def known(self) -> bool:
        """Tell whether any rules are stored; they may be none."""
        return bool(self._marks)

    def take(self, shard: int, rules: PackedRules) -> None:
        """Note what a shard holds."""
        self._found.append(rules)
        self.arrived = {**self.arrived, **rules.arrived}
        self._marks[shard] = _mark(rules)

    def compiled(self, today: RuleBook) -> RuleBook:
        """Return the rules that were found; `today` if they are the same, or nothing was."""
        found, self._found = self._found, []
        if not self.known:
            return today
        book = compile_rules((rule for each in found for rule in each.rules), today)
        errors = {key: reason for each in found for key, reason in each.errors.items()}
        disabled = frozenset(key for each in found for key in each.disabled)
        book = replace(book, errors={**errors, **book.errors}, disabled=disabled)
        return today if facts(book) == facts(today) else book

    def changes(
        self, book: RuleBook, arrived: Mapping[str, int]
    ) -> Iterator[tuple[int, PackedRules]]:
        """Yield the shards that are to be stored, so that exactly these rules are."""
        shards: dict[int, PackedRules] = defaultdict(PackedRules)
        shards[0].arrived.update(arrived)
        for key, rule in sorted(book.rules.items()):
            shards[_shard(key)].rules.append(rule.rule)
        for key in sorted(book.disabled):
            shards[_shard(key)].disabled.append(key)
        for key, reason in sorted(book.errors.items()):
            shards[_shard(key)].errors[key] = reason
        for shard in sorted({*shards, *self._marks}):  # the first always: none is not unknown
            mark = _mark(shards[shard])
            if self._marks.get(shard) != mark:
                self._marks[shard] = mark
                yield shard, shards[shard]


def _shard(key: str) -> int:
    return crc32(key.encode()) % SHARDS


def _mark(packed: PackedRules) -> int:
    names = [f"{rule_key(rule)}@{rule.updated_at}.{rule.revision}" for rule in packed.rules]
    return digest(repr((names, packed.disabled, packed.errors, packed.arrived)).encode())


def facts(book: RuleBook) -> tuple[object, ...]:
    """Return what tells the rules of one time from those of another."""
    return book.digest, book.rules.keys(), book.disabled, book.errors
