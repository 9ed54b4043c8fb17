"""The topic of rules, and how each process follows it at its own pace."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from alert_contracts.rules import Rule
from alert_rule_engine.domain.rules import RuleBook, compile_rules
from simulation.world import Process, wait

PACE: Final = 700


class Rules:
    """The rules that hold now."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.now = list(rules)
        self.book = compile_rules(rules)
        assert not self.book.errors, self.book.errors

    def change(self, rules: Sequence[Rule]) -> None:
        """Let these rules hold from now on."""
        self.now = list(rules)
        self.book = compile_rules(rules, self.book)

    async def follow(
        self, process: Process, changed: Callable[[RuleBook], Awaitable[None]]
    ) -> None:
        """Tell a process of each change, a little late, for ever."""
        known = self.book
        while True:
            await wait(process.world.draw.randint(1, PACE))
            if self.book is not known:
                known = self.book
                await changed(known)
