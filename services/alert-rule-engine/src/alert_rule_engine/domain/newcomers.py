"""Pane specs that were new lately: windows that began before lack events nobody asked for."""

from collections.abc import Collection, Iterable, Mapping

from alert_rule_engine.domain.panes import LIVE
from alert_rule_engine.domain.rules import RuleBook, rule_key


class Newcomers:
    """From when on events are counted for pane specs, as far as that is not from ever."""

    def __init__(self) -> None:
        self.times: Mapping[str, int] = {}
        """By spec."""

    def since(self, spec: str) -> int:
        """Return from when on a spec's events are counted; 0: from ever."""
        return self.times.get(spec, 0)

    def come(self, specs: Iterable[str], now: int) -> None:
        """Note specs that are new; stage one counts for them soon. `now`: the log's clock."""
        if now:
            self.times = {**self.times, **dict.fromkeys(specs, now + LIVE)}

    def keep(self, specs: Collection[str]) -> None:
        """Forget all but these."""
        self.times = {spec: at for spec, at in self.times.items() if spec in specs}


def unknown(book: RuleBook, known: Mapping[str, object]) -> list[str]:
    """Return the specs that none of the known rules (by key) reads."""
    return [
        spec
        for spec, each in book.specs.items()
        if known.keys().isdisjoint(rule_key(rule.rule) for rule in each.rules)
    ]
