"""What waits under `for`: conditions that hold, but not yet for long enough."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from alert_contracts.rules import Rule
from alert_rule_engine.domain.conditions import rule_key
from alert_rule_engine.domain.endings import basis
from alert_rule_engine.domain.endless import ENDLESS
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.rules import RuleBook

Row = tuple[str, Group, int]
"""Rule, group, and since when its condition has held."""


@dataclass(slots=True)
class Pending:
    """Since when the conditions of rules with `for` have held, by rule and group."""

    since: dict[str, dict[Group, int]] = field(default_factory=dict)
    bases: dict[str, int] = field(default_factory=dict)
    """What those rules counted then; see `basis`."""

    def rows(self) -> list[Row]:
        """Return all that is pending."""
        return [
            (key, group, since) for key, mine in self.since.items() for group, since in mine.items()
        ]

    def restore(self, rows: Iterable[Row], bases: dict[str, int]) -> None:
        """Take what was stored; some versions stored no bases."""
        for key, group, since in rows:
            self.since.setdefault(key, {})[group] = since
        self.bases = {key: bases.get(key, 0) for key in self.since}

    def groups(self, key: str) -> Collection[Group]:
        """Return the groups of a rule that wait."""
        return self.since.get(key, ())

    def of(self, rule: Rule, group: Group) -> int | None:
        """Return since when a group of a rule waits, if it does."""
        return self.since.get(rule_key(rule), {}).get(group)

    def begin(self, rule: Rule, group: Group, at: int) -> int:
        """Return since when a condition has held that holds at a time."""
        key = rule_key(rule)
        self.bases[key] = basis(rule)
        mine = self.since.setdefault(key, {})
        mine[group] = min(at, mine.get(group, at))
        return mine[group]

    def lapse(self, key: str, group: Group, at: int = ENDLESS) -> bool:
        """Let a group begin anew, since its condition does not hold at a time; tell whether it had.

        What has held since a later time is none of its business.
        """
        mine = self.since.get(key, {})
        if at < mine.get(group, ENDLESS + 1):
            return False
        del mine[group]
        if not mine:
            del self.since[key], self.bases[key]
        return True

    def keep(self, key: str, known: Collection[Group]) -> bool:
        """Let the groups of a rule begin anew that are not known any more; tell whether any do."""
        gone = self.since.get(key, {}).keys() - known
        for group in gone:
            self.lapse(key, group)
        return bool(gone)

    def follow(self, book: RuleBook) -> bool:
        """Let begin anew what counts something else now; tell whether anything does."""
        lost = [
            key
            for key, counted in self.bases.items()
            if key not in book.rules or counted != basis(book.rules[key].rule)
        ]
        for key in lost:
            del self.since[key], self.bases[key]
        return bool(lost)
