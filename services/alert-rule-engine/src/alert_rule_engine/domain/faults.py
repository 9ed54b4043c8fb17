"""What went wrong with rules at run time: conditions without an answer, and faults of our own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from alert_contracts.rules import Rule
from alert_rule_engine.domain.conditions import rule_key
from alert_rule_engine.domain.rules import RuleBook


class Fault(NamedTuple):
    """How a rule failed last."""

    rule: Rule
    reason: str
    at: int
    """The log's clock."""
    quarantined: bool = False


@dataclass(slots=True)
class Faults:
    """Of each rule of a partition, what went wrong last. Never state: a restart tries again."""

    now: int = 0
    """The log's clock."""
    by_rule: dict[str, Fault] = field(default_factory=dict)
    fresh: list[Fault] = field(default_factory=list)
    """What was not there when they were last reported."""

    def note(self, rule: Rule, reason: str, *, quarantined: bool = False) -> None:
        """Take note that a rule failed."""
        key = rule_key(rule)
        known = self.by_rule.get(key)
        fault = self.by_rule[key] = Fault(rule, reason, self.now, quarantined)
        if known is None or known.reason != reason:
            self.fresh.append(fault)

    def out(self, rule: Rule) -> bool:
        """Tell whether a rule is left out."""
        fault = self.by_rule.get(rule_key(rule))
        return fault is not None and fault.quarantined

    @contextmanager
    def guard(self, rule: Rule) -> Iterator[None]:
        """Leave a rule out from now on if what follows fails; the others go on."""
        try:
            yield
        except Exception as exc:  # noqa: BLE001 - our fault in one rule must not stop the others
            self.note(rule, repr(exc), quarantined=True)

    def follow(self, book: RuleBook) -> None:
        """Try again those that were changed."""
        self.by_rule = {
            key: fault
            for key, fault in self.by_rule.items()
            if key in book.rules and book.rules[key].rule == fault.rule
        }

    def report(self) -> list[Fault]:
        """Return what is new since the last call."""
        fresh, self.fresh = self.fresh, []
        return fresh
