"""The rules as the compacted topic tells them: each one's newest revision, until its tombstone."""

from dataclasses import dataclass, field

from alert_contracts.rules import Rule, decode_rule
from alert_rule_engine.domain.rules import RuleBook, compile_rules


@dataclass(slots=True)
class Catalog:
    """Rules by record key."""

    rules: dict[bytes, Rule] = field(default_factory=dict)
    _book: RuleBook = field(default_factory=RuleBook)

    def take(self, key: bytes, value: bytes | None) -> bool:
        """Take one record in; tell whether anything changed.

        Raises:
            msgspec.DecodeError: the value is no rule; what was known of it stays.
        """
        known = self.rules.get(key)
        if value is None:
            return self.rules.pop(key, None) is not None
        rule = decode_rule(value)
        # Revisions begin anew in a database that was built anew; time does not.
        if known is not None and _age(rule) <= _age(known):
            return False
        self.rules[key] = rule
        return True

    def compile(self) -> RuleBook:
        """Compile what is known; what has not changed since the last time is not done again."""
        self._book = compile_rules(self.rules.values(), self._book)
        return self._book


def _age(rule: Rule) -> tuple[int, int]:
    return rule.updated_at, rule.revision
